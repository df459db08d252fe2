"""What Firehose left in S3: from files and objects to records of bytes.

Failed records are JSON objects with the record in base64, all-data objects are records run
together; either may be compressed (AWS Firehose guide, Amazon S3 backup). Knows nothing of the
database.
"""

from app.backup.content import Content, UnreadableObject
from app.backup.cuts import Cut
from app.backup.entries import Entry, open_entries
from app.backup.failed_records import failed_records_of
from app.backup.object_times import arrivals
from app.backup.pieces import Piece, read_pieces
from app.backup.places import BackupObject, find_objects

__all__ = [
    "BackupObject",
    "Content",
    "Cut",
    "Entry",
    "Piece",
    "UnreadableObject",
    "arrivals",
    "failed_records_of",
    "find_objects",
    "open_entries",
    "read_pieces",
]
