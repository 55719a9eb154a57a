locals {
  # In seconds: the HTTP API gives up after 30.
  timeout = 29
  environment = {
    APP_BASE_URL                   = aws_apigatewayv2_api.this.api_endpoint
    FHIR_BASE_URL                  = var.fhir_base_url
    FHIR_SERVER                    = var.fhir_server
    FHIR_VERSION                   = var.fhir_version
    FHIR_AUTH_BEARER               = var.fhir_auth_secret_arn == null ? null : "secretsmanager:${var.fhir_auth_secret_arn}#bearer"
    FHIR_SUBSCRIPTION_SECRET       = "secretsmanager:${aws_secretsmanager_secret.this["shared"].arn}"
    FHIR_SUBSCRIPTION_ADMIN_SECRET = "secretsmanager:${aws_secretsmanager_secret.this["admin"].arn}"
    FHIR_SUBSCRIPTION_STORE_KEY    = "secretsmanager:${aws_secretsmanager_secret.store_key.arn}"
    FHIR_SUBSCRIPTION_IDEMPOTENCY  = "dynamodb:${aws_dynamodb_table.this.name}"
    FHIR_SUBSCRIPTION_QUEUE        = one(aws_sqs_queue.notifications[*].url)
    # The program caches secrets itself, and asks again at most once a minute. A cache before it would hide a rotation.
    SECRETS_MANAGER_TTL     = "0"
    SSM_PARAMETER_STORE_TTL = "0"
  }
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_50:The program sends no segments to X-Ray. It takes over the caller's trace, and your exporter sends it.
  # checkov:skip=CKV_AWS_115:A limit of concurrency would refuse notifications. Set one if other functions of the account need it.
  # checkov:skip=CKV_AWS_116:Only the schedule invokes the function asynchronously. The next sweep repeats a lost one, and an alarm rings.
  # checkov:skip=CKV_AWS_117:The FHIR server is reached over the internet. Add vpc_config if yours is in a VPC.
  # checkov:skip=CKV_AWS_272:Code signing needs a profile of your own account.
  function_name    = var.name
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  role             = aws_iam_role.this.arn
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = ["arm64"]
  memory_size      = 256
  timeout          = local.timeout
  layers           = [local.extension_layers[local.region]]
  kms_key_arn      = aws_kms_key.this.arn
  # A new version at each change of code or environment: the registration below goes by it.
  publish = true

  environment {
    variables = { for name, value in local.environment : name => value if value != null }
  }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function.name
  }
  depends_on = [aws_iam_role_policy.program, aws_secretsmanager_secret_version.this, aws_secretsmanager_secret_version.store_key]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_cloudwatch_event_rule" "sweep" {
  name                = "${var.name}-sweep"
  description         = "Handles what no notification reported"
  schedule_expression = "rate(${var.sweep_minutes} minutes)"
}

resource "aws_cloudwatch_event_target" "sweep" {
  rule = aws_cloudwatch_event_rule.sweep.name
  arn  = aws_lambda_alias.live.arn
}

resource "aws_lambda_permission" "sweep" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.sweep.arn
}
