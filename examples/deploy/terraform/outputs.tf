output "url" {
  description = "The public URL, under which the FHIR server calls the endpoints"
  value       = aws_apigatewayv2_api.this.api_endpoint
}

output "admin_secret_arn" {
  description = "The secret of /register, /sweep, /status and /dead-letters"
  value       = aws_secretsmanager_secret.this["admin"].arn
}
