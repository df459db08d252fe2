"""Credentials and clients."""

import sys

import pytest

from app.clock import ManualClock
from app.cloudwatch import CloudWatch, Session
from app.errors import ConfigurationError, Unavailable
from tests.fixtures.cloudwatch import ACCOUNT, CREDENTIALS, REGION, CloudWatchServer


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def test_without_boto3_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigurationError, match="pip install boto3"):
        Session()


@pytest.mark.usefixtures("credentials")
def test_an_unknown_profile() -> None:
    with pytest.raises(ConfigurationError, match="missing"):
        Session(profile="missing")


@pytest.mark.usefixtures("credentials")
def test_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigurationError, match=r"sts:GetCallerIdentity failed: .*credentials"):
        Session().account()
    with pytest.raises(ConfigurationError, match="no AWS credentials to assume a role with"):
        Session(role_arn="arn:aws:iam::1:role/r")


@pytest.mark.usefixtures("credentials")
def test_nobody_answers() -> None:
    session = Session(endpoint_url="http://127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        session.account()
    clock = ManualClock()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        list(CloudWatch(session.cloudwatch(REGION), clock).list_metrics("AWS/Nothing"))
    assert clock.monotonic() == 1 + 2 + 4 + 8 + 16 + 30 + 30


@pytest.mark.usefixtures("credentials")
def test_a_role_is_assumed(cloudwatch_server: CloudWatchServer) -> None:
    role = "arn:aws:iam::222233334444:role/reader"
    assert Session(endpoint_url=cloudwatch_server.url).account() == ACCOUNT
    session = Session(role_arn=role, endpoint_url=cloudwatch_server.url)
    assert session.account() == "222233334444"
    assert session.cloudwatch(REGION) is session.cloudwatch(REGION)
    found = CloudWatch(session.cloudwatch(REGION), ManualClock()).list_metrics("AWS/Nothing")
    assert list(found) == []
