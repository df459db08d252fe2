"""``python -m tests.fuzz.mutations``: structure-aware mutations of legal inputs, one seed each.

Prints a line at the end: how many, the slowest one in seconds, and the peak of memory in MiB. A
failure names the kind and the number, which make the same input again.
"""

import argparse
import base64
import binascii
import gzip
import json
import random
import resource
import sys
import time
from functools import cache
from typing import Any

from app.otlp import Encoding
from app.otlp.framing import split_messages
from app.simulator.wire import varint
from tests.fuzz import json_tree, promql_words, protobuf_tree
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

_SEEDS = 50
_MESSAGES = ("opentelemetry0.7", "opentelemetry1.0")


def mutated(kind: str, number: int) -> bytes:
    """The input of a kind and number."""
    rng = random.Random(f"{kind} {number}")
    legal = _legal(kind, number % _SEEDS)
    times = rng.choice((1, 1, 1, 2, 4, 8))
    if kind in _MESSAGES:
        messages = [_message(rng, bytes(message), times) for message in split_messages(legal)]
        lengths = [_length(rng, message) for message in messages]
        parts = zip(lengths, messages, strict=True)
        return b"".join(length + message for length, message in parts)
    if kind == Encoding.PROTOBUF:
        return _message(rng, legal, times)
    if kind == "json":
        lines = [_json(rng, json.loads(line), times) for line in legal.splitlines()]
        return rng.choice((b"\n", b"\n", b"", b"\r\n")).join(lines)
    if kind == "promql":
        return promql_words.mutate(rng, legal.decode(), times).encode("utf-8", "surrogateescape")
    if kind == "gzip":
        return _gzip(rng, _envelope(rng, json.loads(gzip.decompress(legal)), times))
    if kind == "envelope":
        return _envelope(rng, json.loads(legal), times)
    return _json(rng, json.loads(legal), times)


@cache
def _legal(kind: str, number: int) -> bytes:
    return SEEDS[kind](number)


def _message(rng: random.Random, message: bytes, times: int) -> bytes:
    fields = protobuf_tree.parse(message)
    assert fields is not None
    mutator = protobuf_tree.Mutator(rng)
    for _ in range(times):
        mutator.mutate(fields)
    return protobuf_tree.render(fields)


def _length(rng: random.Random, message: bytes) -> bytes:
    """A message's length; once in a while it lies, up to four gigabytes and beyond."""
    if rng.random() < 0.95:
        return varint(len(message))
    return varint(rng.choice((0, len(message) - 1, len(message) + 1, 2**32, 2**63, 2**64 - 1)))


def _json(rng: random.Random, tree: Any, times: int) -> bytes:  # noqa: ANN401 - JSON
    for _ in range(times):
        tree = json_tree.mutate(rng, tree)
    return json_tree.render(rng, tree)


def _envelope(rng: random.Random, tree: Any, times: int) -> bytes:  # noqa: ANN401 - JSON
    records = tree["records"]
    for item in records:
        if rng.random() < 0.3:
            data = bytearray(base64.b64decode(item["data"]))
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            item["data"] = binascii.b2a_base64(data, newline=rng.random() < 0.2).decode()
    return _json(rng, tree, times) if rng.random() < 0.7 else json_tree.render(rng, tree)


def _gzip(rng: random.Random, body: bytes) -> bytes:
    """One or several members, of which something may be missing or changed."""
    middle = rng.randrange(len(body) + 1)
    members = [body[:middle], body[middle:]] if rng.random() < 0.5 else [body]
    data = bytearray(
        b"".join(gzip.compress(member, rng.choice((1, 9)), mtime=0) for member in members)
    )
    match rng.randrange(5):
        case 0:
            del data[rng.randrange(len(data)) :]
        case 1:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case 2:
            data += rng.choice((b"\0" * 100, b"\x1f\x8b", b"more"))
        case _:
            pass
    return bytes(data)


def main() -> int:
    """Run the mutations of one kind or of all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.mutations")
    parser.add_argument("--kind", choices=list(SEEDS), action="append")
    parser.add_argument("--count", type=int, default=1_000, help="of each kind")
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    slowest, done = 0.0, 0
    for kind in options.kind or SEEDS:
        for number in range(options.first, options.first + options.count):
            data = mutated(kind, number)
            began = time.process_time()
            try:
                TARGETS[kind](data)
            except Exception:
                sys.stderr.write(f"{kind} number {number}: {data[:2_000]!r}\n")
                raise
            slowest = max(slowest, time.process_time() - began)
            done += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"count": done, "slowest": slowest, "peak_mib": peak}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
