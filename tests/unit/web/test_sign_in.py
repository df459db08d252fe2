"""Where signing in leads to, and how often somebody may try."""

import pytest

from app.clock import ManualClock
from app.errors import TooManyRequests
from app.web.sign_in import local_page
from app.web.sign_in_attempts import MOST_A_MINUTE, SignInAttempts


@pytest.mark.parametrize(
    "wanted",
    ["/", "/tables", "/tables/orders?account=1&from=now-3h#x", "/accounts/%C3%A4", "/sign-insider"],
)
def test_pages_of_this_server_are_led_to(wanted: str) -> None:
    assert local_page(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "tables",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\\b",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/x\r\nSet-Cookie: a=b",
        " //evil.example",
        "/ä",
        "/sign-in",
        "/sign-in?next=/sign-in",
        "/sign-out",
    ],
)
def test_nothing_else_is(wanted: str | None) -> None:
    assert local_page(wanted) == "/"


def wrong(attempts: SignInAttempts, address: str, times: int) -> None:
    for _ in range(times):
        attempts.check(address)
        attempts.failed(address)


def test_a_client_waits_after_some_wrong_tokens_and_others_do_not() -> None:
    clock = ManualClock()
    attempts = SignInAttempts(clock)
    wrong(attempts, "192.0.2.1", MOST_A_MINUTE)
    with pytest.raises(TooManyRequests) as refused:
        attempts.check("192.0.2.1")
    assert 0 < refused.value.retry_after_seconds <= 61
    with pytest.raises(TooManyRequests):
        attempts.check("::ffff:192.0.2.1")
    wrong(attempts, "192.0.2.2", MOST_A_MINUTE)
    clock.advance(61)
    wrong(attempts, "192.0.2.1", MOST_A_MINUTE)
    with pytest.raises(TooManyRequests):
        attempts.check("192.0.2.1")


def test_addresses_of_one_ipv6_network_count_together() -> None:
    attempts = SignInAttempts(ManualClock())
    for number in range(MOST_A_MINUTE):
        wrong(attempts, f"2001:db8::{number:x}", 1)
    with pytest.raises(TooManyRequests):
        attempts.check("2001:db8::ffff")
    attempts.check("2001:db8:0:1::1")


def test_as_many_clients_as_there_are_take_bounded_memory() -> None:
    attempts = SignInAttempts(ManualClock())
    for number in range(20_000):
        attempts.failed(f"client-{number}")
    assert len(attempts._failed) == 10_000
