resource "aws_opensearch_domain" "open" { # WANT unencrypted no-tls
  domain_endpoint_options {
    enforce_https = false # WANT no-tls
  }
}

resource "aws_sqs_queue" "open" {
  sqs_managed_sse_enabled = false # WANT unencrypted
  policy = jsonencode({
    Statement = [{ Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = "*" }] # WANT anonymous-rights
  })
}

data "aws_iam_policy_document" "ladder" {
  statement { # WANT privilege-escalation
    actions   = ["iam:PassRole", "s3:GetObject"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "everybody" {
  statement { # WANT anonymous-rights
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::patients/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_lambda_permission" "open" {
  principal = "*" # WANT anonymous-rights
}

resource "aws_cognito_user_pool" "people" { # WANT no-mfa
  name = "people"
}

resource "aws_security_group" "wide" {
  ingress { # WANT open-network
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/0"]
  }
}
