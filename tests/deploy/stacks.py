"""Creates the stacks of the templates in an emulator of AWS, and holds what came to be to what the program needs and says.

    stacks.py PROGRAM NAME=TEMPLATE...    NAME is sam or cdk; TEMPLATE is a template of SAM, or one that `cdk synth` has made
"""

import ast
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import emulator
import boto3
import hcl2
from cfnlint.decode import cfn_yaml
from samtranslator.translator.transform import transform

logging.disable(logging.CRITICAL)
REPOSITORY = Path(__file__).resolve().parents[2]
FHIR = "https://fhir.example.org/r4"
# All metrics that have an alarm, and those of the function and its queue.
ALARMS = {"Lag", "Gap", "GivenUp", "Failed", "Refused", "SweepFailed", "SweepAge", "HeartbeatsMissed", "Errors",
          "Throttles"}
OF_AWS = {"Errors", "Invocations", "Throttles", "ApproximateNumberOfMessagesVisible"}


def main(program, *templates):
    assert emitted() >= ALARMS - OF_AWS, "there is an alarm for a metric that the program does not write"
    policies = {}
    for name, path in (template.split("=") for template in templates):
        for queue in ("no", "yes"):
            template, parameters = read(name, path, queue)
            with emulator.emulated():
                policies[name, queue] = hold(program, template, parameters, queue == "yes")
            print(f"deploy: {name}, {'with' if queue == 'yes' else 'without'} a queue: the stack is created, and is right")
    hold_terraform(policies["sam", "yes"])
    print("deploy: Terraform has the same permissions and alarms")


def read(name, path, queue):
    if name == "cdk":
        return json.loads(Path(path.format(queue=queue)).read_text()), {}
    template = json.loads(json.dumps(cfn_yaml.load(path)))
    template["Resources"]["Function"]["Properties"]["CodeUri"] = "s3://code/code"
    parameters = {"FhirBaseUrl": FHIR, "Queue": queue}

    class Policies:
        def load(self):
            return {}

    return transform(template, parameters, Policies()), parameters


