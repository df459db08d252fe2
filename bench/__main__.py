"""``python -m bench``: what can be measured, and how; ``python -m bench all`` runs everything."""

import sys

from bench import ingest, queries, rollups, rules

_USAGE = """\
usage: python -m bench all            every benchmark with its defaults
       python -m bench.ingest --help  the server under simulated deliveries
       python -m bench.rules --help   loading rules, evaluating a minute of 80,000 points
       python -m bench.rollups --help rolling up an hour of points and values
       python -m bench.queries --help reading a day of many tables, from rows and from blocks
       python -m bench.memory --help  peak memory under many large deliveries at once\
"""


def main() -> None:
    """Run everything, or say what there is."""
    if sys.argv[1:] == ["all"]:
        for format_ in ingest.FORMATS:
            ingest.main(["--format", format_])
        rules.main([])
        rollups.main([])
        queries.main([])
    else:
        print(_USAGE)


if __name__ == "__main__":
    main()
