# A program of fhir-sub on AWS, with all that docs/deploy.md promises: see ../README.md. For OpenTofu as for Terraform.
terraform {
  # Ephemeral values: the secrets stand in no state.
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.region
}
