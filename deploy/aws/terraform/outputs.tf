output "metric_stream_arn" {
  description = "The metric stream, as Hydrant shows it."
  value       = aws_cloudwatch_metric_stream.this.arn
}

output "delivery_stream_arn" {
  description = "The Firehose."
  value       = aws_kinesis_firehose_delivery_stream.this.arn
}

output "backup_bucket_name" {
  description = "The bucket."
  value       = aws_s3_bucket.backup.id
}

output "failed_data_url" {
  description = "What hydrant replay reads after a failure."
  value       = "s3://${aws_s3_bucket.backup.id}/${local.failed_prefix}"
}

output "log_group_name" {
  description = "Firehose's reasons for failed deliveries."
  value       = aws_cloudwatch_log_group.this.name
}
