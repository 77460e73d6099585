"""The pages' styles, scripts and libraries: read and compressed once, served from memory."""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

FOR_EVER = "public, max-age=31536000, immutable"
SMALL_BYTES = 512
"""Compressing less than this saves no packet."""
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""What Windows' registry or a minimal system's mime.types must not decide."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, as it is sent."""

    content: bytes
    gzipped: bytes | None
    """None where it would not be shorter."""
    media_type: str


class StaticFiles:
    """Everything in a folder, under addresses that change when anything in it does.

    One version for all files, in the path: whatever a script imports or a style sheet refers to
    by a relative address has the version, too. Other versions are served, but not kept: a page
    from before an update may still ask. Reads and compresses everything when it is made.
    """

    def __init__(self, folder: Path, prefix: str = "/static") -> None:
        self.app = Router([Route("/{path:path}", self._answer)])
        """To be mounted at `prefix`."""
        self._prefix = prefix
        self._files = {name: _load(path) for name, path in _names(folder)}
        digest = hashlib.sha256()
        for name, file in sorted(self._files.items()):
            digest.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
        self._version = digest.hexdigest()[:12]

    def has(self, name: str) -> bool:
        """Whether the file is there; libraries (`lib/…`) may not have been fetched."""
        return name in self._files

    def url(self, name: str) -> str:
        """Its address. Raises KeyError when it is not there."""
        if name not in self._files:
            raise KeyError(f"dashboard/static has no {name}")
        return f"{self._prefix}/{self._version}/{name}"

    async def _answer(self, request: Request) -> Response:
        version, _, name = request.path_params["path"].partition("/")
        is_current = version == self._version
        file = self._files.get(name) or self._files.get(request.path_params["path"])
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        headers = {
            "cache-control": FOR_EVER if is_current else "no-cache",
            "etag": f'W/"{self._version}"',
            "vary": "accept-encoding",
        }
        if f'"{self._version}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        body = file.content
        if file.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body = file.gzipped
            headers["content-encoding"] = "gzip"
        return Response(body, media_type=file.media_type, headers=headers)


def _names(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in name.split("/")):
            yield name, path


def _load(path: Path) -> StaticFile:
    content = path.read_bytes()
    # No date in the header: the same file is the same bytes.
    gzipped = gzip.compress(content, mtime=0) if len(content) > SMALL_BYTES else content
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(
        content,
        gzipped if len(gzipped) < len(content) else None,
        _TYPES.get(path.suffix, guessed),
    )
