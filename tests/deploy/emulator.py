"""CloudFormation in moto, an emulator of AWS in this process.

moto's CloudFormation does not know every type of our templates, but its services know them all. So each of the missing types is
made here by the call of its service, and botocore checks the properties against AWS's own description of that call.
"""

import io
import json
import os
import zipfile

os.environ.update(AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="eu-west-2")

import boto3  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.awslambda import models as lambda_models  # noqa: E402
from moto import settings  # noqa: E402
from moto.cloudformation import cloudformation_backends  # noqa: E402
from moto.core.common_models import CloudFormationModel  # noqa: E402

ACCOUNT = "123456789012"
REGION = "eu-west-2"

# Type: service, call, what CloudFormation adds to the properties, and the key of `Ref` in the answer.
MISSING = {
    "AWS::ApiGatewayV2::Api": ("apigatewayv2", "create_api", {}, "ApiId"),
    "AWS::ApiGatewayV2::Integration": ("apigatewayv2", "create_integration", {}, "IntegrationId"),
    "AWS::ApiGatewayV2::Route": ("apigatewayv2", "create_route", {}, "RouteId"),
    "AWS::ApiGatewayV2::Stage": ("apigatewayv2", "create_stage", {}, "StageName"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "put_metric_alarm", {"AlarmName": "{name}"}, None),
    "AWS::Lambda::Alias": ("lambda", "create_alias", {}, "AliasArn"),
    "AWS::SecretsManager::Secret": ("secretsmanager", "create_secret", {"Name": "{name}"}, "ARN"),
    "AWS::SNS::Subscription": ("sns", "subscribe", {}, "SubscriptionArn"),
}


# What AWS takes for a number, and CloudFormation also as text.
NUMBERS = ("Threshold", "EvaluationPeriods", "Period")


def made_by_call(kind, service, call, more, reference):
    """A class of moto for `kind`, which the call makes. moto finds it among the subclasses."""

    class Made(CloudFormationModel):
        # moto takes the service's name from here.
        __module__ = f"moto.{service}.models"

        def __init__(self, name, answer):
            self.name, self.answer = name, answer

        @property
        def physical_resource_id(self):
            return self.answer.get(reference, self.name)

        @classmethod
        def has_cfn_attr(cls, attribute):
            return True

        def get_cfn_attribute(self, attribute):
            return self.answer[attribute]

        @staticmethod
        def cloudformation_name_type():
            return None

        @staticmethod
        def cloudformation_type():
            return kind

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
            client = boto3.client(service)
            properties = {**cloudformation_json["Properties"]}
            properties.update({key: value.format(name=resource_name) for key, value in more.items()})
            for key in NUMBERS:
                if isinstance(properties.get(key), str):
                    properties[key] = float(properties[key]) if key == "Threshold" else int(properties[key])
            wanted = properties.pop("GenerateSecretString", None)
            if wanted:
                properties["SecretString"] = client.get_random_password(**wanted)["RandomPassword"]
            return cls(resource_name, getattr(client, call)(**properties))

    return Made


# It would ask Docker.
settings.moto_server_host = lambda: "https://formation.example.org"
MADE = [made_by_call(kind, *how) for kind, how in MISSING.items()]


def permission(cls, resource_name, cloudformation_json, account_id, region_name, **_):
    """moto's own looks for a function, and never for its alias."""
    properties = cloudformation_json["Properties"]
    *_, name = properties["FunctionName"].removesuffix(":live").split(":")
    boto3.client("lambda").add_permission(
        FunctionName=name,
        StatementId=resource_name[:100],
        **{key: value for key, value in properties.items() if key != "FunctionName"},
    )
    return cls(region_name)


lambda_models.LambdaVersion.has_cfn_attr = classmethod(lambda cls, attribute: attribute == "Version")
lambda_models.LambdaVersion.get_cfn_attribute = lambda version, _: str(version.version)
lambda_models.LambdaVersion.physical_resource_id = property(lambda version: f"version:{version.version}")
lambda_models.Permission.create_from_cloudformation_json = classmethod(permission)


def create(template, parameters):
    """Creates the stack of `template`, within `emulated`: its resources, and what the function was asked."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("bootstrap", "the program")
    storage = boto3.client("s3")
    storage.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    storage.put_object(Bucket="code", Key="code", Body=archive.getvalue())
    # Each template of the CDK asks which version of the CDK has prepared the account.
    boto3.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"S3Bucket": "code", "S3Key": "code"}

    asked = []

    def invoke(_function, body, *_):
        event = json.loads(body)
        asked.append(event)
        stack = cloudformation_backends[ACCOUNT][REGION].get_stack(event["StackId"])
        stack.get_custom_resource(event["LogicalResourceId"]).set_data({})

    lambda_models.LambdaFunction.invoke = invoke
    formation = boto3.client("cloudformation")
    formation.create_stack(
        StackName="hooks",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    found = formation.describe_stack_resources(StackName="hooks")["StackResources"]
    # A resource whose condition does not hold is there without a name.
    return {it["LogicalResourceId"]: it.get("PhysicalResourceId") for it in found if "LogicalResourceId" in it}, asked


def emulated():
    """What the calls of boto3 go to."""
    return mock_aws(config={"lambda": {"use_docker": False}})