def hold(program, template, parameters, has_queue):
    made, asked = emulator.create(template, parameters)
    formation, functions = boto3.client("cloudformation"), boto3.client("lambda")
    stack = formation.describe_stacks(StackName="hooks")["Stacks"][0]
    equal(stack["StackStatus"], "CREATE_COMPLETE")
    expected = {name for name, it in template["Resources"].items() if holds(it.get("Condition"), has_queue)}
    equal(set(made), expected)

    # The custom resource asks the function by its alias, and a new version of the function asks anew.
    (event,) = asked
    (function,) = functions.list_functions()["Functions"]
    name = function["FunctionName"]
    live = functions.get_alias(FunctionName=name, Name="live")
    equal((event["RequestType"], event["ServiceToken"]), ("Create", live["AliasArn"]))
    assert event["ResourceProperties"]["Version"], event
    equal(str(event["ResourceProperties"]["Prune"]).lower(), "false")

    equal((function["Runtime"], function["Timeout"]), ("provided.al2023", 29))
    equal(template_of(template, "AWS::Lambda::Function")["Architectures"], ["arm64"])
    (layer,) = template_of(template, "AWS::Lambda::Function")["Layers"]
    assert "Parameters-and-Secrets-Lambda-Extension-Arm64" in json.dumps([layer, template.get("Mappings")])
    environment = function["Environment"]["Variables"]
    equal(environment["FHIR_BASE_URL"], FHIR)

    hold_store(template, environment["FHIR_SUBSCRIPTION_IDEMPOTENCY"].removeprefix("dynamodb:"))
    if has_queue:
        hold_queue(template, environment["FHIR_SUBSCRIPTION_QUEUE"])
    for group in boto3.client("logs").describe_log_groups()["logGroups"]:
        equal(group["retentionInDays"], 365)
    # moto's CloudFormation leaves the key out.
    groups = [it["Properties"] for it in template["Resources"].values() if it["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == 2 and all(group["KmsKeyId"] for group in groups), groups
    hold_watch(name, has_queue)

    # The program accepts the settings, with the secrets that the stack has made.
    secrets = boto3.client("secretsmanager")
    references = {key: value.removeprefix("secretsmanager:") for key, value in environment.items() if value.startswith("secretsmanager:")}
    values = {key: secrets.get_secret_value(SecretId=arn)["SecretString"] for key, arn in references.items()}
    equal(len(set(values.values())), 3)
    run(program, ["check"], {**environment, **values})
    # And says of the same settings what the role allows.
    return hold_policy(program, environment, name, has_queue)


def hold_store(template, table):
    described = boto3.client("dynamodb").describe_table(TableName=table)["Table"]
    equal(described["KeySchema"], [{"AttributeName": "id", "KeyType": "HASH"}])
    # moto's CloudFormation leaves these out.
    properties = template_of(template, "AWS::DynamoDB::Table")
    equal(properties["TimeToLiveSpecification"], {"AttributeName": "expiration", "Enabled": True})
    equal(properties["PointInTimeRecoverySpecification"], {"PointInTimeRecoveryEnabled": True})
    assert properties["SSESpecification"]["SSEEnabled"] and properties["SSESpecification"]["KMSMasterKeyId"], properties


def hold_queue(template, url):
    attributes = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    # Six times the function's timeout, or a little more.
    assert 6 * 29 <= int(attributes["VisibilityTimeout"]) <= 180, attributes
    equal(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"], 100)
    (mapping,) = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    equal((mapping["EventSourceArn"], mapping["BatchSize"]), (attributes["QueueArn"], 10))
    # moto leaves it out. Without it, a batch would count as done although a message of it has failed.
    equal(template_of(template, "AWS::Lambda::EventSourceMapping")["FunctionResponseTypes"], ["ReportBatchItemFailures"])


def hold_watch(function, has_queue):
    watch = boto3.client("cloudwatch")
    alarms = watch.describe_alarms()["MetricAlarms"]
    seen = set()
    for alarm in alarms:
        assert alarm["AlarmActions"], alarm
        metrics = [it["MetricStat"]["Metric"] for it in alarm.get("Metrics", []) if "MetricStat" in it] or [alarm]
        for metric in metrics:
            seen.add(metric["MetricName"])
            names = {dimension["Name"]: dimension["Value"] for dimension in metric["Dimensions"]}
            if metric["Namespace"] == "fhir-sub":
                equal(names, {"function": function})
    equal(seen, ALARMS | ({"ApproximateNumberOfMessagesVisible"} if has_queue else set()))
    (dashboard,) = watch.list_dashboards()["DashboardEntries"]
    body = json.loads(watch.get_dashboard(DashboardName=dashboard["DashboardName"])["DashboardBody"])
    shown = re.findall(r'"(?:fhir-sub|\.|AWS/Lambda)", "(\w+)"', json.dumps(body))
    # A name with a hyphen must be quoted in a search.
    (search,) = {text for text in re.findall(r"SEARCH\('(\{[^}]*\})", json.dumps(body).replace("\\", ""))}
    equal(search, '{"fhir-sub",function,endpoint}')
    assert emitted() | OF_AWS >= set(shown) >= {"Handled", "Lag", "SweepAge", "Gap"}, shown


def hold_policy(program, environment, function, has_queue):
    """The role of the stack allows what `check --iam` prints, and nothing else."""
    access = boto3.client("iam")
    (role,) = [role["RoleName"] for role in access.list_roles()["Roles"]]
    equal(access.list_attached_role_policies(RoleName=role)["AttachedPolicies"], [])
    (name,) = access.list_role_policies(RoleName=role)["PolicyNames"]
    granted = access.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    # moto keeps the policy of a stack as Python writes it.
    granted = ast.literal_eval(granted) if isinstance(granted, str) else granted
    key = boto3.client("kms").list_keys()["Keys"][0]["KeyArn"]
    told = run(program, ["check", "--iam", "--json", "--account", emulator.ACCOUNT, "--key", key], {
        **environment,
        "AWS_REGION": emulator.REGION,
        "AWS_LAMBDA_FUNCTION_NAME": "hooks",
    })
    wanted = json.loads(told)["policy"]
    equal(statements(granted), statements(wanted))
    return statements(granted)


def statements(policy):
    """Each action with what it is allowed on, and under which condition."""
    found = {}
    # moto leaves None where AWS::NoValue stands.
    for statement in filter(None, policy["Statement"]):
        equal(statement["Effect"], "Allow")
        for action in listed(statement["Action"]):
            for resource in filter(None, listed(statement["Resource"])):
                via = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", [None])
                # moto's ARN of a log group lacks the end.
                found.setdefault(action, set()).update((resource.removesuffix(":*"), service) for service in listed(via))
    return found


def hold_terraform(wanted):
    files = REPOSITORY / "examples/deploy/terraform"
    policies = {}
    for block in hcl2.loads((files / "role.tf").read_text())["data"]:
        policies.update(block["aws_iam_policy_document"])
    program = policies["program"]
    statements = program["statement"] + [it["statement"]["content"][0] for it in program["dynamic"]]
    granted = {}
    for statement in statements:
        # Of a block, hcl2 makes a list.
        services = [value for condition in statement.get("condition", []) for value in condition["values"][0]]
        assert '"*"' not in json.dumps(statement["resources"]), statement
        for action in statement["actions"][0]:
            granted.setdefault(action, set()).update(service.split(".")[0] for service in services)
    equal(granted, {action: {service.split(".")[0] for _, service in on if service} for action, on in wanted.items()})
    (mapping,) = [block["aws_lambda_event_source_mapping"]["notifications"]
                  for block in hcl2.loads((files / "queue.tf").read_text())["resource"] if "aws_lambda_event_source_mapping" in block]
    equal(mapping["function_response_types"], [["ReportBatchItemFailures"]])
    for file in files.glob("*.tf"):
        hcl2.loads(file.read_text())
    text = (files / "watch.tf").read_text()
    alarms = set(re.findall(r'^    (\w+) +=.*\babove\b', text, re.M)) | set(re.findall(r'metric_name += "(\w+)"', text))
    equal(alarms, ALARMS | {"ApproximateNumberOfMessagesVisible"})


def emitted():
    """The names of the metrics that the program writes for CloudWatch."""
    sources = REPOSITORY / "fhir-sub/src/metrics"
    names = re.findall(r'=> "([A-Z]\w+)"', sources.with_suffix(".rs").read_text())
    return set(names) | set(re.findall(r'\("([A-Z]\w+)", "(?:Count|Milliseconds)"', (sources / "emf.rs").read_text()))


def run(program, arguments, environment):
    path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ended = subprocess.run([program, *arguments], env={**path, **environment}, capture_output=True, text=True)
    assert ended.returncode == 0, f"{arguments}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def template_of(template, kind):
    (properties,) = [it["Properties"] for it in template["Resources"].values() if it["Type"] == kind]
    return properties


def holds(condition, has_queue):
    return {None: True, "HasQueue": has_queue, "HasEmail": False}[condition]


def listed(value):
    return value if isinstance(value, list) else [value]


def equal(left, right):
    assert left == right, f"\n{left}\nis not\n{right}"


main(*sys.argv[1:])
