"""Which decoder is taken, and that a machine without the scanner has one."""

import subprocess
import sys

import pytest

from app.catalog import KnownSeries, describe
from app.errors import ConfigurationError
from app.otlp import Decoder, SeriesKeys, decoder
from tests.fixtures.server import REPOSITORY
from tests.fuzz.differential import needs_scanner

# As if the extension had not been built: its modules cannot be imported.
WITHOUT_SCANNER = """
import sys
sys.modules["app.otlp.scanner.table"] = None
from app.catalog import KnownSeries
from app.errors import ConfigurationError
from app.otlp import BatchBuilder, Decoder, decode_record, decoder
from app.simulator import AccountModel, Format, encode_records
assert decoder.chosen(Decoder.AUTO) is Decoder.REFERENCE
known, into = KnownSeries(), BatchBuilder()
points = AccountModel(1, tables=1).points(1_727_740_800_000)
for format_ in Format:
    for record in encode_records(points, format_):
        decode_record(0, record, known.keys, into)
assert len(into.build()) == 3 * len(points) > 0
try:
    KnownSeries(Decoder.NATIVE)
except ConfigurationError as error:
    print(error.message)
"""


@needs_scanner
def test_the_scanner_is_taken_where_it_was_built() -> None:
    assert decoder.chosen(Decoder.AUTO) is Decoder.NATIVE
    assert SeriesKeys(describe).native is not None
    assert KnownSeries(Decoder.NATIVE).keys.native is not None


def test_the_reference_is_taken_when_it_is_asked_for() -> None:
    assert KnownSeries(Decoder.REFERENCE).keys.native is None


def test_without_the_scanner_the_reference_reads_everything() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", WITHOUT_SCANNER],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "HYDRANT_DECODER=auto" in finished.stdout


def test_a_scanner_that_was_not_built_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "IS_BUILT", False)
    assert decoder.chosen(Decoder.AUTO) is Decoder.REFERENCE
    with pytest.raises(ConfigurationError, match="was not built"):
        decoder.chosen(Decoder.NATIVE)
