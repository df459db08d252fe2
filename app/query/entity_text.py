"""Entities as people read them."""

from collections.abc import Mapping
from typing import Any


def entity_text(parts: Mapping[str, Any]) -> str:
    """The name of an entity, given by its parts; those that are missing or empty are left out.

    A relation reads ``shop / pod-1 → stock / pod-9 (SERVER)``.
    """
    source = _joined(parts, "service", "instance", "process", "endpoint", "region")
    destination = _joined(parts, "dest_service", "dest_instance", "dest_process")
    if not destination:
        return source
    seen_from = parts.get("detect_point")
    return f"{source} → {destination}" + (f" ({seen_from})" if seen_from else "")


def _joined(parts: Mapping[str, Any], *names: str) -> str:
    return " / ".join(parts[name] for name in names if parts.get(name))
