"""The AWS side: CloudFormation and Terraform, each by its own tool, and both against each other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped] # it has no stubs

from app.catalog import load_statistic_catalog
from tests.fixtures.server import DELIVERY_PATH
from tests.unit.deploy.cloudformation import Stack
from tests.unit.deploy.validators import DEPLOY, accepted, validate

FILE = DEPLOY / "aws" / "cloudformation" / "hydrant-metric-stream.yaml"
MODULE = DEPLOY / "aws" / "terraform"
TEMPLATE: dict[str, Any] = cfn_yaml.load(str(FILE))
URL = f"https://hydrant.example.com{DELIVERY_PATH}"
OWN_NAMESPACES = ["AWS/Firehose", "AWS/CloudWatch/MetricStreams"]
LISTS = {"Namespaces", "PercentileMetrics", "Percentiles"}


def stack(**parameters: str) -> Stack:
    return Stack(TEMPLATE, **{"EndpointUrl": URL, "AccessKey": "key", **parameters})


def stream(**parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = stack(**parameters).resources()["MetricStream"]
    return found


def destination(**parameters: str) -> dict[str, Any]:
    delivery = stack(**parameters).resources()["DeliveryStream"]
    found: dict[str, Any] = delivery["HttpEndpointDestinationConfiguration"]
    return found


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def allows(parameter: str, value: str) -> bool:
    return bool(re.fullmatch(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value))


def test_cfn_lint_has_nothing_against_the_template() -> None:
    assert accepted("cfn-lint", "--include-checks", "I", "--", FILE) == ""


@pytest.mark.parametrize(
    "wanted",
    [
        ["AWS/DynamoDB"],
        ["AWS/DynamoDB", "AWS/Usage"],
        [f"AWS/N{number}" for number in range(10)],
    ],
    ids=len,
)
def test_every_namespace_is_streamed_once(wanted: list[str]) -> None:
    joined = ",".join(wanted)
    assert allows("Namespaces", joined)
    filters = stream(Namespaces=joined)["IncludeFilters"]
    assert [included["Namespace"] for included in filters] == OWN_NAMESPACES + wanted


def test_the_streams_own_namespaces_may_be_named_too() -> None:
    filters = stream(Namespaces=f"AWS/S3,{','.join(OWN_NAMESPACES)}")["IncludeFilters"]
    assert [included["Namespace"] for included in filters] == [*OWN_NAMESPACES, "AWS/S3"]


def test_all_namespaces_need_no_filter() -> None:
    assert allows("Namespaces", "*")
    assert "IncludeFilters" not in stream(Namespaces="*")


@pytest.mark.parametrize(
    "value", ["", "AWS/S3, AWS/EC2", "AWS/S3,", "*,AWS/S3", ",".join("ABCDEFGHIJK")]
)
def test_namespaces_that_would_be_cut_short_are_refused(value: str) -> None:
    assert not allows("Namespaces", value)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_percentiles_of_every_metric(count: int) -> None:
    wanted = [("AWS/DynamoDB", f"Latency{number}") for number in range(count)]
    joined = ",".join(":".join(pair) for pair in wanted)
    assert allows("PercentileMetrics", joined)
    (configured,) = stream(PercentileMetrics=joined, Percentiles="p50,p99.9")[
        "StatisticsConfigurations"
    ]
    assert configured["AdditionalStatistics"] == ["p50", "p99.9"]
    metrics = [(one["Namespace"], one["MetricName"]) for one in configured["IncludeMetrics"]]
    assert metrics == wanted


def test_no_percentiles() -> None:
    assert allows("PercentileMetrics", "-")
    assert "StatisticsConfigurations" not in stream(PercentileMetrics="-")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("PercentileMetrics", ",".join(["A:b"] * 6)),
        ("PercentileMetrics", "AWS/DynamoDB"),
        ("Percentiles", "99"),
        ("Percentiles", "p50, p90"),
        ("Percentiles", ",".join(f"p{number}" for number in range(21))),
        ("EndpointUrl", "http://hydrant.example.com/aws/firehose/metrics"),
        ("EndpointUrl", "https://hydrant.example.com:8443/aws/firehose/metrics"),
        ("EndpointUrl", "https://hydrant.example.com"),
        ("BackupPrefix", "hydrant"),
        ("BackupPrefix", "!{timestamp:yyyy}/"),
    ],
)
def test_values_that_would_not_work_are_refused(parameter: str, value: str) -> None:
    assert not allows(parameter, value)
    assert allows("EndpointUrl", URL)


def test_exactly_one_access_key() -> None:
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hydrant"
    assert stack().assertions() == [True]
    assert stack(AccessKey="", AccessKeySecretArn=secret).assertions() == [True]
    assert stack(AccessKeySecretArn=secret).assertions() == [False]
    assert stack(AccessKey="").assertions() == [False]
    assert TEMPLATE["Parameters"]["AccessKey"]["NoEcho"] is True

    given = destination()
    assert given["EndpointConfiguration"]["AccessKey"] == "key"
    assert "SecretsManagerConfiguration" not in given
    kept = destination(AccessKey="", AccessKeySecretArn=secret)
    assert "AccessKey" not in kept["EndpointConfiguration"]
    assert kept["SecretsManagerConfiguration"]["SecretARN"] == secret
    roles = stack(AccessKey="", AccessKeySecretArn=secret).resources()["FirehosePolicy"]
    assert statements(roles)[-1]["Resource"] == secret
    assert "secretsmanager" not in json.dumps(stack().resources()["FirehosePolicy"])


def test_roles_may_do_what_they_need_for_one_stream_of_one_account() -> None:
    resources = stack().resources()
    for name in ("MetricStreamRole", "FirehoseRole"):
        (trust,) = resources[name]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "AccountId"}
    (trust,) = resources["FirehoseRole"]["AssumeRolePolicyDocument"]["Statement"]
    source = trust["Condition"]["ArnLike"]["aws:SourceArn"]
    assert source == "arn:Partition:firehose:Region:AccountId:deliverystream/hydrant"
    policies = [resources["MetricStreamPolicy"], resources["FirehosePolicy"]]
    granted = [statement for policy in policies for statement in statements(policy)]
    assert all(statement["Resource"] != "*" for statement in granted)
    actions = [action for one in granted for action in [one["Action"]] if isinstance(action, str)]
    assert all("*" not in action for action in actions)


def test_the_bucket_is_closed_and_outlives_the_stack() -> None:
    assert TEMPLATE["Resources"]["BackupBucket"]["DeletionPolicy"] == "Retain"
    bucket = stack().resources()["BackupBucket"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (denied,) = statements(stack().resources()["BackupBucketPolicy"])
    assert (denied["Effect"], denied["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_failed_data_has_a_prefix_of_its_own() -> None:
    s3 = destination()["S3Configuration"]
    assert s3["ErrorOutputPrefix"].startswith("hydrant/failed/!{firehose:error-output-type}/")
    assert s3["Prefix"].startswith("hydrant/data/!{timestamp:")


def test_alarms_are_of_metrics_that_exist_and_of_this_stream() -> None:
    known = load_statistic_catalog()
    made = stack().resources()
    alarms = {name: made[name] for name in made if name.endswith("Alarm")}
    assert len(alarms) == 7
    for name, alarm in alarms.items():
        assert (alarm["Namespace"], alarm["MetricName"]) in known.natural, name
        assert alarm["Dimensions"][0]["Value"] == "hydrant"
        assert "AlarmActions" not in alarm
    assert "FailedRecordsAlarm" not in stack(BackupMode="AllData").resources()
    topic = "arn:aws:sns:eu-west-1:123456789012:pager"
    told = stack(AlarmTopicArn=topic).resources()["DataFreshnessAlarm"]
    assert (told["AlarmActions"], told["OKActions"]) == ([topic], [topic])


# Terraform writes names with underscores, and has lists where CloudFormation joins them by commas.
def snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def variables() -> dict[str, str]:
    """Terraform's variables in its own canonical format, by name."""
    text = (MODULE / "variables.tf").read_text("utf-8")
    return dict(re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL))


