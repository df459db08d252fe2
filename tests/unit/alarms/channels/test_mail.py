"""Mail, to a real SMTP server: encrypted, threaded, refused and put off."""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from app.alarms.alerts import Kind
from app.alarms.channels import TYPES, Channel, Surroundings
from app.alarms.channels.channel import Source
from app.alarms.rule_values import Members
from app.clock import ManualClock
from app.errors import NotDelivered
from app.rules.documents import Item
from app.rules.yaml_nodes import read_yaml
from tests.fixtures.alerts import START_MS, alert, notification

PASSWORD = "a password of mail"
SURROUNDINGS = Surroundings(ManualClock(START_MS), "https://hydrant.example.org")


class Mailbox:
    """What a server took, and what it says to the next one."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answer = "250 taken"
        self.refused: dict[str, str] = {}
        self.logins = 0
        self.leave = "221 Bye"

    async def handle_QUIT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session, envelope
        return self.leave

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        del server, session, options
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        if self.answer.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            found = message_from_bytes(content, policy=policy.default)
            assert isinstance(found, EmailMessage)
            self.mails.append(found)
            self.recipients += [str(each) for each in envelope.rcpt_tos]
        return self.answer

    def login(self, *arguments: object) -> AuthResult:
        """Whether a name and password are right."""
        data = arguments[-1]
        assert isinstance(data, LoginPassword)
        self.logins += 1
        right = (data.login, data.password) == (b"ops", PASSWORD.encode())
        return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(box: Mailbox, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on a free port of loopback; with TLS it takes mail only after STARTTLS."""
    options: dict[str, Any] = {"hostname": "127.0.0.1"}
    if tls is not None:
        options |= {
            "tls_context": tls,
            "require_starttls": True,
            "authenticator": box.login,
            "auth_required": True,
        }
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def begin() -> asyncio.Server:
        return await loop.create_server(lambda: SMTP(box, loop=loop, **options), "127.0.0.1", 0)

    async def end(server: asyncio.Server) -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def opened(directory: Path, port: int, **members: str | list[str]) -> Channel:
    entry = {
        "host": "127.0.0.1",
        "port": str(port),
        "from": "hydrant@example.org",
        "to": ["ops@example.org", "dba@example.org"],
        **members,
    }
    document = Item(read_yaml(json.dumps(entry)))
    of_type = TYPES["smtp"]
    source = Source(Members(document, of_type.keys, []), [directory])
    return of_type.read(source).open("mail", SURROUNDINGS)


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "password").write_text(PASSWORD, "utf-8")
    return made


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


LOGIN = {"username": "ops", "password_file": "password", "ca_file": "ca.pem"}


