"""One file from the model hub: resumed, verified, and never half there under its own name."""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx
import structlog

from backend.core.errors import ModelError

log = structlog.get_logger(__name__)

HUB_URL = "https://huggingface.co"
"""Where models come from, unless the environment's HF_ENDPOINT names a mirror."""

ATTEMPTS = 5
"""Connections cut in a row without a byte gained before we give up."""
FIRST_PAUSE_S = 1.0
READ_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10.0
SPARE_BYTES = 200 * 1000 * 1000
"""Left free on the disk: calls must still be recorded while a model arrives."""

FileProgress = Callable[[int, int], None]
"""Bytes of this file so far, and in all."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def hub_url() -> str:
    """The hub's base URL, from HF_ENDPOINT as the hub's own tools read it."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or HUB_URL


@dataclass(frozen=True, slots=True)
class _Promise:
    """What the server says the whole file is."""

    size: int | None
    sha256: str | None
    begins_at: int


class _Cut(Exception):  # noqa: N818 - a state to go on from, not yet an error
    """The connection ended before the file did."""


_HOPELESS = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""What a second attempt would only repeat."""


class Downloader:
    """A session with the hub. Blocking: it is a command's work, never a call's."""

    def __init__(self, hub: str, *, embedded: str, pause: Callable[[float], None]) -> None:
        """`embedded` is the engine that goes on without the model, for the error's sentence."""
        self._hub = hub.rstrip("/")
        self._embedded = embedded
        self._pause = pause
        timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        # Compressed answers have no honest Content-Length, and ranges count compressed bytes.
        headers = {"Accept-Encoding": "identity", "User-Agent": "frontdesk"}
        self._client = httpx.Client(timeout=timeout, headers=headers, follow_redirects=True)

    def __enter__(self) -> "Downloader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def fetch(self, repository: str, path: str, target: Path, progress: FileProgress) -> None:
        """Bring a file to `target`, through `<target>.partial`. Raises ModelError.

        A cut connection is taken up again; what came so far stays for the next attempt.
        """
        url = f"{self._hub}/{repository}/resolve/main/{path}"
        partial = target.with_name(f"{target.name}.partial")
        failures = 0
        while True:
            before = _size(partial)
            try:
                promise = self._receive(url, partial, progress)
                break
            except _HOPELESS as error:
                raise self._unreachable(error, _size(partial)) from error
            except (_Cut, httpx.RequestError) as error:
                failures = 1 if _size(partial) > before else failures + 1
                if failures >= ATTEMPTS:
                    raise self._unreachable(error, _size(partial)) from error
                log.info("model-download-cut", file=target.name, bytes=_size(partial))
                self._pause(FIRST_PAUSE_S * 2 ** (failures - 1))
        _verify(partial, promise)
        partial.replace(target)

    def _receive(self, url: str, partial: Path, progress: FileProgress) -> _Promise:
        have = _size(partial)
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._client.stream("GET", url, headers=headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                # As long as the file, or longer: the whole of it is asked for again.
                partial.unlink()
                raise _Cut("the server no longer has this range")
            self._refuse(response)
            promise = _promise(response)
            if promise.begins_at not in (0, have):
                raise ModelError(f"The model hub sent another part of {partial.stem} than asked.")
            _check_room(partial, promise)
            self._write(response, partial, promise, progress)
        return promise

    def _write(
        self, response: httpx.Response, partial: Path, promise: _Promise, progress: FileProgress
    ) -> None:
        done = promise.begins_at
        try:
            with partial.open("r+b" if done else "wb") as file:
                file.seek(done)
                for chunk in response.iter_raw():
                    file.write(chunk)
                    done += len(chunk)
                    progress(done, promise.size or done)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            # Calls need the room more than the next attempt needs the beginning.
            partial.unlink(missing_ok=True)
            raise ModelError(
                f"The disk became full while {partial.stem} was being fetched.",
                fix="What had come was deleted. Free some space and fetch the model again.",
            ) from error
        if promise.size is not None and done < promise.size:
            raise _Cut(f"{done} of {promise.size} bytes came")

    def _refuse(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            return
        if status == httpx.codes.NOT_FOUND:
            raise ModelError(
                f"{self._hub} does not have {response.request.url.path}.",
                fix="If HF_ENDPOINT names a mirror, does it carry this model?",
            )
        raise ModelError(
            f"{self._hub} refuses the download (HTTP {status}); "
            f"Frontdesk goes on with {self._embedded}.",
            fix="Try again later, or name a mirror in HF_ENDPOINT.",
        )

    def _unreachable(self, error: Exception, have: int) -> ModelError:
        kept = f" {have / 1e6:.0f} MB are kept; fetch again to go on." if have else ""
        return ModelError(
            f"{self._hub} cannot be reached from here ({_in_one_line(error)}); "
            f"Frontdesk goes on with {self._embedded}.{kept}"
        )


def _promise(response: httpx.Response) -> _Promise:
    """The hub redirects to its storage; the checksum and the size stand on either answer."""
    answers = [*response.history, response]
    tags = [
        answer.headers.get(header, "").removeprefix("W/").strip('"').lower()
        for answer in answers
        for header in ("X-Linked-Etag", "ETag")
    ]
    sha256 = next((tag for tag in tags if _SHA256.fullmatch(tag)), None)
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        # "bytes 100-999/1000"; the total may be "*".
        content_range = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", content_range.strip())
        if match is None:
            raise ModelError(f"The model hub sent a range that cannot be read: {content_range!r}.")
        size = None if match[2] == "*" else int(match[2])
        return _Promise(size, sha256, int(match[1]))
    length = response.headers.get("Content-Length", "")
    return _Promise(int(length) if length.isdigit() else None, sha256, 0)


def _check_room(partial: Path, promise: _Promise) -> None:
    if promise.size is None:
        return
    missing = promise.size - promise.begins_at
    room = shutil.disk_usage(partial.parent).free - SPARE_BYTES
    if missing > room:
        raise ModelError(
            f"{partial.stem} needs {missing / 1e6:.0f} MB and the disk has "
            f"{max(0, room) / 1e6:.0f} MB to spare.",
            fix=f"Free some space under {partial.parent.parent}.",
        )


def _verify(partial: Path, promise: _Promise) -> None:
    """Raises ModelError, and deletes what came, when it is not what was promised."""
    size = _size(partial)
    if promise.size is not None and size != promise.size:
        reason = f"it has {size} bytes instead of {promise.size}"
    elif promise.sha256 is not None and _sha256(partial) != promise.sha256:
        reason = "its checksum is wrong"
    else:
        return
    partial.unlink()
    raise ModelError(
        f"{partial.stem} arrived damaged ({reason}) and was deleted.", fix="Fetch it again."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
