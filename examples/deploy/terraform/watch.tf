# The alarms and the dashboard. docs/operate.md says what each metric counts.
locals {
  # Of the whole program, as the function writes them into its log. What lasts is there in two of three quarters of an hour: a
  # sweep that runs each 15 minutes tries again in each of them.
  counted = {
    Gap              = { above = 0, lasts = false, means = "Events of a topic did not come, and could not be found." }
    GivenUp          = { above = 0, lasts = false, means = "There are new dead letters: `dead-letters` lists them." }
    Failed           = { above = 0, lasts = true, means = "Events fail, and fail again in the next quarters of an hour." }
    Refused          = { above = var.refused_in_five_minutes, lasts = false, means = "Requests are refused: does the FHIR server have the right secret?" }
    SweepFailed      = { above = 0, lasts = true, means = "A sweep fails: what no notification reported is not found." }
    HeartbeatsMissed = { above = 0, lasts = false, means = "The FHIR server has stopped to send heartbeats of a subscription." }
  }
  of_the_function = { function = aws_lambda_function.this.function_name }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic_subscription" "alarms" {
  count     = var.alarm_email == null ? 0 : 1
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "counted" {
  for_each            = local.counted
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.means
  namespace           = "fhir-sub"
  metric_name         = each.key
  dimensions          = local.of_the_function
  statistic           = "Sum"
  period              = each.value.lasts ? 900 : 300
  evaluation_periods  = each.value.lasts ? 3 : 1
  datapoints_to_alarm = each.value.lasts ? 2 : 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "lag" {
  alarm_name          = "${var.name}-Lag"
  alarm_description   = "An event was handled late: is the FHIR server late, or the handler slow?"
  namespace           = "fhir-sub"
  metric_name         = "Lag"
  dimensions          = local.of_the_function
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1000 * var.lag_seconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

# Sweeps in an hour without one that ends, or whose position stays behind: the program may not run at all.
resource "aws_cloudwatch_metric_alarm" "sweep_age" {
  alarm_name          = "${var.name}-SweepAge"
  alarm_description   = "No sweep has ended for an hour, or the sweeps do not come further."
  namespace           = "fhir-sub"
  metric_name         = "SweepAge"
  dimensions          = local.of_the_function
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 7200000
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

# The program cannot start, or was killed.
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${var.name}-Errors"
  alarm_description   = "Invocations of the function fail: see its log."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "throttles" {
  alarm_name          = "${var.name}-Throttles"
  alarm_description   = "AWS refuses to run the function: raise its reserved concurrency, or the account's limit."
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 900
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "unhandled" {
  count               = var.queue ? 1 : 0
  alarm_name          = "${var.name}-Unhandled"
  alarm_description   = "Messages of the queue could not be handled: they wait in the dead-letter queue."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.unhandled[0].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

locals {
  ours = ["function", aws_lambda_function.this.function_name]
  graphs = [
    {
      title   = "Events"
      metrics = [for name in ["Handled", "Repeated", "Failed", "GivenUp", "Refused", "Gone"] : concat(["fhir-sub", name], local.ours)]
    },
    {
      title = "Time of a request, and lag (ms)"
      metrics = [
        concat(["fhir-sub", "Duration"], local.ours, [{ stat = "p50" }]),
        concat(["fhir-sub", "Duration"], local.ours, [{ stat = "p99" }]),
        concat(["fhir-sub", "Lag"], local.ours, [{ stat = "p50", yAxis = "right" }]),
        concat(["fhir-sub", "Lag"], local.ours, [{ stat = "Maximum", yAxis = "right" }]),
      ]
    },
    {
      title = "Sweeps"
      metrics = [
        concat(["fhir-sub", "Swept"], local.ours),
        concat(["fhir-sub", "SweepUnderWay"], local.ours),
        concat(["fhir-sub", "SweepFailed"], local.ours),
        concat(["fhir-sub", "SweepAge"], local.ours, [{ stat = "Maximum", yAxis = "right" }]),
      ]
    },
    {
      title   = "What did not come"
      metrics = [for name in ["Gap", "HeartbeatsMissed"] : concat(["fhir-sub", name], local.ours)]
    },
    {
      title   = "Each endpoint: handled"
      metrics = [[{ expression = "SEARCH('{\"fhir-sub\",function,endpoint} MetricName=\"Handled\" function=\"${var.name}\"', 'Sum', 300)" }]]
    },
    {
      title = "The function"
      metrics = concat(
        [for name in ["Invocations", "Errors", "Throttles"] : ["AWS/Lambda", name, "FunctionName", var.name]],
        [concat(["fhir-sub", "ColdStart"], local.ours)],
      )
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [for index, graph in local.graphs : {
      type   = "metric"
      x      = 12 * (index % 2)
      y      = 6 * floor(index / 2)
      width  = 12
      height = 6
      properties = {
        title   = graph.title
        metrics = graph.metrics
        region  = local.region
        stat    = "Sum"
        period  = 300
        view    = "timeSeries"
      }
    }]
  })
}
