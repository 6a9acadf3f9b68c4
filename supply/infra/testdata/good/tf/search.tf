resource "aws_opensearch_domain" "closed" {
  encrypt_at_rest {
    enabled = true
  }
  node_to_node_encryption {
    enabled = true
  }
  domain_endpoint_options {
    enforce_https = true
  }
}

resource "aws_sqs_queue" "closed" {
  policy = jsonencode({
    Statement = [
      { Effect = "Allow", Principal = { AWS = "arn:aws:iam::123456789012:role/portal" }, Action = "sqs:SendMessage", Resource = "*" },
      { Effect = "Deny", Principal = "*", Action = "sqs:*", Resource = "*" },
      { Effect = "Allow", Principal = "*", Action = "sqs:SendMessage", Resource = "*", Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:sns:eu-west-1:123456789012:labs" } } },
    ]
  })
}

data "aws_iam_policy_document" "one_role" {
  statement {
    actions   = ["iam:PassRole"]
    resources = ["arn:aws:iam::123456789012:role/portal"]
  }
}

resource "aws_lambda_permission" "topic" {
  principal  = "*"
  source_arn = "arn:aws:sns:eu-west-1:123456789012:labs"
}

resource "aws_cognito_user_pool" "people" {
  mfa_configuration = "ON"
}

resource "aws_security_group" "narrow" {
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.20.0.0/16"]
  }
}
