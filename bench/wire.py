"""``python -m bench.wire``: points per CPU-second from the body of a delivery to columns.

Bodies of about a mebibyte of records are made beforehand. Measured are the envelope's JSON, base64,
the scan of the records, the look-up of their series and the columns; no HTTP, no storage, no rules.
The series are new in the first pass, which is told apart, and known in the others, of which the
median counts. The time is the process' CPU time.
"""

import argparse
import statistics
import time
from collections.abc import Sequence

from app.catalog import KnownSeries
from app.firehose import open_envelope
from app.otlp import BatchBuilder, Decoder, decode_record, decoder
from app.simulator import AccountModel, Format
from app.simulator.stream import StreamOptions, shipments
from bench.prepared import POINTS_PER_TABLE, START_MS


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both decoders in all formats and print a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.wire", description=__doc__)
    parser.add_argument("--series", type=int, default=80_000, help="points of a pass, roughly")
    parser.add_argument("--passes", type=int, default=7, help="with known series")
    parser.add_argument("--request-mib", type=float, default=1.0, help="records before base64")
    options = parser.parse_args(arguments)
    decoders = [Decoder.REFERENCE, *([Decoder.NATIVE] if decoder.IS_BUILT else [])]
    print("| format | decoder | points | bytes a point | known series, points/CPU-s | new series |")
    print("|---|---|---:|---:|---:|---:|")
    for format_ in Format:
        bodies = _bodies(format_, options.series, options.request_mib)
        for each in decoders:
            _report(format_, each, bodies, options.passes)


def _bodies(format_: Format, series: int, request_mib: float) -> list[bytes]:
    model = AccountModel(1, tables=max(1, series // POINTS_PER_TABLE))
    stream = StreamOptions(
        start_ms=START_MS,
        minutes=1,
        formats=(format_,),
        buffer_bytes=int(request_mib * (1 << 20)),
        buffer_ms=0,
        gzip=False,
    )
    return [shipment.request.body for shipment in shipments(model, stream)]


def _report(format_: Format, each: Decoder, bodies: Sequence[bytes], passes: int) -> None:
    known = KnownSeries(each)
    points, new_seconds = _decoded(known, bodies)
    seconds = statistics.median(_decoded(known, bodies)[1] for _ in range(passes))
    size = sum(map(len, bodies)) / points
    print(
        f"| {format_.value} | {each.value} | {points:,} | {size:.0f}"
        f" | {points / seconds:,.0f} | {points / new_seconds:,.0f} |",
        flush=True,
    )


def _decoded(known: KnownSeries, bodies: Sequence[bytes]) -> tuple[int, float]:
    """Points of the bodies and the CPU seconds that they took."""
    points = 0
    began = time.process_time()
    for body in bodies:
        builder = BatchBuilder()
        for index, record in open_envelope(body).records:
            decode_record(index, record, known.keys, builder)
        points += len(builder.build())
    return points, time.process_time() - began


if __name__ == "__main__":
    main()
