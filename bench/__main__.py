"""``python -m bench``: what can be measured, and how; ``python -m bench all`` runs everything."""

import sys

from bench import grids, ingest, queries, rollups, rules

_USAGE = """\
usage: python -m bench all            every benchmark with its defaults
       python -m bench.ingest --help  the server under simulated deliveries
       python -m bench.rules --help   loading rules, evaluating a minute of 80,000 points
       python -m bench.rollups --help rolling up an hour of points and values
       python -m bench.queries --help a server that answers questions over a day of 2,000 tables
       python -m bench.grids --help   reading that day, from rows and from blocks
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
        grids.main([])
    else:
        print(_USAGE)


if __name__ == "__main__":
    main()
