"""``python -m bench``: what can be measured, and how; ``python -m bench all`` runs everything."""

import sys

from bench import ingest

_USAGE = """\
usage: python -m bench all            every benchmark with its defaults
       python -m bench.ingest --help  the server under simulated deliveries\
"""


def main() -> None:
    """Run everything, or say what there is."""
    if sys.argv[1:] == ["all"]:
        for format_ in ingest.FORMATS:
            ingest.main(["--format", format_])
    else:
        print(_USAGE)


if __name__ == "__main__":
    main()
