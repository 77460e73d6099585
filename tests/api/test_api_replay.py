"""A stored call beside the same call as it would go today."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.api.replay_view import compare
from backend.audio.wav import write_wav
from backend.core.events import EventType
from backend.db.models import Role
from backend.telephony.line import InputKind
from tests.support.call_events import Script, short_call
from tests.support.office import Office, open_office, send, words_of
from tests.support.replaying import Understanding

CALL = "20261121-090000-aaaaaa"
PATH = f"/calls/{CALL}/replay"


@pytest.fixture
def replayer() -> Understanding:
    return Understanding()


@pytest.fixture
def house(tmp_path: Path, seeded: Path, replayer: Understanding) -> Iterator[Office]:
    with open_office(tmp_path, seeded, replayer=replayer) as office:
        office.happens(short_call(CALL).events)
        yield office


def test_both_calls_stand_side_by_side(house: Office) -> None:
    browser = house.signed_in(Role.SUPERVISOR)
    assert "Today" not in words_of(browser.get(PATH))
    page = words_of(send(browser, PATH))
    for words in ("what do i owe", "what do i own", "Nothing.", "Everything.", "Account info"):
        assert words in page
    assert "Heard alike 0 of 1" in page


def test_a_replay_leaves_no_trace(house: Office) -> None:
    browser = house.signed_in(Role.SUPERVISOR)
    before = house.program().get("/api/calls").json()
    send(browser, PATH)
    assert house.program().get("/api/calls").json() == before


def test_a_viewer_cannot_have_one(house: Office) -> None:
    viewer = house.signed_in(Role.VIEWER)
    assert "Replay now" not in words_of(viewer.get(PATH))
    assert send(viewer, PATH, form_on="/now").status_code == 403


def test_without_a_recording_the_words_are_replayed(house: Office, replayer: Understanding) -> None:
    page = words_of(send(house.signed_in(Role.SUPERVISOR), PATH))
    assert "replayed as text" in page
    assert [(turn.kind, turn.text) for turn in replayer.turns] == [
        (InputKind.TEXT, "what do i owe")
    ]


def test_with_a_recording_the_caller_is_heard_where_they_spoke(
    house: Office, replayer: Understanding
) -> None:
    script = Script("20261121-091000-bbbbbb").started().answered("Hello.", total_s=0.0)
    script.asked("what do i owe").answered("Nothing.", endpoint_wait_s=0.25)
    name = f"{script.call_id}.wav"
    house.happens(script.ended(recording=name, duration_s=8.0).events)
    pcm = np.zeros((8 * 8000, 2), dtype=np.int16)
    pcm[12_000:20_000, 0] = 9000  # the caller's turn is over at 3 s
    write_wav(house.services.recordings_dir / name, pcm, 8000)
    send(house.signed_in(Role.SUPERVISOR), f"/calls/{script.call_id}/replay")
    (turn,) = replayer.turns
    assert turn.pcm is not None
    assert np.count_nonzero(turn.pcm) == 8000
    assert turn.pause_s == 0.25


def test_no_room_is_said_and_nothing_is_lost(office: Office) -> None:
    office.happens(short_call(CALL).events)
    page = words_of(send(office.signed_in(Role.SUPERVISOR), PATH))
    assert "Live calls need everything" in page
    assert "what do i owe" in page


def test_an_answer_that_was_cut_short_then_is_not_another_today() -> None:
    then = Script().started().answered("Hello. How", interrupted=True).asked("hi").events
    today = Script().started().answered("Hello. How are you?").asked("hi").events
    assert not compare(then, today).pairs[0].differs("answer")


def test_events_of_another_version_can_be_compared() -> None:
    script = Script().started()
    script.add(EventType.CALLER_SAID).add(EventType.BOT_SAID).add(EventType.UNDERSTOOD)
    assert len(compare(script.events, []).pairs) == 1
