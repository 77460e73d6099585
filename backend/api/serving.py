"""The API and the pages on a port, in the bot's own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from backend.api.live_feed import LiveFeed
from backend.core.errors import ConfigError

STOP_S = 3
"""How long open requests may take when we stop."""

MOST_SOCKET_BYTES = 512 * 1024
"""The longest message of a websocket; a second of audio is less."""


class WebServer:
    """Uvicorn without its signal handlers: stopping is the composition root's business."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        feed: LiveFeed = app.state.feed
        self._end_streams = feed.close
        self._host = host
        self._port = port
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=STOP_S,
                ws="websockets-sansio",
                ws_max_size=MOST_SOCKET_BYTES,
                ws_per_message_deflate=False,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Serve; returns the port. Raises ConfigError when it cannot be had."""
        listener = _listen(self._host, self._port)
        self._task = asyncio.ensure_future(self._server.serve(sockets=[listener]))
        return int(listener.getsockname()[1])

    async def aclose(self) -> None:
        """Let open requests end, then stop. Who follows calls would never end by themselves."""
        self._end_streams()
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"The dashboard cannot use {host}:{port}: {error.strerror}.",
            fix="Stop what uses it, or set FRONTDESK_WEB_PORT (or FRONTDESK_WEB_HOST).",
        ) from error
    listener.setblocking(False)
    return listener
