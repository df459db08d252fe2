"""Mail over SMTP: text and HTML, in one thread for each incident."""

import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from html import escape
from pathlib import Path

from app.alarms.alerts import Alert, Notification
from app.alarms.channels.channel import (
    Channel,
    ChannelType,
    Receipt,
    Secret,
    Source,
    Surroundings,
    scrubbed,
)
from app.alarms.channels.wording import details, left_out, title
from app.alarms.rule_values import texts, whole, word
from app.errors import ConfigurationError, NotDelivered
from app.rules.documents import Item

MOST_ALERTS = 50
"""Alerts that a mail lists."""

_SECONDS = 15.0
_MOST_REFERENCES = 20
_LAST_PORT = 65_535
_PERMANENT = 500
_POLICY = SMTP.clone(max_line_length=998)


class Tls(StrEnum):
    """How a connection is encrypted: after a greeting in the open, from its start, or not."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_PORTS = {Tls.STARTTLS: 587, Tls.TLS: 465, Tls.NONE: 25}


@dataclass(frozen=True, slots=True)
class MailEntry:
    """A server, how to log in, and who writes to whom."""

    host: str
    port: int
    tls: Tls
    ca_file: Path | None
    username: str
    password: Secret | None
    sender: Address
    recipients: tuple[Address, ...]

    def open(self, name: str, surroundings: Surroundings) -> Channel:
        return Mail(name, self, surroundings)


class Mail:
    """A channel of type ``smtp``; a connection for each mail."""

    def __init__(self, name: str, entry: MailEntry, surroundings: Surroundings) -> None:
        self._name = name
        self._entry = entry
        self._surroundings = surroundings
        try:
            cafile = None if entry.ca_file is None else str(entry.ca_file)
            self._trusted = ssl.create_default_context(cafile=cafile)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"{entry.ca_file} holds no certificates: {error}") from error

    def send(self, notification: Notification) -> Receipt:
        entry = self._entry
        password = "" if entry.password is None else entry.password.read()
        message = mail(notification, entry, self._surroundings)
        try:
            server = self._connected()
            try:
                if entry.username:
                    server.login(entry.username, password)
                refused = server.send_message(message)
            finally:
                _leave(server)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise NotDelivered(
                f"every recipient was refused: {_refusals(error.recipients, password)}",
                retry=any(code < _PERMANENT for code in codes),
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            # The password may be put right in its file.
            raise NotDelivered(f"login refused: {_answer(error, password)}") from None
        except smtplib.SMTPResponseException as error:
            retry = not _PERMANENT <= error.smtp_code < _PERMANENT + 100
            raise NotDelivered(f"answered {_answer(error, password)}", retry=retry) from None
        except ssl.SSLCertVerificationError as error:
            raise NotDelivered(
                f"the certificate of {entry.host} is not trusted: {error.verify_message}; name its"
                " authority's with ca_file"
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            reason = scrubbed(str(error) or type(error).__name__, (password,))
            raise NotDelivered(f"{entry.host}:{entry.port}: {reason}") from None
        except (MessageError, UnicodeError, ValueError) as error:
            reason = scrubbed(str(error), (password,))
            raise NotDelivered(f"cannot be written as a mail: {reason}", retry=False) from None
        accepted = f"accepted for {len(entry.recipients) - len(refused)} by {entry.host}"
        warning = f"refused: {_refusals(refused, password)}" if refused else ""
        return Receipt(accepted, warning)

    def close(self) -> None:
        """Nothing is kept open."""

    def _connected(self) -> smtplib.SMTP:
        entry = self._entry
        if entry.tls is Tls.TLS:
            return smtplib.SMTP_SSL(entry.host, entry.port, timeout=_SECONDS, context=self._trusted)
        server = smtplib.SMTP(entry.host, entry.port, timeout=_SECONDS)
        if entry.tls is Tls.STARTTLS:
            try:
                server.starttls(context=self._trusted)
            except BaseException:
                server.close()
                raise
        return server


def _leave(server: smtplib.SMTP) -> None:
    """Take leave of a server; whatever it says to that, it has the mail or it has not."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def mail(notification: Notification, entry: MailEntry, surroundings: Surroundings) -> EmailMessage:
    """The mail; every attempt at one notification has the same Message-ID.

    ``References`` names one message for each incident, which was never sent: mails that share one
    are of one thread, whichever came first.
    """
    domain = entry.sender.domain or "hydrant.invalid"
    roots = [f"<{_local(alert)}@{domain}>" for alert in notification.alerts[:_MOST_REFERENCES]]
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = " ".join(f"[Hydrant] {title(notification)}".split())[:300]
    message["From"] = entry.sender
    message["To"] = entry.recipients
    message["Date"] = datetime.fromtimestamp(notification.created_ms / 1000, UTC)
    message["Message-ID"] = f"<{notification.key}@{domain}>"
    message["References"] = " ".join(roots)
    message["In-Reply-To"] = roots[0]
    message["Auto-Submitted"] = "auto-generated"
    message["X-Hydrant-Notification-Id"] = notification.key
    message["X-Hydrant-Notification-Kind"] = notification.kind.value
    message.set_content(text_of(notification, surroundings))
    message.add_alternative(html_of(notification, surroundings), subtype="html")
    return message


