"""The process that decodes: what it does first, and how it is spoken to."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.asr.sphinx import wire
from backend.asr.sphinx.waiting import Waiting


def served(*messages: str) -> list[str]:
    """What a worker does, in its order, when all of this has come at once."""
    waiting = Waiting()
    for message in messages:
        op, *number = message.split()
        waiting.add([({"op": op, **({"id": number[0]} if number else {})}, b"")])
    done: list[str] = []
    while waiting:
        done += [" ".join(header.values()) for header, _ in waiting.take()]
    assert waiting.take() == []
    return done


def test_who_has_fallen_silent_comes_before_those_who_still_speak() -> None:
    done = served("open 1", "feed 1", "open 2", "feed 1", "feed 2", "feed 1", "peek 2", "feed 1")
    assert done[:3] == ["open 2", "feed 2", "peek 2"]
    assert done[3:] == ["open 1", "feed 1", "feed 1", "feed 1", "feed 1"]


def test_what_comes_after_a_question_is_not_done_before_it() -> None:
    assert served("open 1", "feed 1", "peek 1", "feed 1") == [
        "open 1",
        "feed 1",
        "peek 1",
        "feed 1",
    ]


def test_a_question_that_was_asked_again_is_answered_once_with_all_that_came() -> None:
    done = served("open 1", "feed 1", "peek 1", "feed 2", "feed 1", "peek 1")
    assert done == ["open 1", "feed 1", "feed 1", "peek 1", "feed 2"]


def test_for_an_utterance_that_has_been_closed_nothing_more_is_decoded() -> None:
    done = served("open 1", "feed 1", "peek 1", "feed 2", "peek 2", "close 1")
    assert done == ["feed 2", "peek 2", "open 1", "close 1"]


def test_of_two_questions_the_older_comes_first() -> None:
    assert served("feed 1", "feed 2", "peek 2", "peek 1") == [
        "feed 2",
        "peek 2",
        "feed 1",
        "peek 1",
    ]


@given(
    messages=st.lists(st.tuples(st.dictionaries(st.text(), st.integers()), st.binary())),
    cuts=st.lists(st.integers(1, 50), min_size=1),
)
def test_messages_come_whole_however_the_pipe_cuts_them(
    messages: list[wire.Message], cuts: list[int]
) -> None:
    reading, writing = os.pipe()
    inbox, found = wire.Inbox(reading), list[wire.Message]()
    data = b"".join(wire.pack(header, payload) for header, payload in messages)
    try:
        turn = 0
        while data:
            cut = cuts[turn % len(cuts)]
            os.write(writing, data[:cut])
            data, turn = data[cut:], turn + 1
            found += inbox.wait(0) or []
        os.close(writing)
        assert inbox.wait(None) is None
    finally:
        os.close(reading)
    assert found == messages


def test_nothing_to_read_is_nothing_after_the_time_given() -> None:
    reading, writing = os.pipe()
    try:
        assert wire.Inbox(reading).wait(0.01) == []
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("ended", [b"", b"\x05\x00"])
def test_a_pipe_that_ends_within_a_message_is_the_end(ended: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, ended)
    os.close(writing)
    try:
        assert wire.Inbox(reading).wait(None) is None
    finally:
        os.close(reading)
