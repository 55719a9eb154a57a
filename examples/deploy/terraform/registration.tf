# The function registers the subscriptions when it is created, and whenever it has a new version. It answers CloudFormation, so
# a stack with this one resource asks it: a failure fails `apply`, with the function's reason.
resource "aws_cloudformation_stack" "registration" {
  # checkov:skip=CKV_AWS_124:`apply` reports a failure, and no one else creates or changes the stack.
  name               = "${var.name}-registration"
  timeout_in_minutes = 5
  template_body = jsonencode({
    Resources = {
      Subscriptions = {
        Type = "Custom::FhirSubscriptions"
        Properties = {
          ServiceToken   = aws_lambda_alias.live.arn
          ServiceTimeout = 120
          Version        = aws_lambda_function.this.version
          Prune          = var.prune
        }
      }
    }
  })
  depends_on = [aws_apigatewayv2_route.this, aws_apigatewayv2_stage.this, aws_lambda_permission.api]
}