def text_of(notification: Notification, surroundings: Surroundings) -> str:
    """What a mail says, as text."""
    shown = notification.alerts[:MOST_ALERTS]
    lines = [title(notification), ""]
    for alert in shown:
        lines.append(f"{alert.alarm} ({alert.severity}): {alert.summary}")
        lines += [f"  {name}: {text}" for name, text in _details(alert, surroundings)]
        lines.append("")
    rest = left_out(notification, len(shown))
    return "\n".join([*lines, *([rest, ""] if rest else [])])


def html_of(notification: Notification, surroundings: Surroundings) -> str:
    """The same as HTML, without anything that is loaded from elsewhere."""
    shown = notification.alerts[:MOST_ALERTS]
    parts = [f"<h2>{escape(title(notification))}</h2>"]
    for alert in shown:
        heading = f"{alert.alarm} ({alert.severity}): {alert.summary}"
        rows = "".join(
            f'<tr><th align="left" valign="top">{escape(name)}</th><td>{_linked(text)}</td></tr>'
            for name, text in _details(alert, surroundings)
        )
        parts.append(f"<h3>{escape(heading)}</h3><table>{rows}</table>")
    rest = left_out(notification, len(shown))
    parts += [f"<p>{escape(rest)}</p>"] if rest else []
    return f"<!DOCTYPE html><html><body>{''.join(parts)}</body></html>"


def _details(alert: Alert, surroundings: Surroundings) -> list[tuple[str, str]]:
    url = surroundings.incident_url(alert)
    return details(alert) + ([("Incident", url)] if url else [])


def _linked(text: str) -> str:
    shown = escape(text)
    if text.startswith(("https://", "http://")) and not any(sign.isspace() for sign in text):
        return f'<a href="{shown}">{shown}</a>'
    return shown


def _local(alert: Alert) -> str:
    """The incident's key as the part of a Message-ID before its @."""
    return alert.key.replace("/", ".")


def _answer(error: smtplib.SMTPResponseException, password: str) -> str:
    text = error.smtp_error
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return scrubbed(f"{error.smtp_code} {shown}", (password,))


def _refusals(refused: dict[str, tuple[int, bytes]], password: str) -> str:
    texts_of = (
        f"{recipient}: {code} {text.decode('utf-8', 'replace')}"
        for recipient, (code, text) in refused.items()
    )
    return scrubbed("; ".join(texts_of), (password,))


def _address(item: Item) -> Address:
    text = item.text()
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError):
        address = None
    if address is None or not address.username or not address.domain or not text.isascii():
        raise item.fault(f"{text[:200]!r} is not an address such as ops@example.org")
    return address


def _read(source: Source) -> MailEntry:
    members = source.members
    tls_item, port_item = members.get("tls"), members.get("port")
    tls = Tls.STARTTLS if tls_item is None else word(tls_item, Tls)
    password = source.optional_secret("password_file")
    username = members.text("username")
    if bool(username) != (password is not None):
        raise members.item.fault("username and password_file are given together or not at all")
    if password is not None and tls is Tls.NONE:
        raise members["password_file"].fault(
            "without TLS the password would cross the network in the open; set tls to starttls"
        )
    host = members["host"].text()
    if not host or any(sign.isspace() or sign in "/@" for sign in host):
        raise members["host"].fault("the name of a mail server is expected")
    texts(members["to"], "recipient")
    recipients = tuple(_address(item) for item in members["to"].items())
    if not recipients:
        raise members["to"].fault("there is no recipient")
    return MailEntry(
        host=host,
        port=_PORTS[tls] if port_item is None else whole(port_item, 1, _LAST_PORT),
        tls=tls,
        ca_file=source.file("ca_file"),
        username=username,
        password=password,
        sender=_address(members["from"]),
        recipients=recipients,
    )


MAIL = ChannelType(
    "smtp",
    ("host", "port", "tls", "ca_file", "username", "password_file", "from", "to"),
    {"password": "password_file"},
    _read,
)
