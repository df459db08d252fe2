"""Answers of queries as JSON, in pieces of about one series each.

The whole of a big answer is never in memory as text: 2,000 series of a day's minutes are 90 MB.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress

import numpy as np
import orjson

from app.api.prometheus.numbers import time_text, value_text, value_texts
from app.arrays import BoolArray, FloatArray, IntArray
from app.labels import LabelSet
from app.promql.answer import Answer
from app.promql.series import Samples, Vector

_SERIES_AT_ONCE = 1_000
_QUOTES_AROUND = 3
"""Bytes of a separator that close the sample before it: ``"],``."""


def envelope(
    data: Iterable[bytes], warnings: Sequence[str] = (), infos: Sequence[str] = ()
) -> Iterator[bytes]:
    """A successful answer around pieces of its data."""
    yield b'{"status":"success","data":'
    yield from data
    for name, remarks in (("warnings", warnings), ("infos", infos)):
        if remarks:
            yield b',"%b":%b' % (name.encode(), orjson.dumps(list(remarks)))
    yield b"}"


def answer_data(
    answer: Answer, *, ranged: bool = False, stats: Mapping[str, object] | None = None
) -> Iterator[bytes]:
    """What an instant or a ``ranged`` query is answered with; its series in their order."""
    time = time_text(int(answer.times[0])).encode() if len(answer.times) else b"0"
    if answer.samples is not None:
        kind, result = "matrix", _samples(answer.samples)
    elif answer.vector is not None and not ranged:
        kind, result = "vector", _vector(time, answer.vector)
    elif answer.vector is not None:
        kind, result = "matrix", _matrix(answer.vector, answer.times)
    elif answer.scalar is not None:
        text = value_text(float(answer.scalar[0])).encode()
        kind, result = "scalar", iter((b'%b,"%b"' % (time, text),))
    else:
        kind, result = "string", iter((b"%b,%b" % (time, orjson.dumps(answer.string)),))
    yield f'{{"resultType":"{kind}","result":['.encode()
    yield from result
    yield b"]"
    if stats is not None:
        yield b',"stats":%b' % orjson.dumps(stats)
    yield b"}"


def _vector(time: bytes, vector: Vector) -> Iterator[bytes]:
    rows = np.flatnonzero(vector.present[:, 0])
    texts = value_texts(vector.values[rows, 0])
    between = b',"value":[%b,"' % time
    return _listed(
        b'{"metric":%b%b%b"]}' % (_labels(vector.labels[row]), between, text)
        for row, text in zip(rows.tolist(), texts, strict=True)
    )


def _matrix(vector: Vector, times: IntArray) -> Iterator[bytes]:
    write = _row_writer(times)
    return _separated(
        write(vector.labels[row], vector.values[row], vector.present[row])
        for row in np.flatnonzero(vector.present.any(axis=1)).tolist()
    )


def _samples(parts: Sequence[Samples]) -> Iterator[bytes]:
    def written() -> Iterator[bytes]:
        for part in parts:
            write = _row_writer(part.times)
            for row in np.flatnonzero(part.present.any(axis=1)).tolist():
                yield write(part.labels[row], part.values[row], part.present[row])

    return _separated(written())


def series_data(found: Sequence[LabelSet]) -> Iterator[bytes]:
    """Label sets as a list of objects."""
    yield b"["
    yield from _listed(map(_labels, found))
    yield b"]"


def _separated(written: Iterator[bytes]) -> Iterator[bytes]:
    separator = b""
    for series in written:
        yield separator + series
        separator = b","


def _listed(written: Iterator[bytes]) -> Iterator[bytes]:
    """Small objects, many in one piece."""
    batch: list[bytes] = []
    separator = b""
    for item in written:
        batch.append(item)
        if len(batch) == _SERIES_AT_ONCE:
            yield separator + b",".join(batch)
            separator = b","
            batch.clear()
    if batch:
        yield separator + b",".join(batch)


def _row_writer(times: IntArray) -> Callable[[LabelSet, FloatArray, BoolArray], bytes]:
    """Writes series at these times; what stands between two values is rendered once."""
    separators = _separators(times.tobytes())

    def write(labels: LabelSet, values: FloatArray, present: BoolArray) -> bytes:
        between: list[bytes] = separators
        if not present.all():
            between = list(compress(separators, present.tolist()))
            values = values[present]
        parts = [b""] * (2 * len(between))
        parts[0::2] = between
        parts[1::2] = value_texts(values)
        samples = b"".join(parts)[_QUOTES_AROUND:]
        return b'{"metric":%b,"values":[%b"]]}' % (_labels(labels), samples)

    return write


@lru_cache(maxsize=4)
def _separators(times: bytes) -> list[bytes]:
    # The charts of a page are all of the same times.
    return [
        f'"],[{time_text(time_ms)},"'.encode()
        for time_ms in np.frombuffer(times, np.int64).tolist()
    ]


def _labels(labels: LabelSet) -> bytes:
    return orjson.dumps(dict(labels))
