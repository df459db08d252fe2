# A CloudWatch metric stream, the Firehose that delivers it to Hydrant, and a bucket for what could not
# be delivered. One of these for each account and region. Alarms are in alarms.tf, roles in roles.tf.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account_id    = data.aws_caller_identity.current.account_id
  with_secret   = var.access_key_secret_arn != ""
  namespaces    = contains(var.namespaces, "*") ? [] : setunion(var.namespaces, ["AWS/Firehose", "AWS/CloudWatch/MetricStreams"])
  delivery_arn  = "arn:${data.aws_partition.current.partition}:firehose:${data.aws_region.current.id}:${local.account_id}:deliverystream/${var.name}"
  failed_prefix = "${var.backup_prefix}failed/"
}

resource "aws_cloudwatch_metric_stream" "this" {
  name                            = var.name
  firehose_arn                    = aws_kinesis_firehose_delivery_stream.this.arn
  role_arn                        = aws_iam_role.metric_stream.arn
  output_format                   = var.output_format
  include_linked_accounts_metrics = var.include_linked_accounts

  dynamic "include_filter" {
    for_each = local.namespaces

    content {
      namespace = include_filter.value
    }
  }

  dynamic "statistics_configuration" {
    for_each = length(var.percentile_metrics) > 0 ? [var.percentiles] : []

    content {
      additional_statistics = statistics_configuration.value

      dynamic "include_metric" {
        for_each = var.percentile_metrics

        content {
          namespace   = split(":", include_metric.value)[0]
          metric_name = split(":", include_metric.value)[1]
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.metric_stream]
}

resource "aws_kinesis_firehose_delivery_stream" "this" {
  name        = var.name
  destination = "http_endpoint"

  server_side_encryption {
    enabled  = true
    key_type = "AWS_OWNED_CMK"
  }

  http_endpoint_configuration {
    name               = "Hydrant"
    url                = var.endpoint_url
    access_key         = local.with_secret ? null : var.access_key
    role_arn           = aws_iam_role.firehose.arn
    buffering_size     = var.buffering_size_mib
    buffering_interval = var.buffering_interval_seconds
    retry_duration     = var.retry_duration_seconds
    s3_backup_mode     = var.backup_mode

    dynamic "secrets_manager_configuration" {
      for_each = local.with_secret ? [var.access_key_secret_arn] : []

      content {
        enabled    = true
        secret_arn = secrets_manager_configuration.value
        role_arn   = aws_iam_role.firehose.arn
      }
    }

    request_configuration {
      content_encoding = var.content_encoding
    }

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.this.name
      log_stream_name = aws_cloudwatch_log_stream.delivery.name
    }

    s3_configuration {
      bucket_arn          = aws_s3_bucket.backup.arn
      role_arn            = aws_iam_role.firehose.arn
      prefix              = "${var.backup_prefix}data/!{timestamp:yyyy/MM/dd/HH}/"
      error_output_prefix = "${local.failed_prefix}!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/"
      compression_format  = var.backup_compression
      buffering_size      = 16
      buffering_interval  = 300

      cloudwatch_logging_options {
        enabled         = true
        log_group_name  = aws_cloudwatch_log_group.this.name
        log_stream_name = aws_cloudwatch_log_stream.backup.name
      }
    }
  }

  lifecycle {
    precondition {
      condition     = (nonsensitive(var.access_key) == "") != (var.access_key_secret_arn == "")
      error_message = "Give either access_key or access_key_secret_arn."
    }
  }

  depends_on = [aws_iam_role_policy.firehose]
}

resource "aws_s3_bucket" "backup" {
  bucket_prefix = "${lower(replace(substr(var.name, 0, 28), "_", "-"))}-backup-"
  # What is in it may not have been replayed yet.
  force_destroy = false
}

resource "aws_s3_bucket_server_side_encryption_configuration" "backup" {
  bucket = aws_s3_bucket.backup.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "backup" {
  bucket                  = aws_s3_bucket.backup.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "backup" {
  bucket = aws_s3_bucket.backup.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "backup" {
  bucket = aws_s3_bucket.backup.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.backup_retention_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

data "aws_iam_policy_document" "only_tls" {
  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.backup.arn, "${aws_s3_bucket.backup.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "backup" {
  bucket     = aws_s3_bucket.backup.id
  policy     = data.aws_iam_policy_document.only_tls.json
  depends_on = [aws_s3_bucket_public_access_block.backup]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/kinesisfirehose/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_stream" "delivery" {
  name           = "DestinationDelivery"
  log_group_name = aws_cloudwatch_log_group.this.name
}

resource "aws_cloudwatch_log_stream" "backup" {
  name           = "BackupDelivery"
  log_group_name = aws_cloudwatch_log_group.this.name
}
