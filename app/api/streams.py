"""What is known of each metric stream, and what is wrong with it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.errors import ERROR_RESPONSES
from app.api.json import json_response
from app.api.parameters import known_parameters_only
from app.streams import (
    Aspect,
    Part,
    RefusedKey,
    StreamCounts,
    StreamKey,
    StreamWarning,
    gaps,
    points_per_minute,
    usual_interval_ms,
)


def streams_router(context: ApiContext) -> APIRouter:
    """The route of streams."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["streams"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get("/streams", summary="List metric streams, how they flow, and their warnings")
    def list_streams(
        account: Annotated[str | None, Query(description="Source of the metrics")] = None,
        region: Annotated[str | None, Query(description="Such as eu-west-1")] = None,
        limit: Annotated[int, Query(ge=1, le=10_000, description="Most streams answered")] = 1_000,
    ) -> Response:
        report = context.streams.report(account=account, region=region)
        now_ms = context.clock.now_ms()
        warnings: dict[StreamKey, list[StreamWarning]] = {}
        for warning in report.warnings:
            warnings.setdefault(warning.key, []).append(warning)
        # Those with warnings first, so that no limit cuts them off.
        ordered = sorted(report.streams, key=lambda counts: counts.key not in warnings)
        items = [
            _described(counts, report.refused, warnings.get(counts.key, []), now_ms)
            for counts in ordered[:limit]
        ]
        refused = [_refused(key, part) for key, part in sorted(report.refused.items())]
        return json_response(
            {
                "now": now_ms,
                "total": len(report.streams),
                "streams": items,
                "refused_requests": refused,
                "warnings": [
                    {**_place(warning.key), **_warning(warning)} for warning in report.warnings
                ],
            }
        )

    return router


def _described(
    counts: StreamCounts,
    refused: dict[RefusedKey, Part],
    warnings: list[StreamWarning],
    now_ms: int,
) -> dict[str, object]:
    formats = counts.of(Aspect.FORMAT)
    usual = usual_interval_ms(counts)
    return {
        **_place(counts.key),
        "name": counts.key.stream.rpartition("/")[2],
        "source": counts.source,
        "first_seen": counts.first_seen_ms,
        "last_received": counts.last_received_ms or None,
        "last_request": counts.last_request_ms,
        "last_point": counts.newest_ms or None,
        "lag_seconds": _seconds(counts.lag_ms),
        "max_lag_seconds": _seconds(
            max((w.lag_ms for w in counts.windows.values()), default=0)
            if counts.newest_end_ms
            else None
        ),
        "usual_interval_seconds": _seconds(usual),
        "gaps": [{"start": gap.start_ms, "end": gap.end_ms} for gap in gaps(counts)],
        "points": counts.points,
        "points_per_minute": points_per_minute(counts, now_ms),
        "format": max(formats, key=lambda name: (formats[name].last_ms, formats[name].since_ms))
        if formats
        else None,
        "formats": _parts(formats),
        "labels": _parts(counts.of(Aspect.LABELS)),
        "namespaces": _parts(counts.of(Aspect.NAMESPACE)),
        "requests": counts.requests,
        "duplicates": counts.duplicates,
        "request_bytes": {
            "last": counts.last_request_bytes,
            "max": counts.largest_request_bytes,
            "average": counts.request_bytes / counts.requests if counts.requests else None,
        },
        "records": counts.records,
        "rejected_records": counts.rejected_records,
        "rejections": _parts(counts.of(Aspect.REJECTION)),
        "refused_requests": sum(
            part.occurrences
            for key, part in refused.items()
            if counts.source and key.source == counts.source
        ),
        "warnings": [_warning(warning) for warning in warnings],
    }


def _place(key: StreamKey) -> dict[str, object]:
    return dict(key._asdict())


def _parts(parts: dict[str, Part]) -> dict[str, object]:
    return {
        name: {"since": part.since_ms, "last": part.last_ms, "count": part.occurrences}
        for name, part in sorted(parts.items())
    }


def _refused(key: RefusedKey, part: Part) -> dict[str, object]:
    return {
        **key._asdict(),
        "since": part.since_ms,
        "last": part.last_ms,
        "count": part.occurrences,
    }


def _warning(warning: StreamWarning) -> dict[str, object]:
    described: dict[str, object] = {
        "kind": warning.kind.value,
        "since": warning.since_ms,
        "message": warning.message,
    }
    return described | ({"subject": warning.subject} if warning.subject else {})


def _seconds(length_ms: int | None) -> float | None:
    return None if length_ms is None else length_ms / 1000
