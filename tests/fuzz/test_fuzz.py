"""Fuzzing in the time that a test run has; the commands in the modules beside run for longer."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fixtures.server import REPOSITORY
from tests.fuzz.mutations import mutated
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

SECONDS = {"opentelemetry1.0": 5, "opentelemetry0.7": 5, "json": 5}
OTHERWISE_SECONDS = 4
MUTATIONS = 100_000
PEAK_MIB = 512


def run(*command: object) -> "subprocess.CompletedProcess[str]":
    # A process begins with the peak of memory of the one that started it. Ours may be large; the
    # shell's is small.
    shell = ["/bin/sh", "-c", '"$@"; exit $?', "sh"]
    return subprocess.run(
        [*shell, sys.executable, "-m", *map(str, command)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.timeout(300)
def test_coverage_guided_fuzzing_finds_nothing_in_half_a_minute(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this platform")
    assert sum(SECONDS.get(kind, OTHERWISE_SECONDS) for kind in SEEDS) >= 30

    def fuzz(kind: str) -> tuple[str, "subprocess.CompletedProcess[str]"]:
        seconds = SECONDS.get(kind, OTHERWISE_SECONDS)
        return kind, run("tests.fuzz.coverage_guided", kind, seconds, tmp_path)

    with ThreadPoolExecutor(2) as pool:
        for kind, finished in pool.map(fuzz, SEEDS):
            report = finished.stderr[-6_000:]
            assert finished.returncode == 0, f"{kind}:\n{report}"
            units = re.search(r"stat::number_of_executed_units: (\d+)", report)
            new = re.search(r"stat::new_units_added: +(\d+)", report)
            # Without coverage nothing would be new, and the fuzzer would only throw dice.
            assert units, report
            assert int(units[1]) > 1_000, f"{kind}:\n{report}"
            assert new, report
            assert int(new[1]) > 10, f"{kind}:\n{report}"


@pytest.mark.timeout(300)
def test_a_hundred_thousand_structure_aware_mutations() -> None:
    count = -(-MUTATIONS // len(SEEDS))

    def mutations(kind: str) -> tuple[str, "subprocess.CompletedProcess[str]"]:
        return kind, run("tests.fuzz.mutations", "--kind", kind, "--count", count)

    done = 0
    with ThreadPoolExecutor(2) as pool:
        for kind, finished in pool.map(mutations, SEEDS):
            assert finished.returncode == 0, f"{kind}:\n{finished.stderr[-6_000:]}"
            result = json.loads(finished.stdout)
            done += result["count"]
            assert result["slowest"] < 1, kind
            assert result["peak_mib"] < PEAK_MIB, kind
    assert done >= MUTATIONS


@pytest.mark.parametrize("kind", SEEDS)
def test_mutations_are_mutations_and_can_be_made_again(kind: str) -> None:
    inputs = {mutated(kind, number) for number in range(100)}
    assert len(inputs) > 60
    assert inputs == {mutated(kind, number) for number in range(100)}


@pytest.mark.parametrize("kind", SEEDS)
def test_a_target_notices_an_exception(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("found")

    for name in ("decode_record", "decode_export", "parse"):
        monkeypatch.setattr(f"tests.fuzz.targets.{name}", broken)
    with pytest.raises(RuntimeError, match="found"):
        TARGETS[kind](SEEDS[kind](0))
