"""Recordings: whole, in ranges, and not there."""

import wave
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from backend.calls.operator import Operator
from backend.db.models import Role
from tests.support.call_events import Script
from tests.support.office import Office, words_of

CALL = "20261121-090000-aaaaaa"
PATH = f"/api/calls/{CALL}/recording"


def recorded(office: Office, name: str = f"{CALL}.wav") -> bytes:
    """A call with a recording on the disk; returns the file's bytes."""
    office.happens(Script(CALL).started().answered("Hello.").ended(recording=name).events)
    path = office.services.recordings_dir / f"{CALL}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(range(250)) * 64)
    return path.read_bytes()


def test_the_whole_recording(office: Office) -> None:
    audio = recorded(office)
    answer = office.program().get(PATH)
    assert answer.content == audio
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == f'inline; filename="{CALL}.wav"'
    assert "private" in answer.headers["cache-control"]


def test_a_download_is_saved_under_the_calls_name(office: Office) -> None:
    recorded(office)
    answer = office.program().get(PATH, params={"download": "true"})
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-", 0, None),
        ("bytes=44-143", 44, 144),
        ("bytes=-100", -100, None),
        ("bytes=16000-99999999", 16000, None),
    ],
)
def test_a_player_may_jump(office: Office, asked: str, start: int, end: int | None) -> None:
    audio = recorded(office)
    answer = office.program().get(PATH, headers={"range": asked})
    assert answer.status_code == 206
    assert answer.content == audio[start:end]
    first = start % len(audio)
    assert (
        answer.headers["content-range"]
        == f"bytes {first}-{first + len(answer.content) - 1}/{len(audio)}"
    )


@pytest.mark.parametrize(
    ("asked", "status"),
    [("bytes=99999999-", 416), ("bytes=9-1", 400), ("lines=1-2", 400), ("bytes=x", 400)],
)
def test_a_range_that_cannot_be_is_refused(office: Office, asked: str, status: int) -> None:
    recorded(office)
    assert office.program().get(PATH, headers={"range": asked}).status_code == status


def test_only_who_signed_in_may_listen(office: Office) -> None:
    recorded(office)
    assert office.browser().get(PATH).status_code == 401
    assert office.signed_in().get(PATH).status_code == 200


def test_a_deleted_recording_says_so_to_programs_and_people(office: Office) -> None:
    recorded(office)
    (office.services.recordings_dir / f"{CALL}.wav").unlink()
    answer = office.program().get(PATH)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "no-recording"
    assert "deleted" in answer.json()["error"]["fix"]
    page = office.signed_in().get(f"/calls/{CALL}")
    assert "was deleted from the disk" in words_of(page)
    assert "<audio" not in page.text


def test_a_call_that_was_not_recorded_says_so(office: Office) -> None:
    office.happens(Script(CALL).started().ended().events)
    assert "not recorded" in office.program().get(PATH).json()["error"]["fix"]


def test_a_call_that_still_lasts_asks_for_patience(office: Office) -> None:
    office.happens(Script(CALL).started().events)
    assert "when the call has ended" in office.program().get(PATH).json()["error"]["fix"]


@pytest.mark.parametrize(
    "name", ["../frontdesk.db", "/etc/hostname", "..", ".", "sub/x.wav", "x" * 190, "\x00"]
)
def test_nothing_outside_the_recordings_folder_is_ever_handed_out(
    office: Office, name: str
) -> None:
    recorded(office, name)
    answer = office.program().get(PATH)
    assert answer.status_code == 404


def test_a_link_that_leads_out_of_the_folder_is_not_followed(office: Office) -> None:
    recorded(office, "link.wav")
    link: Path = office.services.recordings_dir / "link.wav"
    link.symlink_to(office.settings.data_dir / "frontdesk.db")
    assert office.program().get(PATH).status_code == 404


def test_a_waveform_has_both_sides(office: Office) -> None:
    recorded(office)
    path = f"/api/calls/{CALL}/waveform"
    wave_form = office.program().get(path, params={"buckets": 20}).json()
    assert len(wave_form["caller"]) == len(wave_form["bot"]) == 20
    assert wave_form["duration_s"] == pytest.approx(0.5)
    assert office.program().get(path, params={"buckets": 0}).status_code == 422


def test_a_damaged_recording_has_no_waveform_but_a_reason(office: Office) -> None:
    recorded(office)
    (office.services.recordings_dir / f"{CALL}.wav").write_bytes(b"RIFF nothing of the kind")
    answer = office.program().get(f"/api/calls/{CALL}/waveform")
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "audio"


def test_a_recording_that_was_deleted_is_told_from_one_that_is_being_written(
    office: Office,
) -> None:
    script = Script(CALL).started().answered("Hello.").ended(recording=f"{CALL}.wav")
    office.happens(script.events)
    browser = office.signed_in()
    assert "was deleted from the disk" in words_of(browser.get(f"/calls/{CALL}"))
    office.now_s = script.events[-1].at.timestamp() + 5
    assert "still being written" in words_of(browser.get(f"/calls/{CALL}"))


def test_listening_to_a_call_that_has_just_ended_is_over_at_once(office: Office) -> None:
    class JustEnded:
        def listen_in(self, listener: object) -> Callable[[], None]:
            return lambda: None

    office.operators.of[CALL] = cast(Operator, JustEnded())  # no call of the live ones
    answer = office.program(Role.SUPERVISOR).get(f"/api/calls/{CALL}/listen")
    assert (answer.status_code, answer.content) == (200, b"")
