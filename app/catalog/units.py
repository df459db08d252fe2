"""OpenTelemetry units back to CloudWatch's StandardUnit names.

Source: CloudWatch User Guide, metric streams, translation with OpenTelemetry 1.0.0 format. The odd
capitals of the bit units are AWS's.
"""

_STANDARD_UNITS = {
    "s": "Seconds",
    "us": "Microseconds",
    "ms": "Milliseconds",
    "By": "Bytes",
    "kBy": "Kilobytes",
    "MBy": "Megabytes",
    "GBy": "Gigabytes",
    "TBy": "Terabytes",
    "bit": "Bits",
    "kbit": "Kilobits",
    "MBit": "Megabits",
    "GBit": "Gigabits",
    "Tbit": "Terabits",
    "%": "Percent",
    "{Count}": "Count",
    "1": "None",
    "": "None",
}


def standard_unit(unit: str) -> str:
    """CloudWatch's name of a unit; rates are ``<unit>/Second``; unknown units stay as they are."""
    if unit in _STANDARD_UNITS:
        return _STANDARD_UNITS[unit]
    if unit.endswith("/s") and unit[:-2] in _STANDARD_UNITS:
        return f"{_STANDARD_UNITS[unit[:-2]]}/Second"
    return unit
