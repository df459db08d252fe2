"""What the OpenAPI description says of keys and tokens."""

from typing import Any

from fastapi import FastAPI

from app.api.paths import DELIVERY_PATHS, FIREHOSE_PATH, OPEN_PATHS

_SCHEMES: dict[str, dict[str, str]] = {
    "readToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "One of HYDRANT_READ_TOKENS; not needed where none is configured",
    },
    "readTokenAsPassword": {
        "type": "http",
        "scheme": "basic",
        "description": "One of HYDRANT_READ_TOKENS as the password, whatever the user's name",
    },
    "operatorToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "One of HYDRANT_OPERATOR_TOKENS; without any only this machine may",
    },
    "operatorTokenAsPassword": {
        "type": "http",
        "scheme": "basic",
        "description": "One of HYDRANT_OPERATOR_TOKENS as the password, whatever the user's name",
    },
    "firehoseAccessKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Amz-Firehose-Access-Key",
        "description": "One of HYDRANT_ACCESS_KEYS",
    },
    "accessKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "One of HYDRANT_ACCESS_KEYS",
    },
}
_Security = list[dict[str, list[str]]]
_READS: _Security = [{"readToken": []}, {"readTokenAsPassword": []}]
_CHANGES: _Security = [{"operatorToken": []}, {"operatorTokenAsPassword": []}]
_DELIVERIES: dict[str, _Security] = {FIREHOSE_PATH: [{"firehoseAccessKey": []}]}
_OTHER_DELIVERIES: _Security = [{"accessKey": []}, {"firehoseAccessKey": []}]


def describe_security(application: FastAPI) -> None:
    """Say which key or token each path needs, as ``ReadAccess`` and the delivery routes check."""
    undescribed = application.openapi

    def described() -> dict[str, Any]:
        document = undescribed()
        document.setdefault("components", {})["securitySchemes"] = _SCHEMES
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                operation["security"] = _security(path, method)
        return document

    application.openapi = described  # type: ignore[method-assign]


def _security(path: str, method: str) -> _Security:
    if path in OPEN_PATHS:
        return []
    if path in DELIVERY_PATHS:
        return _DELIVERIES.get(path, _OTHER_DELIVERIES)
    return _READS if method == "get" else _CHANGES
