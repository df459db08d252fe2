"""A signal is heeded at once, or when what was begun has ended."""

import os
import signal

import pytest

from app.commands.interruption import Interrupted, Interruption


def send(number: int) -> None:
    """The handler has run when this returns."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heeded_at_once(number: int) -> None:
    with Interruption() as interruption:
        interruption.let_go()
        with pytest.raises(Interrupted) as raised:
            send(number)
    assert raised.value.status == 128 + number


def test_what_was_begun_ends_first() -> None:
    with Interruption() as interruption:
        interruption.hold()
        send(signal.SIGTERM)
        with pytest.raises(Interrupted) as raised:
            interruption.let_go()
    assert raised.value.status == 143


def test_a_second_signal_does_not_wait() -> None:
    with Interruption() as interruption:
        interruption.hold()
        send(signal.SIGTERM)
        with pytest.raises(Interrupted) as raised:
            send(signal.SIGINT)
    assert raised.value.status == 130


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
