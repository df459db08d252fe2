"""Credentials and clients. They come from where the AWS tools take them: environment, profile."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from app.cloudwatch.faults import translated
from app.errors import ConfigurationError

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

_SECONDS_TO_CONNECT = 10
_SECONDS_TO_ANSWER = 60
_DEFAULT_REGION = "us-east-1"


class Session:
    """Makes clients. ``role_arn`` is assumed, and assumed again when its credentials expire.

    ``endpoint_url`` is for services that are not Amazon's. Raises ``ConfigurationError`` without
    boto3, for an unknown profile and for credentials that cannot be had.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        role_arn: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        try:
            import boto3
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise ConfigurationError(
                "asking CloudWatch needs boto3, which is not installed: pip install boto3"
            ) from error
        self._endpoint_url = endpoint_url
        try:
            self._session = boto3.Session(profile_name=profile)
            self._region = region or self._session.region_name or _DEFAULT_REGION
            if role_arn is not None:
                self._session = self._assumed(role_arn)
        except (BotoCoreError, ValueError) as error:
            raise translated("reading the AWS configuration", error) from error
        self.cloudwatch = lru_cache(maxsize=None)(self._cloudwatch)

    def account(self) -> str:
        """The account of the credentials, as sts:GetCallerIdentity tells; it costs nothing."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return str(self._client("sts", self._region).get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            raise translated("sts:GetCallerIdentity", error) from error

    def _cloudwatch(self, region: str) -> "CloudWatchClient":
        """The client of a region, always the same one."""
        from botocore.exceptions import BotoCoreError

        try:
            client: CloudWatchClient = self._client("cloudwatch", region)
        except (BotoCoreError, ValueError) as error:
            raise translated(f"CloudWatch of {region}", error) from error
        return client

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401 - a class for each service
        from botocore.config import Config

        # One attempt each: app.cloudwatch.client waits and repeats. "adaptive" slows the sender
        # down to what the service takes.
        config = Config(
            retries={"mode": "adaptive", "total_max_attempts": 1},
            connect_timeout=_SECONDS_TO_CONNECT,
            read_timeout=_SECONDS_TO_ANSWER,
        )
        make: Any = self._session.client
        return make(service, region_name=region, endpoint_url=self._endpoint_url, config=config)

    def _assumed(self, role_arn: str) -> Any:  # noqa: ANN401 - a session of boto3
        import boto3
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
        from botocore.session import get_session

        source = self._session.get_credentials()
        if source is None:
            raise ConfigurationError("there are no AWS credentials to assume a role with")

        def make(service: str, **options: Any) -> Any:  # noqa: ANN401 - botocore's own interface
            client: Any = self._session.client
            options.setdefault("region_name", self._region)
            return client(service, endpoint_url=self._endpoint_url, **options)

        fetcher = AssumeRoleCredentialFetcher(
            client_creator=make,
            source_credentials=source,
            role_arn=role_arn,
            extra_args={"RoleSessionName": "hydrant-backfill"},
        )
        inner = get_session()
        # botocore has no public way to hand over credentials that are refreshed.
        inner._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001
            refresh_using=fetcher.fetch_credentials, method="assume-role"
        )
        return boto3.Session(botocore_session=inner)
