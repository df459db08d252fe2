"""The one error tree of Hydrant.

::

    HydrantError                     raised on purpose; never shown as a stack trace
    ├── UserError                    wrong input or configuration; says what to change
    │   ├── InvalidRequest           400  invalid_request     malformed input
    │   │   └── InvalidQueryType     400  invalid_request     no series to ask at each step
    │   ├── InvalidParameter         400  invalid_parameter   one named parameter is wrong
    │   ├── Unauthorized             401  unauthorized        access key missing or wrong
    │   ├── Forbidden                403  forbidden           not for this client
    │   ├── NotFound                 404  not_found           no such route, service or metric
    │   ├── MethodNotAllowed         405  method_not_allowed
    │   ├── RequestTimeout           408  request_timeout     the body did not come in time
    │   ├── TooLarge                 413  too_large           more than a delivery may hold
    │   ├── UnsupportedMediaType     415  unsupported_media_type  neither protobuf nor JSON
    │   ├── ResultTooLarge           422  result_too_large    too many points
    │   ├── QuerySyntaxError         400  invalid_query       PromQL that cannot be parsed
    │   ├── QueryFailed              422  query_failed        PromQL that cannot be evaluated
    │   ├── QueryTimeout             503  query_timeout       PromQL that takes too long
    │   ├── QueryCanceled            499  query_canceled      its client did not wait for it
    │   ├── ConfigurationError       500  configuration       settings that cannot work
    │   └── RuleError                500  invalid_rule        a rule file that cannot be loaded
    │       ├── AlarmRuleError       500  invalid_alarm_rule  a rule of alarms, the same way
    │       ├── DashboardError       500  invalid_dashboard   a dashboard, the same way
    │       ├── AlarmChannelError    500  invalid_alarm_channel  a channel, the same way
    │       ├── ScriptError          500  invalid_rule        a test of queries, the same way
    │       └── PriceFileError       500  configuration       a file of prices, the same way
    ├── NotDelivered                 502  not_delivered       a channel did not take a notification
    ├── WireError                    400  undecodable         bytes that are not what they claim
    └── Unavailable                  503  unavailable         try again: nothing was stored
        ├── TooManyRequests          429  too_many_requests   more attempts than a client may make
        ├── StorageUnavailable       503  storage_unavailable the database cannot be used
        │   └── StorageBusy          503  storage_unavailable it works, not for this transaction
        │       └── TransactionConflict                       transactions in each other's way
        └── LeaseLost                503  lease_lost          another process does this work

``kind`` is stable and part of the public interface; ``status`` is the HTTP status under which an
error is reported. Only the modules of ``app.api`` turn errors into replies.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import ClassVar, Self


def similar(name: str, known: Sequence[str], most: int) -> str:
    """The end of a message about an unknown name: those that are like it; empty without any."""
    near = get_close_matches(name, known, most)
    return f"; similar: {', '.join(near)}" if near else ""


class HydrantError(Exception):
    """Base of every error that Hydrant raises on purpose."""

    kind: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UserError(HydrantError):
    """What the user sent or configured is wrong; the message says what to change."""

    kind = "invalid_request"
    status = 400


class InvalidRequest(UserError):
    """The request as a whole is malformed."""


class InvalidQueryType(InvalidRequest):
    """A range query that has no value at each step, such as one for a range vector."""


class InvalidParameter(UserError):
    """One parameter is wrong.

    ``parameter`` is its name as the client spelt it, ``reason`` what is wrong with it.
    """

    kind = "invalid_parameter"

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.reason = message


class Unauthorized(UserError):
    """The access key is missing or wrong."""

    kind = "unauthorized"
    status = 401


class Forbidden(UserError):
    """The client is known, or known not to be one of those who may do this."""

    kind = "forbidden"
    status = 403


class NotFound(UserError):
    """The thing asked for does not exist."""

    kind = "not_found"
    status = 404


class MethodNotAllowed(UserError):
    """The route exists, the HTTP method does not."""

    kind = "method_not_allowed"
    status = 405


class RequestTimeout(UserError):
    """The client did not send its body in time."""

    kind = "request_timeout"
    status = 408


class TooLarge(UserError):
    """The request is larger than Firehose can ever send, or than an exporter should."""

    kind = "too_large"
    status = 413


class UnsupportedMediaType(UserError):
    """The body is declared to be of a type that the route does not read."""

    kind = "unsupported_media_type"
    status = 415


class ResultTooLarge(UserError):
    """The answer would exceed the configured number of points; the question must be narrowed."""

    kind = "result_too_large"
    status = 422


class QuerySyntaxError(UserError):
    """A PromQL expression that cannot be parsed.

    ``reason`` is what is wrong, without its place; ``line`` and ``column`` count from 1, 0 where
    the place is not known. The message is worded ``1:8: parse error: …`` as Prometheus words it.
    """

    kind = "invalid_query"

    def __init__(self, reason: str, *, line: int = 0, column: int = 0) -> None:
        self.reason = reason
        self.line = line
        self.column = column
        place = f"{line}:{column}: " if line else ""
        super().__init__(f"{place}parse error: {reason}")


class QueryFailed(UserError):
    """A PromQL expression that is well formed and cannot be evaluated on these series."""

    kind = "query_failed"
    status = 422


class QueryTimeout(UserError):
    """A PromQL expression whose evaluation takes longer than it may."""

    kind = "query_timeout"
    status = 503


class QueryCanceled(UserError):
    """A query whose client has gone away; nobody reads the answer."""

    kind = "query_canceled"
    status = 499


class ConfigurationError(UserError):
    """Settings that cannot work together; raised before the server takes requests."""

    kind = "configuration"
    status = 500


class RuleError(UserError):
    """A rule file that cannot be loaded.

    ``file``, ``line`` and ``column`` (both from 1) point at the fault; ``source`` is the offending
    line, printed with a caret below it; of a long line the part around the fault.
    """

    kind = "invalid_rule"
    status = 500

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        line: int = 0,
        column: int = 0,
        source: str = "",
    ) -> None:
        self.reason = message
        self.file = file
        self.line = line
        self.column = column
        self.source = source
        super().__init__(self._render())

    def in_file(self, file: str, text: str) -> Self:
        """The same error with the file's name and, from its text, the offending line."""
        lines = _lines(text)
        source = lines[self.line - 1] if 0 < self.line <= len(lines) else ""
        return type(self)(self.reason, file=file, line=self.line, column=self.column, source=source)

    def _render(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        text = f"{place}: {self.reason}" if place else self.reason
        if self.source and self.column:
            first = self.column - 1 - _MOST_SHOWN // 2 if len(self.source) > _MOST_SHOWN else 0
            first = max(0, min(first, len(self.source) - _MOST_SHOWN))
            shown = self.source[first : first + _MOST_SHOWN]
            text += f"\n    {shown}\n    {' ' * (self.column - 1 - first)}^"
        return text


@lru_cache(maxsize=4)
def _lines(text: str) -> list[str]:
    """A file may have thousands of errors."""
    return text.splitlines()


class AlarmRuleError(RuleError):
    """A file of alarm rules that cannot be loaded; its place is told as that of a rule is."""

    kind = "invalid_alarm_rule"


class AlarmChannelError(RuleError):
    """A file of channels that cannot be loaded; of the line nothing is shown, it may be secret."""

    kind = "invalid_alarm_channel"


class DashboardError(RuleError):
    """A dashboard that cannot be drawn; its place is told as that of a rule is."""

    kind = "invalid_dashboard"


class ScriptError(RuleError):
    """A file of tests of PromQL that cannot be read; its place is told as that of a rule is."""


class PriceFileError(RuleError):
    """A file of prices that cannot be read; its place is told as that of a rule is."""

    kind = "configuration"


_MOST_SHOWN = 200
"""Characters of a line that are shown around a fault."""


class NotDelivered(HydrantError):
    """A channel did not take a notification; the message holds nothing secret.

    ``retry`` says whether the same may work later, ``retry_after_seconds`` when the receiver wants
    to be asked again, None if it did not say.
    """

    kind = "not_delivered"
    status = 502

    def __init__(
        self, message: str, *, retry: bool = True, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.retry = retry
        self.retry_after_seconds = retry_after_seconds


class WireError(HydrantError):
    """Bytes that cannot be decoded as the format they claim to be.

    Inside a delivery this leads to quarantine, never to a refused request.
    """

    kind = "undecodable"
    status = 400


class Unavailable(HydrantError):
    """Nothing was stored; the same request may succeed later.

    ``retry_after_seconds`` goes into the Retry-After header; ``reason`` is a short, stable name of
    what is short, for metrics and ``/readyz``.
    """

    kind = "unavailable"
    status = 503

    def __init__(
        self, message: str, *, reason: str = "unavailable", retry_after_seconds: int = 2
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class TooManyRequests(Unavailable):
    """More attempts than a client may make in this time."""

    kind = "too_many_requests"
    status = 429


class StorageUnavailable(Unavailable):
    """The database cannot be reached, is locked, or is full.

    ``remedy`` says what an operator can do about it, for the log; empty if that is in the message.
    """

    kind = "storage_unavailable"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "database_down",
        retry_after_seconds: int = 2,
        remedy: str = "",
    ) -> None:
        super().__init__(message, reason=reason, retry_after_seconds=retry_after_seconds)
        self.remedy = remedy


class StorageBusy(StorageUnavailable):
    """The database works, but not for this transaction now: a conflict, a lock, a full queue."""


class TransactionConflict(StorageBusy):
    """Another transaction came in between; the same one again is likely to succeed at once."""


class LeaseLost(Unavailable):
    """Another process holds the lease; what was computed in an earlier term is not stored."""

    kind = "lease_lost"
