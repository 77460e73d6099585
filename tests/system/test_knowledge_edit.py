"""An answer changed in the dashboard is what the next caller hears; who is talking keeps theirs."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.audio.resample import resample
from backend.audio.wav import read_wav
from backend.config import ROOT
from backend.db.models import Role
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone
from tests.support.browser_caller import add_user, recognised
from tests.support.frontdesk import Frontdesk, running_frontdesk, spoken
from tests.support.office import PASSWORD

pytestmark = pytest.mark.pbx

EDIT = "/knowledge/edit?section=faq&key=opening-hours"
QUESTION = "what are your opening hours"
WORDS = (
    "we are open monday to friday from eight to six",
    "and saturday from nine to one",
    "our office never sleeps",
    "is there anything else i can help with",
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontdesk]:
    folder = tmp_path_factory.mktemp("desk")
    kb = folder / "kb.json"
    shutil.copy(ROOT / "kb" / "company_kb.json", kb)
    with running_frontdesk(folder, kb_path=kb) as running:
        user = tmp_path_factory.mktemp("user")
        add_user(running.settings.db_url, user, "editor", Role.SUPERVISOR)
        yield running


class Editor:
    """Somebody at the dashboard, signed in."""

    def __init__(self, desk: Frontdesk) -> None:
        address = f"http://127.0.0.1:{desk.settings.web_port}"
        self._client = httpx.Client(base_url=address, timeout=30)
        self._send("/sign-in", name="editor", password=PASSWORD, next="")

    def changes_the_answer(self, answer: str) -> None:
        page = self._client.get(EDIT).text
        values = dict(re.findall(r'<input [^>]*name="(\w+)" value="([^"]*)"', page))
        questions = re.search(r'name="questions"[^>]*>([^<]*)<', page)
        assert questions
        saved = self._client.post(
            EDIT, data={**values, "questions": questions[1], "answer": answer}
        )
        assert saved.status_code == 303, saved.text
        assert "in_use=1" in saved.headers["location"]

    def hears_the_bot_say(self, text: str) -> bytes:
        """A WAV file."""
        answer = self._client.get("/api/knowledge/speech", params={"text": text})
        assert answer.headers["content-type"] == "audio/wav"
        return answer.content

    def says(self, pcm: Pcm, rate_hz: int) -> str:
        """What the recogniser makes of it."""
        token = re.search(r'name="form-token" content="(\w+)"', self._client.get("/knowledge").text)
        assert token
        answer = self._client.post(
            "/api/knowledge/hear",
            params={"rate_hz": rate_hz},
            content=pcm.astype("<i2").tobytes(),
            headers={"x-form-token": token[1]},
        )
        return str(answer.json()["text"])

    def close(self) -> None:
        self._client.close()

    def _send(self, path: str, **fields: str) -> None:
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', self._client.get(path).text)
        assert token
        answer = self._client.post(path, data={**fields, "form_token": token[1]})
        assert answer.status_code == 303, answer.text


async def greeted(phone: Phone, desk: Frontdesk) -> PhoneCall:
    call = await phone.dial(desk.uri("200"))
    await call.wait_for_voice(call.answered_at_s, 10)
    await call.wait_for_quiet(1.0, 10)
    return call


async def asks(call: PhoneCall, question: Pcm) -> Pcm:
    """What the caller hears after asking."""
    sent = await call.speak(question)
    await call.wait_for_voice(sent.end_s, 10)
    await call.wait_for_quiet(1.2, 15, since_s=sent.end_s)
    return call.heard(sent.end_s)


def test_a_sentence_is_tried_by_voice_and_its_answer_is_heard(
    desk: Frontdesk, tmp_path: Path
) -> None:
    editor = Editor(desk)
    question = np.pad(asyncio.run(spoken(QUESTION)), (2400, 2400))
    assert editor.says(question, 8000) == QUESTION
    wav = tmp_path / "answer.wav"
    wav.write_bytes(editor.hears_the_bot_say("Our office never sleeps."))
    pcm, rate_hz = read_wav(wav)
    assert "never sleeps" in recognised(resample(pcm, rate_hz, 8000), tmp_path, WORDS)
    editor.close()


def test_an_answer_that_was_edited_is_heard_in_the_next_call(
    desk: Frontdesk, tmp_path: Path
) -> None:
    async def scenario() -> tuple[Pcm, Pcm]:
        question = await spoken(QUESTION)
        async with Phone() as phone:
            before = await greeted(phone, desk)
            editor = await asyncio.to_thread(Editor, desk)
            await asyncio.to_thread(editor.changes_the_answer, "Our office never sleeps.")
            editor.close()
            after = await greeted(phone, desk)
            old, new = await asks(before, question), await asks(after, question)
            await before.hang_up()
            await after.hang_up()
            return old, new

    old, new = asyncio.run(scenario())
    assert "monday to friday" in recognised(old, tmp_path, WORDS)
    assert "never sleeps" in recognised(new, tmp_path, WORDS)
