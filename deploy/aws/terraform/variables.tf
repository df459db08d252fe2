# The same parameters with the same defaults as deploy/aws/cloudformation/hydrant-metric-stream.yaml.

variable "endpoint_url" {
  type        = string
  description = "Where Hydrant takes deliveries, e.g. https://hydrant.example.com/aws/firehose/metrics. HTTPS on port 443, with the certificate of a public CA."

  validation {
    condition     = can(regex("^https://[^/:]+(:443)?/.*$", var.endpoint_url)) && length(var.endpoint_url) <= 1000
    error_message = "The endpoint is an https URL on port 443 with a path, of at most 1000 characters."
  }
}

variable "access_key" {
  type        = string
  default     = ""
  sensitive   = true
  description = "One of Hydrant's access keys; it is in the state. Leave it empty when access_key_secret_arn is given."

  validation {
    condition     = length(var.access_key) <= 4096
    error_message = "An access key has at most 4096 characters."
  }
}

variable "access_key_secret_arn" {
  type        = string
  default     = ""
  description = "A secret of Secrets Manager holding {\"api_key\": \"the access key\"}, instead of access_key."

  validation {
    condition     = can(regex("^(|arn:[a-z0-9-]+:secretsmanager:.+)$", var.access_key_secret_arn))
    error_message = "The secret is named by its ARN."
  }
}

variable "name" {
  type        = string
  default     = "hydrant"
  description = "Name of the metric stream and of the Firehose, and beginning of the names of all else."

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,40}$", var.name))
    error_message = "A name has 1 to 40 letters, digits, _ and -."
  }
}

variable "namespaces" {
  type        = list(string)
  default     = ["AWS/DynamoDB", "AWS/Usage"]
  description = "Namespaces to stream; [\"*\"] for all. AWS/Firehose and AWS/CloudWatch/MetricStreams come with them, so that Hydrant sees its own delivery."

  validation {
    condition     = length(var.namespaces) > 0 && (!contains(var.namespaces, "*") || length(var.namespaces) == 1)
    error_message = "Name at least one namespace, or [\"*\"] alone."
  }
}

variable "percentile_metrics" {
  type        = list(string)
  default     = ["AWS/DynamoDB:SuccessfulRequestLatency"]
  description = "Metrics of which percentiles are streamed besides Minimum, Maximum, Sum and SampleCount, as Namespace:Metric; [] for none."

  validation {
    condition     = alltrue([for metric in var.percentile_metrics : can(regex("^[^:,\\s]+:[^:,\\s]+$", metric))])
    error_message = "A metric is written as Namespace:Metric."
  }
}

variable "percentiles" {
  type        = list(string)
  default     = ["p50", "p90", "p99"]
  description = "Percentiles of percentile_metrics, such as p99 or p99.9. Up to five cost one more update of each point."

  validation {
    condition     = length(var.percentiles) >= 1 && length(var.percentiles) <= 20 && alltrue([for percentile in var.percentiles : can(regex("^p[0-9]{1,2}(\\.[0-9]{1,10})?$", percentile))])
    error_message = "There are 1 to 20 percentiles, such as p99 or p99.9."
  }
}

variable "output_format" {
  type        = string
  default     = "opentelemetry1.0"
  description = "Hydrant takes all of them, also mixed."

  validation {
    condition     = contains(["opentelemetry1.0", "opentelemetry0.7", "json"], var.output_format)
    error_message = "The format is opentelemetry1.0, opentelemetry0.7 or json."
  }
}

variable "include_linked_accounts" {
  type        = bool
  default     = false
  description = "In a monitoring account, stream the metrics of its source accounts too."
}

variable "buffering_size_mib" {
  type        = number
  default     = 5
  description = "Size at which Firehose delivers, in MiB; a hint."

  validation {
    condition     = var.buffering_size_mib >= 1 && var.buffering_size_mib <= 64
    error_message = "The buffer has 1 to 64 MiB."
  }
}

variable "buffering_interval_seconds" {
  type        = number
  default     = 60
  description = "Time after which Firehose delivers, in seconds; a hint."

  validation {
    condition     = var.buffering_interval_seconds >= 0 && var.buffering_interval_seconds <= 900
    error_message = "The interval has 0 to 900 seconds."
  }
}

variable "retry_duration_seconds" {
  type        = number
  default     = 7200
  description = "How long Firehose tries again before a delivery goes to the bucket, in seconds."

  validation {
    condition     = var.retry_duration_seconds >= 0 && var.retry_duration_seconds <= 7200
    error_message = "The retry duration has 0 to 7200 seconds."
  }
}

variable "content_encoding" {
  type        = string
  default     = "GZIP"
  description = "Compression of deliveries."

  validation {
    condition     = contains(["GZIP", "NONE"], var.content_encoding)
    error_message = "The content encoding is GZIP or NONE."
  }
}

variable "backup_mode" {
  type        = string
  default     = "FailedDataOnly"
  description = "What goes to the bucket."

  validation {
    condition     = contains(["FailedDataOnly", "AllData"], var.backup_mode)
    error_message = "The backup mode is FailedDataOnly or AllData."
  }
}

variable "backup_prefix" {
  type        = string
  default     = "hydrant/"
  description = "Prefix of all objects in the bucket. What failed comes below failed/, all data below data/."

  validation {
    condition     = can(regex("^(|[^!]*/)$", var.backup_prefix))
    error_message = "The prefix is empty, or ends with / and has no expressions."
  }
}

variable "backup_compression" {
  type        = string
  default     = "GZIP"
  description = "Compression of objects in the bucket; hydrant replay reads all of them."

  validation {
    condition     = contains(["GZIP", "UNCOMPRESSED", "ZIP", "Snappy", "HADOOP_SNAPPY"], var.backup_compression)
    error_message = "The compression is GZIP, UNCOMPRESSED, ZIP, Snappy or HADOOP_SNAPPY."
  }
}

variable "backup_retention_days" {
  type        = number
  default     = 30
  description = "Days that objects stay in the bucket."

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 3650
    error_message = "Objects stay for 1 to 3650 days."
  }
}

variable "alarm_topic_arn" {
  type        = string
  default     = ""
  description = "SNS topic that alarms are sent to; without one they only show in CloudWatch."

  validation {
    condition     = can(regex("^(|arn:[a-z0-9-]+:sns:.+)$", var.alarm_topic_arn))
    error_message = "The topic is named by its ARN."
  }
}

variable "data_freshness_alarm_seconds" {
  type        = number
  default     = 900
  description = "Age of the oldest record not delivered at which an alarm is raised, in seconds."

  validation {
    condition     = var.data_freshness_alarm_seconds >= 120 && var.data_freshness_alarm_seconds <= 86400
    error_message = "The age has 120 to 86400 seconds."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 30
  description = "Days that Firehose's log of delivery errors is kept."

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_retention_days)
    error_message = "CloudWatch Logs keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180 or 365 days."
  }
}
