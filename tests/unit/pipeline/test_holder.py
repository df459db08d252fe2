"""Holders of the lease: told apart, and on the same machine seen to have ended."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from app.pipeline import Holder

PRINT_AND_WAIT = (
    "from app.pipeline import Holder; print(Holder.this_process(), flush=True); input()"
)


@pytest.fixture
def holder() -> Holder:
    return Holder.this_process()


def test_a_holder_is_read_back_from_its_text(holder: Holder) -> None:
    assert Holder.parse(str(holder)) == holder
    assert Holder.parse(str(replace(holder, boot="", namespace="", started=""))) is not None


@pytest.mark.parametrize("text", ["", "someone", "a/b/c/d/e/f", "a/b/c/1/e", "a/b/c/-1/e/f"])
def test_other_texts_are_no_holders(text: str) -> None:
    assert Holder.parse(text) is None


def test_two_holders_of_one_process_are_not_the_same(holder: Holder) -> None:
    assert holder != Holder.this_process()


def test_a_process_has_ended_when_it_was_killed(holder: Holder) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PRINT_AND_WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        other = Holder.parse(process.stdout.readline().decode().strip())
        assert other is not None
        assert other.pid == process.pid
        assert not other.has_ended()
        process.kill()
        # Before its parent has asked for it, it is a zombie, and afterwards nothing at all.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert other.has_ended()
    finally:
        process.kill()
        process.communicate()
    assert other.has_ended()
    assert not holder.has_ended()


def test_a_process_id_that_was_given_out_again_is_another_process(holder: Holder) -> None:
    assert replace(holder, started="1").has_ended()


def test_of_a_process_elsewhere_nothing_is_known(holder: Holder) -> None:
    ended = replace(holder, started="1")
    assert not replace(ended, host="elsewhere").has_ended()
    assert not replace(ended, boot="another").has_ended()
    assert not replace(ended, namespace="1").has_ended()


def test_without_the_time_of_its_start_nothing_is_known(holder: Holder) -> None:
    assert not replace(holder, started="").has_ended()
