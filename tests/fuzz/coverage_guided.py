"""``python -m tests.fuzz.coverage_guided KIND SECONDS DIRECTORY``: libFuzzer, through atheris.

It ends by itself with status 0 when nothing was found. An input that raises, or costs more than a
second or too much memory, ends it with another status; it is printed and left in the directory.
"""

import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["app.firehose", "app.otlp", "app.catalog", "app.promql"]):
    from tests.fuzz.seeds import SEEDS
    from tests.fuzz.targets import TARGETS

_SEEDS = 20
_LONGEST_INPUT = 16_384
_MOST_CPU_SECONDS = 1.0


def main() -> None:
    """Fuzz one kind for some seconds; does not return."""
    kind, seconds, directory = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    corpus = directory / f"corpus-{kind.replace('/', '-')}"
    corpus.mkdir()
    for number in range(_SEEDS):
        (corpus / str(number)).write_bytes(SEEDS[kind](number))

    def target(data: bytes) -> None:
        began = time.process_time()
        TARGETS[kind](data)
        assert time.process_time() - began < _MOST_CPU_SECONDS

    options = {
        "max_total_time": seconds,
        "max_len": _LONGEST_INPUT,
        # By the clock on the wall, which on a busy machine says little; ours above is by CPU.
        "timeout": 30,
        "rss_limit_mb": 1_024,
        "print_final_stats": 1,
        "seed": 1,
        "artifact_prefix": f"{directory}/",
    }
    arguments = [sys.argv[0], *(f"-{name}={value}" for name, value in options.items())]
    atheris.Setup([*arguments, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
