"""Objects in S3, through boto3 where it is installed.

Credentials and region come from where the AWS tools take them: environment, profile, role.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.backup.content import Source
from app.errors import ConfigurationError, InvalidParameter, Unavailable

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_SCHEME = "s3://"


def is_s3(path: str) -> bool:
    """Whether a place is a URL of S3."""
    return path.lower().startswith(_SCHEME)


@dataclass(frozen=True, slots=True)
class Key:
    """An object of a bucket; ``open`` raises ``OSError`` when it cannot be read."""

    url: str
    etag: str
    size: int
    open: Callable[[], AbstractContextManager[Source]]


class Bucket:
    """``s3://bucket/prefix``. Raises ``ConfigurationError`` without boto3, ``InvalidParameter``."""

    def __init__(self, url: str, endpoint_url: str | None = None) -> None:
        self._name, _, self._prefix = url[len(_SCHEME) :].partition("/")
        if not self._name:
            raise InvalidParameter(url, "an S3 URL is s3://BUCKET or s3://BUCKET/PREFIX")
        self._url = url
        self._client = _client(endpoint_url)

    def listing(self) -> Iterator[Key]:
        """The keys that begin with the prefix, in the order of S3. Raises ``Unavailable``."""
        from botocore.exceptions import BotoCoreError, ClientError

        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self._name, Prefix=self._prefix):
                for item in page.get("Contents", ()):
                    # Consoles make empty objects to show directories.
                    if not item["Key"].endswith("/"):
                        yield self._key(item["Key"], item["ETag"].strip('"'), item["Size"])
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"{self._url} cannot be listed: {_reason(error)}") from error

    def _key(self, key: str, etag: str, size: int) -> Key:
        url = f"{_SCHEME}{self._name}/{key}"
        return Key(url, etag, size, lambda: self._open(key, etag))

    @contextmanager
    def _open(self, key: str, etag: str) -> Iterator[Source]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            # A key that was written again since it was listed is another object.
            answer = self._client.get_object(Bucket=self._name, Key=key, IfMatch=f'"{etag}"')
        except (BotoCoreError, ClientError) as error:
            raise OSError(_reason(error)) from error
        with closing(answer["Body"]) as body:
            yield _Body(body)


class _Body:
    """A streaming body whose faults are those of a file."""

    def __init__(self, body: Any) -> None:  # noqa: ANN401 - botocore's own, without a type
        self._body = body

    def read(self, size: int, /) -> bytes:
        from botocore.exceptions import BotoCoreError

        try:
            return bytes(self._body.read(size))
        except BotoCoreError as error:
            raise OSError(_reason(error)) from error


def _client(endpoint_url: str | None) -> "S3Client":
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise ConfigurationError(
            "reading s3:// needs boto3, which is not installed: pip install boto3,"
            " or copy the objects with `aws s3 sync` and replay the directory"
        ) from error
    try:
        return boto3.client("s3", endpoint_url=endpoint_url)
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"S3 cannot be used: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What went wrong on one line, with the code that AWS documents."""
    response = getattr(error, "response", None)
    if response:
        details = response.get("Error", {})
        return f"{details.get('Code', 'unknown error')}: {details.get('Message', '')}".strip(": ")
    return " ".join(str(error).split())
