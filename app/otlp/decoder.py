"""Which decoder reads records: the native scanner where it was built, or the reference.

Both give the same columns and the same rejections; the scanner leaves to the reference what it
does not know.
"""

from enum import StrEnum

from app.errors import ConfigurationError
from app.telemetry import gauge

try:
    from app.otlp.scanner.json_lines import scan_lines
    from app.otlp.scanner.protobuf import scan_messages
    from app.otlp.scanner.table import KeyTable as NativeTable

    IS_BUILT = True
except ImportError:
    IS_BUILT = False


DECODER = gauge("decoder_info", "1 for the decoder that reads records", "decoder")


class Decoder(StrEnum):
    """What an operator can ask for."""

    AUTO = "auto"
    """The native scanner if it was built."""
    REFERENCE = "reference"
    NATIVE = "native"


def chosen(wanted: Decoder) -> Decoder:
    """``REFERENCE`` or ``NATIVE``. Raises ``ConfigurationError`` where there is no scanner."""
    if wanted is Decoder.AUTO:
        return Decoder.NATIVE if IS_BUILT else Decoder.REFERENCE
    if wanted is Decoder.NATIVE and not IS_BUILT:
        raise ConfigurationError(
            "decoder is native, but the native scanner was not built: install Hydrant again where"
            " there are Cython, a C compiler and Python's headers, or set HYDRANT_DECODER=auto"
        )
    return wanted


__all__ = ["IS_BUILT", "Decoder", "NativeTable", "chosen", "scan_lines", "scan_messages"]
