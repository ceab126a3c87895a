# Bothways by Terraform, without the serverless framework. An example to start from: it is not run in CI.
#
# Everything is made by `bothways` beforehand, from the list in the folder above:
#
#   bothways package --out build/function.zip
#   for vantage in eu-west-1 us-east-1; do
#     bothways render --vantage "$vantage" --stage prod > "build/$vantage.json"
#   done
#   bothways targets push --stage prod --out build/objects
#
# `aws.list` of the list names the bucket below; functions read a new list from it at their next run, without a new stack.

terraform {
  required_version = ">= 1.9"
  required_providers {
    # From version 6 on a resource says its region itself.
    aws = { source = "hashicorp/aws", version = ">= 6.0" }
  }
}

variable "regions" {
  description = "Lambda vantages of the list, each in the region that it is named after."
  type        = set(string)
  default     = ["eu-west-1", "us-east-1"]
}

variable "code_bucket_prefix" {
  description = "Start of the names of the buckets with the function's zip; Lambda wants one in each region."
  type        = string
}

variable "list_bucket" {
  description = "The bucket that aws.list of the list names, in the provider's region."
  type        = string
}

variable "parameters" {
  description = "Values of the template's parameters: secrets that the list takes from variables."
  type        = map(string)
  default     = {}
  sensitive   = true
}

locals {
  build = "${path.root}/build"
  # A new zip has a new key, so that CloudFormation sees that it is new.
  code_key = "bothways/${filesha256("${local.build}/function.zip")}.zip"
}

resource "aws_s3_bucket" "code" {
  for_each = var.regions
  region   = each.key
  bucket   = "${var.code_bucket_prefix}-${each.key}"
}

resource "aws_s3_object" "code" {
  for_each = var.regions
  region   = each.key
  bucket   = aws_s3_bucket.code[each.key].bucket
  key      = local.code_key
  source   = "${local.build}/function.zip"
}

# Inline, CloudFormation takes 51,200 bytes, which a list with some fifty shards passes.
resource "aws_s3_object" "template" {
  for_each = var.regions
  region   = each.key
  bucket   = aws_s3_bucket.code[each.key].bucket
  key      = "bothways/${filesha256("${local.build}/${each.key}.json")}.json"
  source   = "${local.build}/${each.key}.json"
}

resource "aws_cloudformation_stack" "probe" {
  for_each     = var.regions
  region       = each.key
  name         = "bothways-prod-${each.key}"
  template_url = "https://${aws_s3_bucket.code[each.key].bucket_regional_domain_name}/${aws_s3_object.template[each.key].key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]
  parameters = merge(var.parameters, {
    CodeBucket = aws_s3_bucket.code[each.key].bucket
    CodeKey    = aws_s3_object.code[each.key].key
  })
  # `bothways remove` and the warning about leftover stacks find them by it.
  tags = { "bothways:stage" = "prod" }
}

resource "aws_s3_bucket" "list" {
  bucket = var.list_bucket
}

resource "aws_s3_bucket_versioning" "list" {
  bucket = aws_s3_bucket.list.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_object" "list" {
  for_each     = fileset("${local.build}/objects", "**")
  bucket       = aws_s3_bucket.list.bucket
  key          = each.value
  source       = "${local.build}/objects/${each.value}"
  source_hash  = filemd5("${local.build}/objects/${each.value}")
  content_type = "application/gzip"
}
