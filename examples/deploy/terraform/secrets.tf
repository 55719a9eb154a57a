# The values never stand in the state: Terraform makes them as ephemeral values, and writes them once.
locals {
  secrets = {
    # What the FHIR server shows with every notification. Whoever may read Subscriptions there can see it.
    shared = { description = "What the FHIR server shows with every notification", length = 48 }
    admin  = { description = "What opens /register, /sweep, /status and /dead-letters", length = 48 }
  }
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57:A rotation has a step at the FHIR server, which docs/operate.md has.
  for_each    = local.secrets
  name        = "${var.name}/${each.key}"
  description = each.value.description
  kms_key_id  = aws_kms_key.this.arn
}

ephemeral "aws_secretsmanager_random_password" "this" {
  for_each            = local.secrets
  password_length     = each.value.length
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each                 = local.secrets
  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.this[each.key].random_password
  secret_string_wo_version = 1
}

# Makes the names of the table's records. Without it, the table is of no use: whatever the server repeats would be handled again.
resource "aws_secretsmanager_secret" "store_key" {
  # checkov:skip=CKV2_AWS_57:A rotation needs the previous key beside the new one for as long as records are kept: docs/operate.md.
  name        = "${var.name}/store_key"
  description = "Makes the names of the table's records, so that they name no patient"
  kms_key_id  = aws_kms_key.this.arn

  lifecycle {
    prevent_destroy = true
  }
}

ephemeral "aws_secretsmanager_random_password" "store_key" {
  password_length     = 64
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "store_key" {
  secret_id                = aws_secretsmanager_secret.store_key.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.store_key.random_password
  secret_string_wo_version = 1
}
