"""A Firehose as real as the reference describes, with a seeded DynamoDB account behind it.

Independent of the server on purpose: it shares no decoder, no protobuf class and no arithmetic
with the code that it tests.
"""

from app.simulator.account import AccountModel
from app.simulator.points import Point, Series
from app.simulator.records import Format, encode_records

__all__ = ["AccountModel", "Format", "Point", "Series", "encode_records"]
