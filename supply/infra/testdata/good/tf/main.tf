resource "aws_cloudtrail" "all" {
  is_multi_region_trail      = true
  enable_log_file_validation = true
  kms_key_id                 = aws_kms_key.k.arn
}
resource "aws_kms_key" "k" {
  enable_key_rotation = true
}
resource "aws_db_instance" "charts" {
  storage_encrypted       = true
  kms_key_id              = aws_kms_key.k.arn
  backup_retention_period = 35
  deletion_protection     = true
  publicly_accessible     = var.public
  password                = data.aws_secretsmanager_secret_version.db.secret_string
}
resource "aws_s3_bucket" "charts" {
  bucket = "charts"
}
resource "aws_s3_bucket_versioning" "charts" {
  bucket = aws_s3_bucket.charts.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_instance" "web" {
  metadata_options { http_tokens = "required" }
  root_block_device { encrypted = true }
}
resource "aws_security_group" "web" {
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0", var.more]
  }
  ingress {
    from_port   = 5432
    to_port     = 5432
    protocol    = "tcp"
    cidr_blocks = [aws_vpc.v.cidr_block]
  }
}
data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
  statement {
    effect    = "Deny"
    actions   = ["*"]
    resources = ["*"]
  }
}
resource "aws_lb_listener" "http" {
  protocol = "HTTP"
  default_action {
    type = "redirect"
    redirect { protocol = "HTTPS" }
  }
}
variable "db_password" {
  sensitive = true
}
