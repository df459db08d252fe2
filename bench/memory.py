"""``python -m bench.memory``: peak memory of the real server under many large deliveries at once.

All deliveries begin together, each on a connection of its own, and are sent once. What does not fit
is answered 503; the others are waited for. With ``--until-taken`` what was refused comes again, as
from Firehose, until everything has been taken. ``--kind`` also makes bodies that cost as much as
they can: ``blank`` records hold line breaks, ``faults`` lines that are no points, ``empty`` holds
OpenTelemetry resources without metrics.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pybase64

from app.simulator import AccountModel, Format, encode_records
from bench.prepared import START_MS
from bench.processes import usage

KINDS = ("points", "opentelemetry1.0", "blank", "faults", "empty")
_KEY = "bench"
_MEBIBYTE = 1024 * 1024
_LONGEST_SECONDS = 900.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one measurement and print a row of a table in Markdown."""
    options = _options(arguments)
    body = large_body(options.kind, options.mebibytes)
    if options.gzip:
        deflate = zlib.compressobj(6, wbits=31)
        body = deflate.compress(body) + deflate.flush()
    with tempfile.TemporaryDirectory() as name, _server(Path(name), options.budget) as (url, pid):
        before = usage(pid)
        began = time.monotonic()
        answers = _send(url, body, options)
        seconds = time.monotonic() - began
        after = usage(pid)
    kind = f"{options.kind}{', gzip' if options.gzip else ''}"
    told = ", ".join(f"{number} x {status}" for status, number in sorted(answers.items()))
    print(
        f"| {options.requests} x {options.mebibytes} MiB, {kind} | {len(body) / _MEBIBYTE:.1f} MiB"
        f" | {told} | {seconds:.1f} | {after.cpu - before.cpu:.1f}"
        f" | {before.peak_bytes / _MEBIBYTE:.0f} | {after.peak_bytes / _MEBIBYTE:.0f} |"
    )


def large_body(kind: str, mebibytes: int) -> bytes:
    """A Firehose request with records of one mebibyte each, or about."""
    size = mebibytes * _MEBIBYTE
    match kind:
        case "points" | "opentelemetry1.0":
            format_ = Format.JSON if kind == "points" else Format.OPENTELEMETRY_1_0
            records: list[bytes] = []
            minute = 0
            while sum(map(len, records)) < size:
                points = AccountModel(7, tables=2000).points(START_MS + minute * 60_000)
                records += encode_records(points, format_)
                minute += 1
            while sum(map(len, records)) > size:
                records.pop()
        case "blank":
            records = [b"{}" + b"\n" * (_MEBIBYTE - 2)] * mebibytes
        case "faults":
            records = [b"{}\n" * (_MEBIBYTE // 3)] * mebibytes
        case _:
            # A length of three bytes, then resources of two.
            records = [b"\x80\x80\x3c" + b"\x0a\x00" * 491_520] * mebibytes
    data = [{"data": pybase64.b64encode(record).decode()} for record in records]
    return orjson.dumps({"requestId": "bench", "timestamp": START_MS, "records": data})


def _send(url: str, body: bytes, options: argparse.Namespace) -> Counter[str]:
    answers: Counter[str] = Counter()
    together = threading.Barrier(options.requests)

    def deliver(number: int) -> None:
        headers = {
            "X-Amz-Firehose-Access-Key": _KEY,
            "X-Amz-Firehose-Request-Id": f"bench-{number}",
            **({"Content-Encoding": "gzip"} if options.gzip else {}),
        }
        deadline = time.monotonic() + _LONGEST_SECONDS
        together.wait()
        while time.monotonic() < deadline:
            try:
                with httpx.Client(trust_env=False, timeout=180.0) as client:
                    answer = client.post(url, content=body, headers=headers)
            except httpx.TransportError as error:
                answers[type(error).__name__] += 1
            else:
                answers[str(answer.status_code)] += 1
                if answer.status_code == httpx.codes.OK:
                    return
                pause = min(float(answer.headers.get("retry-after", 1)), 5.0)
                time.sleep(pause if options.until_taken else 0)
            if not options.until_taken:
                return

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(options.requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@contextmanager
def _server(directory: Path, budget: int) -> Iterator[tuple[str, int]]:
    port = 20_000 + secrets.randbelow(20_000)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HYDRANT_")}
    environment = inherited | {
        "HYDRANT_ACCESS_KEYS": _KEY,
        "HYDRANT_DATABASE": f"sqlite:///{directory / 'hydrant.db'}",
        "HYDRANT_BODY_MEMORY_MIB": str(budget),
        "HYDRANT_LOG_LEVEL": "error",
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve", "--port", str(port)],
        env=environment,
        cwd=directory,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{url}/readyz", trust_env=False).status_code == httpx.codes.OK:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        yield f"{url}/aws/firehose/metrics", process.pid
    finally:
        process.terminate()
        process.wait(90)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--requests", type=int, default=50, help="deliveries at once")
    parser.add_argument("--mebibytes", type=int, default=64, help="record bytes of each")
    parser.add_argument("--kind", choices=KINDS, default="points", help="what the records hold")
    parser.add_argument("--gzip", action="store_true", help="compress the bodies")
    parser.add_argument("--budget", type=int, default=256, help="HYDRANT_BODY_MEMORY_MIB")
    parser.add_argument("--until-taken", action="store_true", help="send again what was refused")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
