"""The project's own Asterisk: started, watched, stopped."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import IO

import structlog

from backend.config import Settings
from backend.core.errors import PbxError
from backend.parts.program import Program
from backend.pbx import orphan, probe, render
from backend.pbx.folders import prepare_run
from backend.pbx.layout import layout_of
from backend.pbx.secrets_file import PbxSecrets, load_secrets

log = structlog.get_logger(__name__)

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0


class PbxServer:
    """One Asterisk on the settings' ports, its files under `<data_dir>/pbx`.

    `start` and `stop` may be called again and again. When Asterisk exits by itself, `wait`
    returns; starting it anew is the owner's decision.
    """

    def __init__(self, settings: Settings, program: Program) -> None:
        self.settings = settings
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._lock: IO[str] | None = None

    @property
    def secrets(self) -> PbxSecrets:
        """Passwords of its SIP accounts, ARI and AMI."""
        return load_secrets(render.run_folder(self.settings), render.account_names(self.settings))

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Return when SIP calls are answered. Raises PbxError."""
        if self.pid is not None:
            return
        began = time.monotonic()
        folder = render.run_folder(self.settings)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.stop)  # never leave a half-started PBX
            self._take(folder)
            layout = layout_of(self._program)
            conf = await asyncio.to_thread(prepare_run, self.settings, self.secrets, layout)
            await orphan.stop(conf)
            probe.require_free(probe.listeners(self.settings))
            self._process = await self._spawn(conf, folder / "log")
            await self._until_ready(folder / "log")
            undo.pop_all()
        log.info("pbx-started", pid=self.pid, seconds=round(time.monotonic() - began, 3))

    async def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL. Calls in progress are hung up."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                log.warning("pbx-killed", pid=process.pid)
                process.kill()
                await process.wait()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def wait(self) -> int:
        """Exit status once Asterisk has exited (negative: the signal that ended it)."""
        if self._process is None:
            raise PbxError("Asterisk is not running.")
        return await self._process.wait()

    async def answers(self, timeout_s: float = 2.0) -> bool:
        """Whether it takes calls right now; a PBX that hangs does not."""
        return await probe.answers(self.settings, timeout_s)

    def _take(self, folder: Path) -> None:
        """One owner for the folder; the kernel gives it back if we are killed."""
        if self._lock is not None:  # started again after Asterisk exited by itself
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise PbxError(
                f"Another Frontdesk (process {holder or '?'}) runs the PBX in {folder}.",
                fix="Stop it, or set FRONTDESK_DATA_DIR to another folder for this one.",
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    async def _spawn(self, conf: Path, logs: Path) -> asyncio.subprocess.Process:
        for name in ("messages.log", "console.log"):
            with contextlib.suppress(FileNotFoundError):
                (logs / name).replace(logs / f"{name}.1")
        with (logs / "console.log").open("wb") as console:
            return await asyncio.create_subprocess_exec(
                *_dies_with_us(),
                *self._program.command,
                *("-f", "-n", "-C", str(conf)),
                env=self._program.environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                # Ctrl-C in the terminal is for us: we end calls first, then Asterisk.
                start_new_session=True,
            )

    async def _until_ready(self, logs: Path) -> None:
        ready = asyncio.create_task(probe.sip_answers(self.settings))
        ended = asyncio.create_task(self.wait())
        try:
            await asyncio.wait(
                (ready, ended), timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not ready.done():
                why = f"stopped with status {ended.result()}" if ended.done() else "does not answer"
                raise PbxError(f"Asterisk {why}. {_last_words(logs)}", fix=f"See {logs}.")
            await ready
        finally:
            for task in (ready, ended):
                task.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)


def _dies_with_us() -> tuple[str, ...]:
    """Have the kernel end Asterisk when our process ends, however it ends.

    `setpriv` (util-linux) sets it between fork and exec, where Python code must not run. Where it
    is missing, the next start still finds and stops the orphan. To the kernel "our process" is
    the thread that called `start`: call it from one that lasts.
    """
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()


def _last_words(logs: Path) -> str:
    """The first error Asterisk wrote, which causes the others; or else what it said last."""
    lines: list[str] = []
    for name in ("console.log", "messages.log"):
        with contextlib.suppress(OSError):
            text = (logs / name).read_text(encoding="utf-8", errors="replace")
            lines += [stripped for line in text.splitlines() if (stripped := line.strip())]
    errors = [line for line in lines if "ERROR" in line]
    said = errors[:1] or lines[-1:]
    return f"It says: {said[0]}." if said else "It says nothing."
