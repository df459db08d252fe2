"""Test scripts: how they are read, what each expectation accepts, and what it does not."""

from pathlib import Path

import pytest

from app.clock import SystemClock
from app.errors import ScriptError
from app.promql.engine import Engine, Limits
from app.promql.testing import Outcome, Result, run_file, run_script
from app.promql.testing.commands import Clear, Eval, Load, Period
from app.promql.testing.script import parse_script

LOAD = """load 1m
    size{job="a"} 1 2 3 4
    size{job="b"} 10 20 30 40
    flag 1 _ stale 4
"""


def outcomes(text: str) -> list[Result]:
    return run_script(LOAD + text, Engine(Limits(), SystemClock()))


def outcome(text: str) -> Result:
    (result,) = outcomes(f"\n{text}\n")
    return result


def test_commands_are_read_in_their_order() -> None:
    load, first, clear, second = parse_script(
        "# comment\nload 30s\n  a 1 2\n\n  # comment\neval instant at 1m30s a + 1 # end\n{} 1\n\n"
        "clear\neval range from 0 to 1h step 5m a\n"
    )
    assert isinstance(load, Load)
    assert load.step_ms == 30_000
    assert isinstance(first, Eval)
    assert (first.line, first.times) == (6, Period(90_000, 90_000))
    assert isinstance(clear, Clear)
    assert isinstance(second, Eval)
    assert second.times == Period(0, 3_600_000, 300_000)
    assert second.times.count == 13


def test_blocks_need_no_empty_line_between_them() -> None:
    commands = parse_script("load 1m\na 1\neval instant at 0 a\na 1\nload 2m\nb 1\nclear\n")
    assert [type(command) for command in commands] == [Load, Eval, Load, Clear]


@pytest.mark.parametrize(
    "text",
    [
        "eval instant at 1m size\n size{job='b'} 20\n size{job='a'} 2",
        "eval instant at 1m sum(size)\n {} 22",
        "eval instant at 60 sum(size)\n {} 22",
        "eval instant at 1m sum(size)\n {} 22.00001",
        "eval instant at 1m unknown",
        "eval instant at 1m 1 + 1\n 2",
        "eval instant at 1m vector(NaN)\n {} NaN",
        "eval instant at 1m 'text'\n expect string \"text\"",
        "eval instant at 1m 'text'\n 'text'",
        "eval range from 0 to 3m step 1m flag\n flag 1 1 _ 4",
        "eval range from 0 to 3m step 1m size > 25\n size{job='b'} _ _ 30 40",
        "eval range from 0 to 2m step 1m 5\n {} 5 5 5",
        "eval instant at 1m size[2m]{job='a'}\n expect fail",
        "eval instant at 1m flag[2m]\n expect range vector from 0 to 1m step 1m\n flag 1 _",
        "eval instant at 1m sort_desc(size)\n expect ordered\n size{job='b'} 20\n size{job='a'} 2",
        "eval_ordered instant at 1m sort(size)\n size{job='a'} 2\n size{job='b'} 20",
        "eval instant at 1m sum(\n expect fail",
        "eval instant at 1m size * on() size\n expect fail regex: (many|few)-to-many",
        "eval_fail instant at 1m size * on() size",
        "eval_fail instant at 1m sum(1)\n expected_fail_regexp expected type .* in aggregation",
        "eval instant at 1m quantile(2, size)\n expect warn\n expect no_info\n {} Inf",
        "eval_warn instant at 1m quantile(2, size)\n {} Inf",
        "eval instant at 1m quantile(2, size)\n {} Inf",
        "eval instant at 1m quantile(2, size)\n expect warn regex: got 2\n {} Inf",
        "eval instant at 1m rate(size[5m])\n expect info\n {job='a'} 0.005\n {job='b'} 0.05",
        "eval_info instant at 1m rate(size[5m])\n {job='a'} 0.005\n {job='b'} 0.05",
        "eval instant at 2m size @ end()\n size{job='a'} 3\n size{job='b'} 30",
    ],
)
def test_expectations_that_are_met(text: str) -> None:
    result = outcome(text)
    assert (result.outcome, result.reason) == (Outcome.PASSED, ""), result


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("eval instant at 1m size\n size{job='a'} 2", "the answer is another"),
        ("eval instant at 1m size{job='a'}\n size{job='a'} 3", "the answer is another"),
        ("eval instant at 1m size{job='a'}\n {job='a'} 2", "the answer is another"),
        ("eval instant at 1m size", "the answer is another"),
        ("eval instant at 1m unknown\n unknown 1", "the answer is another"),
        ("eval instant at 1m sum(size)\n {} 22.001", "the answer is another"),
        ("eval instant at 1m 1 + 1\n 3", "the answer is another"),
        ("eval instant at 1m 1 + 1", "the answer is a scalar, not a vector"),
        ("eval instant at 1m 1 + 1\n {} 2", "the answer is a scalar, not a vector"),
        ("eval instant at 1m sum(size)\n 22", "the answer is a vector, not a scalar"),
        ("eval instant at 1m 'text'\n 'other'", "the answer is another"),
        ("eval instant at 1m 'text'", "the answer is a string, not a vector"),
        ("eval instant at 1m size[1m]", "the answer is a matrix, not a vector"),
        ("eval range from 0 to 3m step 1m flag\n flag 1 1 1 4", "the answer is another"),
        ("eval range from 0 to 3m step 1m flag\n flag 1 1 _", "the answer is another"),
        (
            "eval instant at 2m flag[2m]\n expect range vector from 0 to 1m step 30s\n flag 1",
            "the answer is another",
        ),
        (
            "eval instant at 1m sort(size)\n expect ordered\n size{job='b'} 20\n size{job='a'} 2",
            "the answer is another",
        ),
        ("eval instant at 1m sum(size)\n expect fail\n {} 22", "the query was to fail"),
        ("eval instant at 1m sum(", "the query failed"),
        ("eval instant at 1m sum(\n expect fail msg: other", "the query failed for another reason"),
        ("eval_fail instant at 1m sum(\n expected_fail_message other", "for another reason"),
        ("eval instant at 1m sum(size)\n expect warn\n {} 22", "a remark is missing"),
        ("eval_warn instant at 1m sum(size)\n {} 22", "a remark is missing"),
        ("eval instant at 1m quantile(2, size)\n expect no_warn\n {} Inf", "must not be made"),
        ("eval instant at 1m quantile(2, size)\n expect warn msg: a\n {} Inf", "is missing"),
        (
            "eval instant at 1m rate(size[5m])\n expect no_info\n {job='a'} 0.005",
            "must not be made",
        ),
    ],
)
def test_expectations_that_are_not_met(text: str, reason: str) -> None:
    result = outcome(text)
    assert result.outcome is Outcome.FAILED
    assert reason in result.reason
    assert result.expected
    assert result.got


