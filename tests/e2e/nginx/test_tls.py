"""Versions, ciphers, certificates, and hosts that are not ours."""

import socket
import ssl
import threading
import warnings
from pathlib import Path

import pytest
import trustme

from tests.e2e.nginx.conftest import ONE_POINT, Site, answer_of, connection, deliver, head
from tests.fixtures.nginx import SERVER_NAME
from tests.fixtures.server import DELIVERY_PATH, hydrant

pytestmark = pytest.mark.e2e


def only(settings: ssl.SSLContext, version: ssl.TLSVersion, ciphers: str = "") -> ssl.SSLContext:
    """The settings for one version of TLS, of 1.2 and below with these ciphers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        settings.minimum_version = settings.maximum_version = version
    if ciphers:
        settings.set_ciphers(ciphers)
    return settings


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_of_today_connect(site: Site, version: ssl.TLSVersion) -> None:
    with connection(site.proxy, only(site.proxy.trust(), version)) as conversation:
        assert conversation.version() == version.name.replace("_", ".")


def test_older_versions_are_refused(site: Site) -> None:
    old = ssl.TLSVersion.TLSv1_1
    weak = "DEFAULT:@SECLEVEL=0"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connection(site.proxy, only(site.proxy.trust(), old, weak)).close()
    # That it was not our own side which refused: the same settings reach a server of that age.
    authority = trustme.CA()
    aged = only(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), old, weak)
    authority.issue_cert("127.0.0.1").configure_cert(aged)
    client = only(ssl.create_default_context(), old, weak)
    authority.configure_trust(client)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            peer, _ = listener.accept()
            aged.wrap_socket(peer, server_side=True).close()

        thread = threading.Thread(target=accept)
        thread.start()
        plain = socket.create_connection(listener.getsockname(), timeout=20)
        with client.wrap_socket(plain, server_hostname="127.0.0.1") as conversation:
            assert conversation.version() == "TLSv1.1"
        thread.join()


@pytest.mark.parametrize(
    "cipher",
    [
        # As in the captured Firehose delivery.
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ],
)
def test_ciphers_of_both_kinds_of_certificate(site: Site, cipher: str) -> None:
    settings = only(site.proxy.trust(), ssl.TLSVersion.TLSv1_2, cipher)
    with connection(site.proxy, settings, name=SERVER_NAME) as conversation:
        used = conversation.cipher()
        assert used is not None
        assert used[0] == cipher
        conversation.sendall(head(DELIVERY_PATH, len(ONE_POINT), host=SERVER_NAME) + ONE_POINT)
        assert answer_of(conversation).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "AES256-SHA"])
def test_ciphers_without_forward_secrecy_or_authentication_are_refused(
    site: Site, cipher: str
) -> None:
    settings = only(site.proxy.trust(), ssl.TLSVersion.TLSv1_2, cipher)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connection(site.proxy, settings).close()


def test_the_certificate_is_that_of_the_authority(site: Site) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connection(site.proxy, ssl.create_default_context()).close()


@pytest.mark.parametrize("host", ["other.example.com", "169.254.169.254", "127.0.0.1.evil.test"])
@pytest.mark.parametrize("read", [False, True])
def test_other_hosts_get_no_answer(site: Site, host: str, read: bool) -> None:
    port = site.proxy.read_port if read else site.proxy.public_port
    method, path = ("GET", "/healthz") if read else ("POST", DELIVERY_PATH)
    length = 0 if read else len(ONE_POINT)
    with connection(site.proxy, port=port) as conversation:
        conversation.sendall(head(path, length, method, host) + ONE_POINT[:length])
        assert answer_of(conversation) == b""


def test_plain_http_gets_nowhere(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.proxy.public_port), timeout=20) as plain:
        plain.sendall(head(DELIVERY_PATH, len(ONE_POINT)) + ONE_POINT)
        assert plain.recv(100).startswith(b"HTTP/1.1 400 ")


def test_answers_keep_browsers_on_tls(site: Site) -> None:
    with site.proxy.client() as client, site.proxy.client(site.proxy.read_url) as reader:
        answers = [deliver(client), client.get("/nowhere"), reader.get("/healthz")]
    for answer in answers:
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        assert answer.headers["server"] == "nginx"


def test_the_simulator_trusts_the_authority_it_is_given(site: Site, tmp_path: Path) -> None:
    options: list[object] = ["simulate", "--url", site.proxy.public_url, "--access-key", "token"]
    options += ["--minutes", 2, "--tables", 2, "--retry-seconds", 0]
    trusting = hydrant(*options, "--ca-file", site.proxy.ca_file, directory=tmp_path)
    assert trusting.returncode == 0, trusting.stderr
    assert ", 0 failures" in trusting.stdout
    doubting = hydrant(*options, directory=tmp_path)
    assert doubting.returncode == 1
    assert "HttpEndpoint.SSLHandshakeFailure" in doubting.stderr
