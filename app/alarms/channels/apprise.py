"""Everything that Apprise knows, by one of its URLs; it is imported only where it is used."""

import logging
from dataclasses import dataclass
from typing import Any

from app.alarms.alerts import Kind, Notification
from app.alarms.channels.channel import (
    Channel,
    ChannelType,
    Receipt,
    Secret,
    Source,
    Surroundings,
    scrubbed,
)
from app.alarms.channels.mail import text_of
from app.alarms.channels.wording import title
from app.errors import ConfigurationError, NotDelivered

_TYPES = {
    Kind.FIRING: "failure",
    Kind.REPEATED: "failure",
    Kind.RECOVERED: "success",
    Kind.ACKNOWLEDGED: "info",
    Kind.TEST: "info",
}


@dataclass(frozen=True, slots=True)
class AppriseEntry:
    """The file with the URL, which is a secret as a whole."""

    url: Secret

    def open(self, name: str, surroundings: Surroundings) -> Channel:
        del name
        return Apprise(self, surroundings)


class Apprise:
    """A channel of type ``apprise``; it knows no notification ids, so a repetition is shown."""

    def __init__(self, entry: AppriseEntry, surroundings: Surroundings) -> None:
        self._entry = entry
        self._surroundings = surroundings
        self._apprise = _library()

    def send(self, notification: Notification) -> Receipt:
        url = self._entry.url.read()
        target = _target(self._apprise, url)
        if target is None:
            raise NotDelivered("Apprise does not know the URL in the file")
        kind = _TYPES[notification.kind]
        if notification.kind is Kind.FIRING and all(
            alert.severity != "critical" for alert in notification.alerts
        ):
            kind = "warning"
        sender = self._apprise.Apprise()
        sender.add(target)
        try:
            result = sender.notify(
                body=text_of(notification, self._surroundings),
                title=title(notification),
                notify_type=kind,
            )
        except Exception as error:  # noqa: BLE001 - a hundred plug-ins, each with errors of its own
            reason = scrubbed(str(error) or type(error).__name__, (url,))
            raise NotDelivered(f"Apprise failed: {reason}") from None
        if not result:
            raise NotDelivered(f"Apprise could not deliver to {url.partition(':')[0]}")
        return Receipt(f"delivered by Apprise to {url.partition(':')[0]}")

    def close(self) -> None:
        """Nothing is kept open."""


def _library() -> Any:  # noqa: ANN401 - the module, which is typed for itself
    try:
        import apprise
    except ImportError as error:
        raise ConfigurationError(
            "channels of type apprise need Apprise, which is not installed: pip install apprise"
        ) from error
    # It logs URLs, and those hold passwords; what failed is told by us.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return apprise


def _target(apprise: Any, url: str) -> Any:  # noqa: ANN401 - an object of one of its plug-ins
    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _read(source: Source) -> AppriseEntry:
    url = source.secret("url_file")
    item = source.members["url_file"]
    try:
        library = _library()
    except ConfigurationError as error:
        raise item.fault(error.message) from error
    text = url.check()
    if len(text.split()) > 1:
        raise item.fault(f"{url.path} holds more than one URL; make a channel of each")
    if _target(library, text) is None:
        scheme, separator, _ = text.partition("://")
        shown = f" that begins with {scheme}://" if separator and scheme.isalnum() else ""
        raise item.fault(
            f"Apprise does not know the URL{shown} in {url.path}; its documentation has one for"
            " each service"
        )
    return AppriseEntry(url)


APPRISE = ChannelType("apprise", ("url_file",), {"url": "url_file"}, _read)
