"""Rule files, and what is in force of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.errors import ERROR_RESPONSES
from app.api.json import json_response
from app.api.parameters import known_parameters_only
from app.rules import FileState, FileStatus


def rules_router(context: ApiContext) -> APIRouter:
    """The route of rule files."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["metrics"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get("/rules", summary="List rule files, their state and their rules")
    def list_rules(
        file: Annotated[str | None, Query(description="Path below the directory of rules")] = None,
        state: Annotated[FileState | None, Query()] = None,
    ) -> Response:
        files = [
            _described(status)
            for status in context.rules.files
            if file in (None, status.path) and state in (None, status.state)
        ]
        return json_response({"files": files})

    return router


def _described(status: FileStatus) -> dict[str, object]:
    version = status.version
    rules = version.file.rules if version else ()
    return {
        "file": status.path,
        "state": status.state.value,
        "error": str(status.error) if status.error else None,
        "loaded": version.loaded_ms if version else None,
        "hash": version.digest if version else None,
        "rules": [
            {"name": rule.name, "expression": rule.text, "rule": f"{status.path}:{rule.line}"}
            for rule in rules
        ],
    }