def default_of(block: str) -> object:
    """A default as CloudFormation would write it; None is required."""
    found = re.search(r"^  default\s+= (.*)$", block, re.MULTILINE)
    if found is None:
        return None
    value = json.loads(found[1])
    if isinstance(value, list):
        return ",".join(value)
    return json.dumps(value) if isinstance(value, bool) else value


def test_both_have_the_same_parameters_and_defaults() -> None:
    of_template = {
        snake_case(name.replace("MiB", "Mib")): given.get("Default")
        for name, given in TEMPLATE["Parameters"].items()
    }
    assert {name: default_of(block) for name, block in variables().items()} == of_template


def test_both_give_the_same_outputs() -> None:
    text = (MODULE / "outputs.tf").read_text("utf-8")
    outputs = re.findall(r'^output "(\w+)"', text, re.MULTILINE)
    assert sorted(outputs) == sorted(map(snake_case, TEMPLATE["Outputs"]))


def test_both_have_the_same_alarms() -> None:
    text = (MODULE / "alarms.tf").read_text("utf-8")
    watched = set(re.findall(r'metric(?:_name)?\s+= "([\w.]+)"', text))
    made = stack().resources()
    assert watched == {made[name]["MetricName"] for name in made if name.endswith("Alarm")}


def test_both_ask_for_the_same_permissions() -> None:
    text = (MODULE / "roles.tf").read_text("utf-8")
    granted = re.findall(r'"((?:s3|logs|firehose|secretsmanager):\w+)"', text)
    made = stack(AccessKey="", AccessKeySecretArn="arn").resources()
    policies = [made["MetricStreamPolicy"], made["FirehosePolicy"]]
    lists = [one["Action"] for policy in policies for one in statements(policy)]
    flat = [action for one in lists for action in ([one] if isinstance(one, str) else one)]
    assert sorted(granted) == sorted(flat)


def test_terraform_reads_the_module() -> None:
    accepted("terraform", "fmt", "-check", "-recursive", "-diff", MODULE)
    assert "hashicorp/aws" in accepted("terraform", "providers", directory=MODULE)


def planned(directory: Path, **given: object) -> str:
    """What `terraform plan` says of the variables alone, which need no provider."""
    (directory / "variables.tf").write_bytes((MODULE / "variables.tf").read_bytes())
    (directory / "terraform.tfvars.json").write_text(json.dumps({"endpoint_url": URL, **given}))
    result = validate("terraform", "plan", "-input=false", "-no-color", directory=directory)
    return result.stdout + result.stderr


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, None),
        ({"endpoint_url": "http://hydrant.example.com/"}, "The endpoint is an https URL"),
        ({"namespaces": ["*", "AWS/S3"]}, "Name at least one namespace"),
        ({"percentile_metrics": ["AWS/DynamoDB"]}, "A metric is written as Namespace:Metric"),
        ({"percentiles": ["99"]}, "There are 1 to 20 percentiles"),
        ({"buffering_size_mib": 65}, "The buffer has 1 to 64 MiB"),
    ],
)
def test_terraform_refuses_values_that_would_not_work(
    tmp_path: Path, given: dict[str, object], complaint: str | None
) -> None:
    said = planned(tmp_path, **given)
    if complaint is None:
        assert "No changes" in said
    else:
        assert complaint in said