def test_a_remark_beside_those_expected_is_a_failure() -> None:
    two = "eval instant at 1m quantile(2, size) + quantile(3, size)\n {} Inf\n"
    assert outcome(f"{two} expect warn").outcome is Outcome.PASSED
    result = outcome(f"{two} expect warn regex: got 2")
    assert result.reason == "a remark that no expect names"
    assert "got 3" in result.got[0]
    assert outcome(f"{two} expect warn regex: got 2\n expect warn regex: got 3").reason == ""


def test_an_instant_query_must_answer_the_same_within_a_range() -> None:
    text = f"{LOAD}\neval instant at 1m sum(size)\n  {{}} 22\n"
    limits = Limits(max_steps=1)
    (result,) = run_script(text, Engine(limits, SystemClock()))
    assert result.outcome is Outcome.FAILED
    assert result.reason == "the query fails as a range query around its time"
    assert "exceeded maximum resolution" in result.got[0]


def test_loads_add_up_until_they_are_cleared() -> None:
    first, second, third = outcomes(
        "\nload 1m\n  flag _ 7\n\neval instant at 1m flag\n  flag 7\n\neval instant at 0 flag\n"
        "  flag 1\n\nclear\n\neval instant at 1m flag\n"
    )
    assert {one.outcome for one in (first, second, third)} == {Outcome.PASSED}


def test_a_second_value_for_a_time_is_a_fault_of_the_script() -> None:
    fault, query = outcomes(
        "\nload 30s\n  size{job='a'} 1 _ 9\n\neval instant at 1m size{job='a'}\n  size{job='a'} 2"
    )
    assert (fault.outcome, fault.command.line) == (Outcome.FAILED, 7)
    assert "another value at 60 s already" in fault.reason
    assert query.outcome is Outcome.PASSED


def test_of_two_lines_for_a_series_in_one_load_the_last_counts() -> None:
    (result,) = outcomes("\nload 1m\n  a 1\n  a 2\n\neval instant at 0 a\n  a 2\n")
    assert result.outcome is Outcome.PASSED


def test_messages_are_compared_without_the_place_in_the_query() -> None:
    text = "eval instant at 1m quantile(2, size)\n {} Inf\n expect warn msg: PromQL warning: "
    assert outcome(text + "quantile value should be between 0 and 1, got 2").reason == ""


def test_what_speaks_of_the_whole_query_is_not_asked_as_a_range_query() -> None:
    for query, value in (("end()", 60), ("range() + step()", 0), ("sum(size @ start())", 22)):
        answer = f"{{}} {value}" if "sum" in query else value
        assert outcome(f"eval instant at 1m {query}\n {answer}").reason == ""


