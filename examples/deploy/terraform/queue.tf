# The queue that notifications go through, if `queue` is set.
resource "aws_sqs_queue" "notifications" {
  count             = var.queue ? 1 : 0
  name              = var.name
  kms_master_key_id = aws_kms_key.this.arn
  # Six times the function's timeout.
  visibility_timeout_seconds = 6 * local.timeout
  message_retention_seconds  = 1209600
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.unhandled[0].arn
    # More than FHIR_SUBSCRIPTION_TRIES, after which the program itself gives an event up. A message that waits for others of its
    # group counts as received, too.
    maxReceiveCount = 100
  })
}

# Messages that no handler could handle. `aws sqs start-message-move-task` sends them again.
resource "aws_sqs_queue" "unhandled" {
  count                     = var.queue ? 1 : 0
  name                      = "${var.name}-unhandled"
  kms_master_key_id         = aws_kms_key.this.arn
  message_retention_seconds = 1209600
}

resource "aws_lambda_event_source_mapping" "notifications" {
  count                   = var.queue ? 1 : 0
  function_name           = aws_lambda_alias.live.arn
  event_source_arn        = aws_sqs_queue.notifications[0].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
}
