"""A whole Frontdesk as its user starts it (`frontdesk up`), for tests that call it."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from backend.config import PREFIX, ROOT, Settings
from backend.parts.finder import ensure
from backend.pbx.render import run_folder
from backend.pbx.secrets_file import load_secrets
from backend.phone.phone import Phone
from backend.phone.script import Listening, Record, Say, Step, converse, render
from backend.tts.flite import Flite
from tests.support.pbx import PARTS_HOME, asterisk, pbx_settings

READY = "Frontdesk takes calls."
READY_S = 90.0
RATE_HZ = 8000
_callers = itertools.count(2345000)
"""None of the sample customers', who have called already."""


@dataclass
class Frontdesk:
    """A running `frontdesk up` and the ways to look at it."""

    settings: Settings
    process: "subprocess.Popen[str]"
    api: httpx.Client
    environment: dict[str, str]
    output: list[str] = field(default_factory=list)

    @property
    def sip_uri(self) -> str:
        return self.uri("100")

    def uri(self, extension: str) -> str:
        """Where a telephone dials that extension."""
        return f"sip:{extension}@127.0.0.1:{self.settings.sip_port}"

    def get(self, path: str, **query: Any) -> Any:
        """A GET of the API, as an API key with the viewer's role sees it."""
        answer = self.api.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def has_ended(self, caller: str) -> bool:
        """Whether that caller's newest call is known here, and over."""
        calls = self.get("/api/calls", caller=caller)["items"]
        return bool(calls) and calls[0]["ended_at"] is not None

    def call_of(self, caller: str) -> dict[str, Any]:
        """The newest call of that caller with turns, events and tickets."""
        (call, *_) = self.get("/api/calls", caller=caller)["items"]
        detail: dict[str, Any] = self.get(f"/api/calls/{call['id']}")
        return detail

    def bot_pid(self) -> int:
        """Process id of the bot, the supervisor's child."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in map(int, children.read_text().split()):
            if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
        raise AssertionError("no bot is running")


@dataclass
class Talk:
    """One finished call as both ends know it."""

    records: list[Record]
    call: dict[str, Any]

    @property
    def bot(self) -> str:
        """Everything the bot said, in lower case."""
        return " ".join(t["text"] for t in self.call["turns"] if t["who"] == "bot").lower()

    @property
    def caller(self) -> list[str]:
        """What the bot understood, turn by turn."""
        return [
            t["text"] or t["digits"] or t["kind"]
            for t in self.call["turns"]
            if t["who"] == "caller"
        ]

    @property
    def intents(self) -> list[str]:
        """Intents understood, in order."""
        return [t["intent"] for t in self.call["turns"] if t["who"] == "bot" and t["intent"]]

    @property
    def tickets(self) -> list[dict[str, Any]]:
        """Tickets opened in the call."""
        return list(self.call["tickets"])


@contextmanager
def running_frontdesk(folder: Path, *, seed: bool = True, **changes: Any) -> Iterator[Frontdesk]:
    """`frontdesk up` on free ports, with sample data; stopped with Ctrl-C's signal."""
    settings = pbx_settings(folder, **changes)
    environment = environment_of(settings)
    asterisk()  # unpacked once for all test runs
    (folder / "parts").symlink_to(PARTS_HOME / "parts")
    command = [sys.executable, "-m", "backend"]
    if seed:
        subprocess.run([*command, "db", "init"], env=environment, cwd=ROOT, check=True)
    key = subprocess.run(
        [*command, "users", "key", "tests"],
        env=environment,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    process = subprocess.Popen(
        [*command, "up"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    api = httpx.Client(
        base_url=f"http://127.0.0.1:{settings.web_port}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=10,
    )
    frontdesk = Frontdesk(settings, process, api, environment)
    ready = threading.Event()
    # All of it is read as it comes: who cannot write to the terminal stops.
    reading = threading.Thread(target=_read, args=(frontdesk, ready))
    reading.start()
    try:
        if not ready.wait(READY_S):
            raise AssertionError("frontdesk up is not ready:\n" + "\n".join(frontdesk.output))
        yield frontdesk
    finally:
        api.close()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        reading.join()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that gives a process these settings."""
    given = {
        f"{PREFIX}{name.upper()}": ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in settings.model_dump().items()
        if name in settings.model_fields_set
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | given | {"PYTHONUNBUFFERED": "1"}


def _read(frontdesk: Frontdesk, ready: threading.Event) -> None:
    assert frontdesk.process.stdout is not None
    with frontdesk.process.stdout as lines:
        for line in lines:
            frontdesk.output.append(line.rstrip())
            if READY in line:
                ready.set()


async def spoken(text: str, voice: str = "rms") -> Any:
    """Speech of a caller at the telephone's rate."""
    program = ensure("flite", PARTS_HOME, print)
    flite = Flite(voice, command=program.command, env=program.env)
    try:
        (pcm,) = [chunk async for chunk in flite.speak(text, RATE_HZ)]
        return pcm
    finally:
        await flite.aclose()


def ari(frontdesk: Frontdesk, path: str) -> Any:
    """What Asterisk says of itself. Raises httpx.HTTPError while it does not answer."""
    password = load_secrets(run_folder(frontdesk.settings), []).ari
    url = f"http://127.0.0.1:{frontdesk.settings.ari_port}/ari/{path}"
    answer = httpx.get(url, auth=("frontdesk", password))
    answer.raise_for_status()
    return answer.json()


def next_caller() -> str:
    """A caller's number nobody has called from yet."""
    return str(next(_callers))


async def hold_call(
    frontdesk: Frontdesk,
    phone: Phone,
    steps: Sequence[Step | str],
    *,
    voice: str = "rms",
    caller: str = "",
    extension: str = "100",
    listening: Listening | None = None,
) -> Talk:
    """Call, go through the steps (a string is said), and look the call up afterwards."""
    caller = caller or next_caller()
    asked = [Say(step) if isinstance(step, str) else step for step in steps]
    ready = await render(asked, lambda text: spoken(text, voice))
    call = await phone.dial(frontdesk.uri(extension), caller=caller)
    patience = listening or Listening(quiet_s=1.0, patience_s=12)
    records = [record async for record in converse(call, ready, listening=patience)]
    detail = await asyncio.to_thread(_ended_call, frontdesk, caller)
    return Talk(records, detail)


def talk(frontdesk: Frontdesk, *steps: Step | str, **options: Any) -> Talk:
    """One call in a loop of its own."""

    async def held() -> Talk:
        async with Phone() as phone:
            return await hold_call(frontdesk, phone, steps, **options)

    return asyncio.run(held())


def _ended_call(frontdesk: Frontdesk, caller: str, tries: int = 100) -> dict[str, Any]:
    """The call once its end is stored: the bot hears of a hang-up a moment after the phone."""
    import time

    for _ in range(tries):
        call = frontdesk.call_of(caller)
        if call["ended_at"] is not None:
            return call
        time.sleep(0.1)
    raise AssertionError(f"the call of {caller} never ended")
