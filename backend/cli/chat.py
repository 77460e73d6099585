"""`frontdesk chat`: the agent on the terminal."""

import asyncio
import sys
from datetime import UTC, datetime

import typer

from backend.app import App
from backend.config import Settings
from backend.core.ids import new_call_id
from backend.core.logs import configure_logging
from backend.telephony.text import TextLine


async def run_chat(settings: Settings) -> None:
    """Until one side says goodbye; Ctrl-D hangs up. Kept as a call like any other."""
    configure_logging(settings.log_level, settings.data_dir / "logs" / "chat.log")
    app = App(settings)
    await app.start_for_text()
    try:
        line = TextLine(new_call_id(datetime.now(UTC)), _ask, _tell, caller="chat")
        await app.center.take(line)
    finally:
        await app.stop()


async def _ask() -> str | None:
    if sys.stdin.isatty():
        sys.stdout.write("  you: ")
        sys.stdout.flush()
    # A thread, since a terminal cannot be read without blocking; it ends with the process.
    typed = await asyncio.to_thread(sys.stdin.readline)
    return typed or None


def _tell(sentence: str) -> None:
    typer.echo(f"  bot: {sentence}")
