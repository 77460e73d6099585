"""A model hub on loopback that can be made to misbehave."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hub:
    """What it serves, how it fails, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    """Last part of the path → content; any other path is 404."""
    cuts: list[int] = field(default_factory=list)
    """For each of the next large answers: close after this many bytes."""
    tags: dict[str, str] = field(default_factory=dict)
    """Checksums to claim instead of the true ones."""
    honours_ranges: bool = True
    status: int = 0
    """Answer everything with this instead."""
    ranges: list[str] = field(default_factory=list)
    """Range headers received, empty where there was none."""
    url: str = ""

    def add(self, name: str, content: bytes) -> None:
        self.files[name] = content


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub, reachable at `hub.url`. As the real one does, it redirects to its storage."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            if hub.status:
                self.send_response(hub.status)
                self.end_headers()
            elif name not in hub.files:
                self.send_response(404)
                self.end_headers()
            elif self.path.startswith("/storage/"):
                self._send_file(name)
            else:
                self._redirect(name)

        def _redirect(self, name: str) -> None:
            tag = hub.tags.get(name) or hashlib.sha256(hub.files[name]).hexdigest()
            self.send_response(302)
            self.send_header("Location", f"/storage/{name}")
            self.send_header("X-Linked-Etag", f'"{tag}"')
            self.end_headers()

        def _send_file(self, name: str) -> None:
            content = hub.files[name]
            asked = self.headers.get("Range", "")
            hub.ranges.append(asked)
            match = re.fullmatch(r"bytes=(\d+)-", asked)
            start = int(match[1]) if match and hub.honours_ranges else 0
            if start >= len(content):
                self.send_response(416)
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            cut = hub.cuts.pop(0) if hub.cuts and len(content) > 10_000 else None
            self.wfile.write(content[start : None if cut is None else start + cut])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