def test_mails_of_an_incident_are_one_thread_as_text_and_html(tmp_path: Path) -> None:
    box = Mailbox()
    ended = alert(7, table="<orders>", ended_ms=START_MS + 60_000)
    with mail_server(box) as port:
        channel = opened(tmp_path, port, tls="none")
        first = notification(alert(7, table="<orders>"))
        channel.send(first)
        channel.send(notification(ended, kind=Kind.RECOVERED))
        channel.send(notification(alert(8, table="carts")))
    told, over, other = box.mails
    assert box.recipients[:2] == ["ops@example.org", "dba@example.org"]
    assert told["Subject"].startswith("[Hydrant] FIRING warning: <orders> had 12")
    assert over["Subject"] == "[Hydrant] RECOVERED: DynamoDBReadThrottled of <orders>"
    assert told["Message-ID"] == f"<{first.key}@example.org>"
    assert told["References"] == over["References"] == over["In-Reply-To"]
    assert told["References"] != other["References"]
    assert told["Auto-Submitted"] == "auto-generated"
    plain, html = (told.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert "TableName <orders>" in plain.get_content()
    assert "&lt;orders&gt;" in html.get_content()
    assert "<orders>" not in html.get_content()
    assert "https://hydrant.example.org/" in html.get_content()
    assert "Until: 2026-11-18T11:08:00Z" in str(over.get_body(("plain",)))


def test_mail_goes_through_starttls_with_a_login(tmp_path: Path, authority: trustme.CA) -> None:
    box = Mailbox()
    with mail_server(box, server_context(authority)) as port:
        receipt = opened(tmp_path, port, **LOGIN).send(notification())
    assert receipt.answer == "accepted for 2 by 127.0.0.1"
    assert (len(box.mails), box.logins) == (1, 1)


def test_a_server_without_tls_gets_no_mail_when_tls_is_wanted(tmp_path: Path) -> None:
    box = Mailbox()
    with mail_server(box) as port, pytest.raises(NotDelivered, match="STARTTLS"):
        opened(tmp_path, port).send(notification())
    assert box.mails == []


def test_a_certificate_of_another_authority_is_refused(
    tmp_path: Path, authority: trustme.CA
) -> None:
    box = Mailbox()
    del authority
    with (
        mail_server(box, server_context(trustme.CA())) as port,
        pytest.raises(NotDelivered, match="not trusted"),
    ):
        opened(tmp_path, port, **LOGIN).send(notification())
    assert box.mails == []


def test_a_wrong_password_is_tried_again_and_not_told(
    tmp_path: Path, authority: trustme.CA
) -> None:
    (tmp_path / "password").write_text("something else", "utf-8")
    with mail_server(Mailbox(), server_context(authority)) as port:
        channel = opened(tmp_path, port, **LOGIN)
        with pytest.raises(NotDelivered, match="login refused: 535") as caught:
            channel.send(notification())
    assert caught.value.retry
    assert "something else" not in caught.value.message


@pytest.mark.parametrize(("answer", "retry"), [("451 busy", True), ("554 never", False)])
def test_answers_decide_whether_it_is_tried_again(tmp_path: Path, answer: str, retry: bool) -> None:
    box = Mailbox()
    box.answer = answer
    with mail_server(box) as port:
        channel = opened(tmp_path, port, tls="none")
        with pytest.raises(NotDelivered, match=answer) as caught:
            channel.send(notification())
    assert caught.value.retry is retry


@pytest.mark.parametrize("leave", ["421 going down", "500 what?"])
def test_a_mail_that_was_accepted_is_delivered_however_the_server_leaves(
    tmp_path: Path, leave: str
) -> None:
    box = Mailbox()
    box.leave = leave
    with mail_server(box) as port:
        opened(tmp_path, port, tls="none").send(notification())
    assert len(box.mails) == 1


def test_some_recipients_may_be_refused_and_all_may_not(tmp_path: Path) -> None:
    box = Mailbox()
    box.refused = {"dba@example.org": "550 no such user"}
    with mail_server(box) as port:
        channel = opened(tmp_path, port, tls="none")
        receipt = channel.send(notification())
        assert receipt.answer == "accepted for 1 by 127.0.0.1"
        assert "dba@example.org: 550" in receipt.warning
        box.refused["ops@example.org"] = "550 nor this one"
        with pytest.raises(NotDelivered, match="every recipient was refused") as caught:
            channel.send(notification())
    assert not caught.value.retry


def test_a_server_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(NotDelivered, match=r"127\.0\.0\.1:1: ") as caught:
        opened(tmp_path, 1, tls="none").send(notification())
    assert caught.value.retry


def test_many_alerts_and_odd_texts_make_a_mail(tmp_path: Path) -> None:
    box = Mailbox()
    odd = alert(1, table="ordérs\r\nBcc: all@example.org")
    many = [alert(n, table=f"table-{n}") for n in range(2, 200)]
    with mail_server(box) as port:
        opened(tmp_path, port, tls="none").send(notification(odd, *many))
        opened(tmp_path, port, tls="none").send(notification(odd))
    plain = box.mails[0].get_body(("plain",))
    assert plain is not None
    assert "149 more are not listed here" in plain.get_content()
    assert box.mails[1]["Bcc"] is None
    assert "ordérs" in box.mails[1]["Subject"]
