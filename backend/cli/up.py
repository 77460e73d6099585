"""`frontdesk up`: everything, until Ctrl-C."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import typer

from backend.bot_process import BotProcess, Ready
from backend.cli.parts import ensure_parts
from backend.config import Settings
from backend.core.logs import configure_logging
from backend.core.patient_stream import PatientStream
from backend.parts.asterisk import ensure_asterisk
from backend.pbx.render import BOT_EXTENSION, STREAM_EXTENSION
from backend.pbx.rescue import rescue_calls
from backend.pbx.server import PbxServer
from backend.supervisor import Supervisor


async def run_up(settings: Settings, *, demo: bool, stop_after_demo: bool) -> None:
    """Set up, start, show, and watch until told to stop."""
    # A terminal that is not read must not keep the supervisor from a dead bot's callers.
    complaints = PatientStream(sys.stderr.fileno())
    terminal = PatientStream(sys.stdout.fileno())
    configure_logging(settings.log_level, settings.data_dir / "logs" / "supervisor.log", complaints)
    ensure_parts(settings, _progress)
    if demo:
        await asyncio.to_thread(_sample_data, settings)
    supervisor = _supervisor(settings, lambda sentence: terminal.write(f"{sentence}\n"))
    me = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: me and me.cancel())
    try:
        ready = await supervisor.start()
        _greet(settings, ready)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(supervisor.run())
            if demo:
                await _demo(settings)
                if stop_after_demo:
                    watching.cancel()
    except asyncio.CancelledError:
        typer.echo("\nStopping …")
    finally:
        await supervisor.stop()


def _supervisor(settings: Settings, tell: Callable[[str], object]) -> Supervisor:
    bot = BotProcess(os.environ)
    if settings.pbx == "external":
        return Supervisor(bot, None, None, tell)
    program = ensure_asterisk(settings.data_dir, _progress, settings.asterisk)
    pbx = PbxServer(settings, program)
    return Supervisor(bot, pbx, lambda: rescue_calls(settings, pbx.secrets), tell)


def _greet(settings: Settings, ready: Ready) -> None:
    typer.echo("Frontdesk takes calls.")
    if settings.pbx == "own":
        where = f"{settings.sip_host}:{settings.sip_port}"
        typer.echo(f"  Dial      sip:{STREAM_EXTENSION}@{where}   ({BOT_EXTENSION}: in turns)")
        typer.echo("  Softphone `frontdesk pbx account` shows how to register one")
    typer.echo(f"  Dashboard {ready.url}")
    if ready.one_time_password:
        typer.echo(
            f"  Sign in   owner / {ready.one_time_password}   (once; you choose your own then)"
        )
    for note in ready.notes:
        typer.echo(f"  Note      {note}")
    command = "frontdesk" if shutil.which("frontdesk") else ".venv/bin/frontdesk"
    typer.echo(f"  Try       {command} call --say 'what are your opening hours' --say goodbye")
    typer.echo("  Ctrl-C stops everything.")


async def _demo(settings: Settings) -> None:
    from backend.cli.call import DEMO_STEPS, run_call

    typer.echo("\nThe sample call:")
    with suppress(asyncio.CancelledError):
        await run_call(settings, STREAM_EXTENSION, DEMO_STEPS, quiet=True)


def _sample_data(settings: Settings) -> None:
    """The sample caller needs an account; a database with data is left alone."""
    from backend.db.init import initialise

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    initialise(settings.db_url, datetime.now(UTC).date())


def _progress(sentence: str) -> None:
    typer.echo(sentence, file=sys.stderr)
