from app.otlp.batch import BatchBuilder
from app.otlp.scan import Scan
from app.otlp.scanner.table import KeyTable

def scan_lines(
    table: KeyTable,
    record: bytes,
    position: int,
    told_until: int,
    allowed: bytes | None,
    into: BatchBuilder,
) -> Scan: ...
