"""A real server with each decoder, and the codec of the same kind: it says which it has."""

from pathlib import Path

import pytest

from app.otlp import Decoder
from tests.fixtures.server import ServerStarter
from tests.fuzz.differential import needs_scanner

pytestmark = [pytest.mark.e2e, needs_scanner]


@pytest.mark.parametrize("decoder", [Decoder.AUTO, Decoder.REFERENCE])
def test_a_server_says_what_reads_records(
    start_server: ServerStarter, tmp_path: Path, decoder: Decoder
) -> None:
    server = start_server(f"sqlite:///{tmp_path}/h.db", decoder=decoder.value)
    taken = "native" if decoder is Decoder.AUTO else "reference"
    assert f"decoder={taken}" in server.log
    assert f"codec={taken}" in server.log
    metrics = server.client.get("/metrics").text
    assert f'hydrant_decoder_info{{decoder="{taken}"}} 1.0' in metrics
    assert metrics.count("hydrant_decoder_info{") == 1
    assert f'hydrant_array_codec_info{{codec="{taken}"}} 1.0' in metrics
    assert metrics.count("hydrant_array_codec_info{") == 1