UNSUPPORTED = """
load 1m
  native {{schema:0 sum:1 count:1 buckets:[1]}} {{}}x3 5

eval instant at 1m native
  native {{schema:0}}

eval instant at 1m native

eval instant at 1m count(native)
  expect fail

eval instant at 1m histogram_count(native </ 5)
  {} 1

eval instant at 5m sum_over_time(native[1m])
  {} 5
"""


def test_what_needs_native_histograms_is_neither_passed_nor_failed() -> None:
    *others, last = outcomes(UNSUPPORTED)
    assert [one.outcome for one in others] == [Outcome.UNSUPPORTED] * 4
    assert all("not supported" in one.reason for one in others)
    assert last.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a@st 0s\n  b 1", "stands above the points of its series"),
        ("a@st 0sx1\n  a 1", "@st has 2 values, and its series 1 points"),
        ("a@st soon\n  a 1", "'soon' is no start"),
    ],
)
def test_start_timestamps_that_belong_to_nothing(lines: str, message: str) -> None:
    (result, *_) = outcomes(f"\nload 1m\n  {lines}\n")
    assert result.outcome is Outcome.FAILED
    assert message in result.reason


def test_converted_histograms_leave_their_buckets() -> None:
    converted, classic = outcomes(
        "\nload_with_nhcb 1m\n  h_bucket{le='1', a='b'} 5x3\n  h_bucket{le='+Inf', a='b'} 9x3\n"
        "  h_count{a='b'} 9x3\n\neval instant at 1m histogram_quantile(0.5, h)\n\n"
        "eval instant at 1m histogram_quantile(0.5, h_bucket)\n  {a='b'} 0.9\n"
    )
    assert converted.outcome is Outcome.UNSUPPORTED
    assert classic.outcome is Outcome.PASSED


FAULTS = {
    "unknown command": "evaluate this",
    "no duration": "load soon\n a 1",
    "longer than nothing": "load 0s\n a 1",
    "step must be longer than nothing, not -1m": "load -1m\n a 1",
    "time: 'x1' is no duration": "eval instant at x1 up",
    "end, 1m, is before the start": "eval range from 2m to 1m step 1m up",
    "is no point": "load 1m\n a 1 2 three",
    "clear takes nothing": "clear\n a 1",
    "unknown expectation": "eval instant at 0 up\n expect failure",
    "takes no msg:": "eval instant at 0 up\n expect no_warn msg: x",
    "no regular expression": "eval instant at 0 up\n expect fail regex: (",
    "of what?": "eval instant at 0 up\n expect fail msg:",
    "quoted string": "eval instant at 0 up\n expect string up",
    "stale is never in an answer": "eval instant at 0 up\n up stale",
    "answers one value": "eval instant at 0 up\n up 1 2",
    "expects 3 points, and the query is evaluated at 2 times": (
        "eval range from 0 to 1m step 1m up\n up 1 2 3"
    ),
    "expected twice": 'eval instant at 0 up\n up{a="b"} 1\n up{a="b"} 2',
    "have no order": "eval range from 0 to 1m step 1m up\n expect ordered\n up 1 2",
    "one of them": "eval instant at 0 up\n 1\n up 2",
    "a scalar is one without labels": "eval range from 0 to 1m step 1m 1\n 1",
    "only an instant query": (
        "eval range from 0 to 1m step 1m up\n expect range vector from 0 to 1m step 1m"
    ),
    "start timestamps belong to load": "eval instant at 0 up\n up@st 1m",
}


@pytest.mark.parametrize(("message", "text"), FAULTS.items(), ids=FAULTS)
def test_faults_of_a_script_are_told_with_their_line_and_stop_nothing(
    message: str, text: str, tmp_path: Path
) -> None:
    file = tmp_path / "faulty.test"
    file.write_text(f"# comment\n\n{text}\n\neval instant at 0 1\n 1\n", encoding="utf-8")
    fault, last = run_file(file, Engine(Limits(), SystemClock()))
    assert fault.outcome is Outcome.FAILED
    assert message in fault.reason
    assert 3 <= fault.command.line <= 2 + len(text.splitlines())
    assert last.outcome is Outcome.PASSED


def test_one_line_that_cannot_be_read_does_not_spoil_its_load() -> None:
    fault, query = outcomes("\nload 1m\n  a 1 what\n  b 2\n\neval instant at 0 b\n  b 2\n")
    assert (fault.command.line, fault.command.text) == (7, "a 1 what")
    assert query.outcome is Outcome.PASSED


def test_a_script_that_is_no_text_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "binary.test"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ScriptError, match="cannot be read"):
        run_file(file, Engine(Limits(), SystemClock()))
