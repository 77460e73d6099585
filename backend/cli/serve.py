"""`frontdesk serve`: the bot, alone in its process."""

import asyncio
import ctypes
import signal
import sys
from contextlib import suppress

from backend.app import App
from backend.bot_process import Heart, Ready
from backend.cli.console import show_conversations
from backend.config import Settings
from backend.core.logs import configure_logging
from backend.core.patient_stream import PatientStream

_PR_SET_PDEATHSIG = 1


async def run_serve(settings: Settings, ready_fd: int | None) -> None:
    """Run until SIGTERM or SIGINT. With `ready_fd`, end with the supervisor that gave it."""
    terminal = PatientStream(sys.stderr.fileno())
    configure_logging(settings.log_level, settings.data_dir / "logs" / "bot.log", terminal)
    if ready_fd is not None:
        _end_with_parent()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = App(settings)
    show_conversations(app.events, PatientStream(sys.stdout.fileno()))
    try:
        await app.start()
        ready = Ready(app.url, app.one_time_password, tuple(app.notes))
        heart = asyncio.create_task(Heart(ready_fd).beat(ready)) if ready_fd is not None else None
        await stop.wait()
        if heart is not None:
            heart.cancel()
    finally:
        await app.stop()


def _end_with_parent() -> None:
    """Have the kernel send us SIGTERM when the supervisor dies, however it dies."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
