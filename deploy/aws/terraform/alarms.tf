locals {
  actions = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]

  firehose_alarms = {
    delivery-is-late = {
      description = "Hydrant takes no deliveries, or too few. Firehose tries again for retry_duration_seconds; then data goes to the bucket. See docs/aws-setup.md."
      metric      = "DeliveryToHttpEndpoint.DataFreshness"
      statistic   = "Maximum"
      period      = 60
      periods     = 5
      of_these    = 3
      comparison  = "GreaterThanThreshold"
      threshold   = var.data_freshness_alarm_seconds
      missing     = "notBreaching"
    }
    deliveries-fail = {
      description = "Half of the deliveries to Hydrant or more fail. The log group has Firehose's reasons."
      metric      = "DeliveryToHttpEndpoint.Success"
      statistic   = "Average"
      period      = 300
      periods     = 2
      of_these    = 2
      comparison  = "LessThanThreshold"
      threshold   = 0.5
      missing     = "notBreaching"
    }
    data-went-to-the-bucket = {
      description = "Retries ran out, and data went to the bucket instead of Hydrant. Read it in with hydrant replay."
      metric      = "BackupToS3.Records"
      statistic   = "Sum"
      period      = 300
      periods     = 1
      of_these    = 1
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      missing     = "notBreaching"
    }
    backup-fails = {
      description = "Firehose cannot write to the bucket. When Hydrant fails as well, delivery stops altogether."
      metric      = "BackupToS3.Success"
      statistic   = "Average"
      period      = 300
      periods     = 1
      of_these    = 1
      comparison  = "LessThanThreshold"
      threshold   = 1
      missing     = "notBreaching"
    }
    records-are-throttled = {
      description = "The metric stream sends more than the Firehose's quota. Ask AWS to raise it."
      metric      = "ThrottledRecords"
      statistic   = "Sum"
      period      = 300
      periods     = 1
      of_these    = 1
      comparison  = "GreaterThanThreshold"
      threshold   = 0
      missing     = "notBreaching"
    }
    stream-is-silent = {
      description = "Nothing comes from the metric stream. It was stopped, its role lost a permission, or there are no metrics."
      metric      = "IncomingRecords"
      statistic   = "Sum"
      period      = 300
      periods     = 3
      of_these    = 3
      comparison  = "LessThanThreshold"
      threshold   = 1
      missing     = "breaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "firehose" {
  for_each = {
    for name, alarm in local.firehose_alarms : name => alarm
    # When all data goes there, it is no news.
    if name != "data-went-to-the-bucket" || var.backup_mode == "FailedDataOnly"
  }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/Firehose"
  metric_name         = each.value.metric
  dimensions          = { DeliveryStreamName = aws_kinesis_firehose_delivery_stream.this.name }
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.of_these
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = local.actions
  ok_actions          = local.actions
}

resource "aws_cloudwatch_metric_alarm" "publish_errors" {
  alarm_name          = "${var.name}-stream-publish-errors"
  alarm_description   = "The metric stream cannot put all of its records into the Firehose."
  namespace           = "AWS/CloudWatch/MetricStreams"
  metric_name         = "PublishErrorRate"
  dimensions          = { MetricStreamName = aws_cloudwatch_metric_stream.this.name }
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.actions
  ok_actions          = local.actions
}
