"""What AWS refuses, as errors of ours."""

from app.errors import ConfigurationError, HydrantError, Unavailable

_FORBIDDEN = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_THROTTLED = frozenset(
    {
        "LimitExceeded",
        "LimitExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_FIRST_SERVER_ERROR = 500


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _code(error) in _THROTTLED or status >= _FIRST_SERVER_ERROR
    return _is_of_the_network(error)


def translated(action: str, error: Exception) -> HydrantError:
    """The error to raise; ``action`` is what was being done, such as ``GetMetricData``."""
    from botocore.exceptions import ClientError

    text = f"{action} failed: {_reason(error)}"
    if isinstance(error, ClientError) and _code(error) in _FORBIDDEN:
        return ConfigurationError(
            f"{text}; the credentials need the permissions that docs/backfill.md names"
        )
    if isinstance(error, ClientError) or _is_of_the_network(error):
        return Unavailable(text)
    return ConfigurationError(text)


def _is_of_the_network(error: Exception) -> bool:
    from botocore.exceptions import ConnectionError as BotocoreConnectionError
    from botocore.exceptions import HTTPClientError

    return isinstance(error, BotocoreConnectionError | HTTPClientError)


def _code(error: Exception) -> str:
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def _reason(error: Exception) -> str:
    """One line, with the code that AWS documents."""
    message = getattr(error, "response", {}).get("Error", {}).get("Message") or str(error)
    code = _code(error)
    return " ".join(f"{code}: {message}".split()) if code else " ".join(str(error).split())
