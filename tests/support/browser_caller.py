"""Somebody who calls from a browser: its microphone is a WAV file, and what it plays is kept."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from backend.asr.base import Vocabulary
from backend.asr.pocketsphinx import PocketSphinx
from backend.audio.pcm import Pcm
from backend.audio.resample import resample
from backend.audio.wav import write_wav
from backend.core.speech import OPEN_QUESTION
from backend.db.database import Database
from backend.db.models import Role
from backend.db.queries import accounts
from backend.db.store import Store
from tests.support.browser import running_chromium
from tests.support.office import _HASH, PASSWORD, run_aside

RATE_HZ = 8000
MICROPHONE_HZ = 48000
CALLING = ["--allow-loopback-in-peer-connection", "--use-fake-device-for-media-stream"]
ALLOWED = "--use-fake-ui-for-media-stream"
HEARING = """
window.heard = [];
window.tap = (node) => {
  const tape = node.context.createScriptProcessor(2048, 1, 1);
  tape.onaudioprocess = ({ inputBuffer }) => heard.push(inputBuffer.getChannelData(0).slice());
  plug.call(node, tape);
  plug.call(tape, node.context.destination);
};
const plug = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to instanceof AudioDestinationNode && this.context.sampleRate === 8000) tap(this);
  return plug.call(this, to, ...rest);
};
window.tapElement = (element) => {
  const context = new AudioContext({ sampleRate: 8000 });
  tap(context.createMediaStreamSource(element.srcObject));
};
window.takeHeard = () => {
  const pcm = Int16Array.from(heard.flatMap((part) => Array.from(part)), (x) => x * 32767);
  heard.length = 0;
  const bytes = new Uint8Array(pcm.buffer);
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
};
"""
"""Everything played at the telephone's rate is kept; what an audio element plays, when asked to."""


def microphone(path: Path, *parts: Pcm | float) -> Path:
    """What the microphone gives once it is opened: speech at 8 kHz, pauses in seconds."""
    pieces = [
        np.zeros(round(part * RATE_HZ), dtype=np.int16) if isinstance(part, float) else part
        for part in parts
    ]
    write_wav(path, resample(np.concatenate(pieces), RATE_HZ, MICROPHONE_HZ), MICROPHONE_HZ)
    return path


@contextmanager
def browser_page(wav: Path | None, *flags: str) -> Iterator[Page]:
    """A page of a browser of its own; without a `wav` its microphone beeps."""
    sound = [f"--use-file-for-fake-audio-capture={wav}%noloop"] if wav else []
    with running_chromium(*CALLING, *flags, *sound) as browser:
        context = browser.new_context()
        context.set_default_timeout(15_000)
        context.add_init_script(HEARING)
        yield context.new_page()


def add_user(database_url: str, folder: Path, name: str, role: Role) -> None:
    """Somebody who can sign in with `PASSWORD`; `folder` is the test's own."""

    async def add() -> None:
        database = Database(database_url)
        store = await Store.open(database, folder)
        try:
            await store.write(
                accounts.create_user,
                name,
                _HASH,
                role,
                now=datetime.now(UTC),
                must_change_password=False,
            )
        finally:
            await store.aclose()
            database.close()

    run_aside(add())


def sign_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def heard(page: Page) -> Pcm:
    """What has been played since it was last asked for."""
    data = base64.b64decode(page.evaluate("takeHeard()"))
    return np.frombuffer(data, dtype="<i2").astype(np.int16)


def recognised(pcm: Pcm, folder: Path, sentences: Sequence[str]) -> str:
    """The words in a recording, by a recogniser that knows these sentences' words."""

    async def listen() -> str:
        engine = PocketSphinx(1, folder)
        await engine.start()
        try:
            engine.set_vocabulary(Vocabulary(sentences))
            await engine.ready.wait()
            stream = engine.listen(OPEN_QUESTION, RATE_HZ)
            for start in range(0, len(pcm), RATE_HZ // 5):
                stream.feed(pcm[start : start + RATE_HZ // 5])
            return (await stream.finish()).text
        finally:
            await engine.aclose()

    return run_aside(listen())
