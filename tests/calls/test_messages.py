"""Messages left while the bot was down become tickets, once each."""

import os
from pathlib import Path

import numpy as np

from backend.audio.wav import write_wav
from backend.calls.messages import SETTLED_S, Messages
from backend.core.errors import StoreError
from backend.core.records import TicketType
from backend.core.speech import Transcript
from tests.calls.scripted import Desk, ScriptedRecogniser
from tests.support.loop import run


def leave_message(folder: Path, name: str = "1763715.7-5551234", *, done: bool = True) -> Path:
    path = folder / "messages" / f"{name}.wav"
    path.parent.mkdir(exist_ok=True)
    (folder / "kept").mkdir(exist_ok=True)
    write_wav(path, np.zeros(16000, dtype=np.int16), 8000)
    if done:
        path.with_suffix(".done").write_text("down")
    return path


def messages(folder: Path, desk: Desk, *, later_s: float = 0.0, words: str = "") -> Messages:
    heard = ScriptedRecogniser([Transcript(words, 0.9)])
    now_s = max((p.stat().st_mtime for p in (folder / "messages").iterdir()), default=0.0) + later_s
    return Messages(folder / "messages", folder / "kept", heard, desk, now_s=lambda: now_s)


def test_a_message_becomes_a_ticket_with_its_words_and_its_recording(tmp_path: Path) -> None:
    leave_message(tmp_path)
    desk = Desk()
    (number,) = run(messages(tmp_path, desk, words="please call me back").collect())
    (draft,) = desk.drafts
    assert (draft.type, draft.number) == (TicketType.MESSAGE, number)
    assert "5551234" in draft.subject
    assert "please call me back" in draft.description
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [f"message-{number}.wav"]
    assert list((tmp_path / "messages").iterdir()) == []


def test_a_message_still_being_spoken_is_left_alone(tmp_path: Path) -> None:
    path = leave_message(tmp_path, done=False)
    assert run(messages(tmp_path, Desk(), later_s=1).collect()) == []
    assert path.exists()


def test_a_message_whose_end_nobody_marked_is_taken_in_the_end(tmp_path: Path) -> None:
    leave_message(tmp_path, done=False)
    assert len(run(messages(tmp_path, Desk(), later_s=SETTLED_S + 1).collect())) == 1


def test_a_ticket_that_cannot_be_stored_is_tried_again_under_the_same_number(
    tmp_path: Path,
) -> None:
    leave_message(tmp_path)
    assert run(messages(tmp_path, Desk(error=StoreError("The disk is full."))).collect()) == []
    (claimed,) = (tmp_path / "messages").glob("*.wav")
    desk = Desk()
    (number,) = run(messages(tmp_path, desk).collect())
    assert claimed.name.startswith(f"ticket-{number}-")
    assert "5551234" in desk.drafts[0].subject


def test_a_damaged_message_is_a_ticket_all_the_same(tmp_path: Path) -> None:
    leave_message(tmp_path).write_bytes(b"not audio")
    desk = Desk()
    run(messages(tmp_path, desk).collect())
    assert "Listen to the recording" in desk.drafts[0].description


def test_how_long_it_is_kept_counts_from_when_it_became_a_ticket(tmp_path: Path) -> None:
    path = leave_message(tmp_path)
    os.utime(path, (1000.0, 1000.0))
    run(messages(tmp_path, Desk(), later_s=5).collect())
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.stat().st_mtime > 1000.0
