"""``GET /assets/{digest}/{path}``: files that never change under their URL."""

from fastapi import APIRouter, Request, Response

from app.api.prometheus.sending import takes_gzip
from app.errors import NotFound
from app.web.asset_files import AssetFiles

_FOR_EVER = "public, max-age=31536000, immutable"


def add_assets(router: APIRouter, assets: AssetFiles) -> None:
    """Add the route. It needs no token: there is no data in it, and the sign-in page loads it."""

    @router.get("/assets/{digest}/{path:path}", include_in_schema=False)
    async def read_asset(request: Request, digest: str, path: str) -> Response:
        # All of it is in memory: a thread would take longer than the answer.
        asset = assets.find(path)
        if asset is None:
            raise NotFound(f"there is no file {path} among the assets")
        # A page of another release may still ask; what it gets must not stay under that name.
        headers = {
            "Cache-Control": _FOR_EVER if digest == assets.digest else "no-store",
            "Vary": "Accept-Encoding",
        }
        if takes_gzip(request):
            headers["Content-Encoding"] = "gzip"
            return Response(asset.compressed, headers=headers, media_type=asset.media_type)
        return Response(asset.content, headers=headers, media_type=asset.media_type)
