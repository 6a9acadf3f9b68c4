resource "aws_db_instance" "production" { # WANT unencrypted no-deletion-protection no-trail
  engine                  = "postgres"
  publicly_accessible     = true # WANT public
  backup_retention_period = 1 # WANT no-backup
  skip_final_snapshot     = true # WANT no-backup
  password                = "correct-horse" # WANT literal-secret
}
resource "aws_db_instance" "staging" { # WANT no-deletion-protection shared-account
  storage_encrypted       = true
  backup_retention_period = 14
  password                = var.password
}
resource "aws_s3_bucket" "charts" { # WANT no-backup
  bucket = "charts"
}
resource "aws_s3_bucket_acl" "charts" {
  bucket = aws_s3_bucket.charts.id
  acl    = "public-read" # WANT public
}
resource "aws_s3_bucket_public_access_block" "charts" {
  bucket            = aws_s3_bucket.charts.id
  block_public_acls = false # WANT public
}
resource "aws_security_group" "db" {
  ingress { # WANT open-network
    from_port   = 5432
    to_port     = 5432
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_iam_policy" "all" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { # WANT wildcard-rights
        Effect   = "Allow"
        Action   = ["s3:*", "kms:Decrypt"]
        Resource = "*"
      },
    { Effect = "Allow", Action = "s3:GetObject", Resource = "${aws_s3_bucket.charts.arn}/*" }]
  })
}
resource "aws_iam_role_policy" "text" {
  policy = "{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}}" # WANT wildcard-rights
}
data "aws_iam_policy_document" "all" {
  statement { # WANT wildcard-rights
    actions   = ["ec2:*"]
    resources = ["*"]
  }
}
resource "aws_kms_key" "k" { # WANT no-key-rotation
  description = "charts"
}
resource "aws_instance" "web" { # WANT metadata-v1 unencrypted
  associate_public_ip_address = true # WANT public-subnet
}
resource "aws_subnet" "a" {
  map_public_ip_on_launch = true # WANT public-subnet
}
resource "aws_lb_listener" "http" {
  protocol = "HTTP" # WANT no-tls
}
resource "aws_ecr_repository" "app" { # WANT mutable-tags
  name = "app"
}
variable "db_password" {
  default = "correct-horse" # WANT literal-secret
}
resource "google_compute_firewall" "ssh" { # WANT open-network
  source_ranges = ["0.0.0.0/0"]
  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}
resource "google_sql_database_instance" "db" { # WANT no-backup no-tls public
  settings {
    tier = "db-f1-micro"
  }
}
resource "azurerm_storage_account" "s" {
  min_tls_version = "TLS1_0" # WANT no-tls
}
