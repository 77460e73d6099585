"""What `bench interruptions` makes of its calls."""

import pytest

from backend.cli.bench_figures import Spread
from backend.cli.bench_interruption_figures import (
    answers_to_nothing,
    cut_speeches,
    interruption_counts,
    is_cut_off,
    murmur_counts,
    pause_counts,
    silence_spreads,
)
from backend.cli.bench_scenarios import CUSTOMER
from backend.phone.script import Record, RecordKind
from tests.cli.records import bot_turn, caller_turn, heard, said, stored, talk

COUGH = Record(RecordKind.CALLER, 2.0, 2.3)
LEAVING = Record(RecordKind.CALLER, 9.0, 9.0)


def test_the_greeting_and_answers_are_silenced_apart_and_together() -> None:
    talks = [
        talk(said(silenced_s=0.1), heard(), said(silenced_s=0.3)),
        talk(said(silenced_s=0.2), heard(), said(silenced_s=None)),
    ]
    spreads = silence_spreads(talks)
    assert spreads["silence in the greeting"] == Spread(2, 0.1, 0.2, 0.2)
    assert spreads["silence in answers"] == Spread(1, 0.3, 0.3, 0.3)
    assert spreads["silence, all"] == Spread(3, 0.2, 0.3, 0.3)


def test_a_cough_silences_nobody_on_purpose() -> None:
    cough = Record(RecordKind.CALLER, 2.0, 2.3, silenced_s=0.05)
    assert silence_spreads([talk(cough)])["silence, all"] is None
    assert interruption_counts([talk(cough)])["interruptions"] == 0


def test_interruptions_that_did_not_silence_the_bot_are_counted_as_such() -> None:
    talks = [
        talk(said(silenced_s=0.1), said(silenced_s=None)),
        talk(trouble="Nobody answered."),
        talk(),
    ]
    assert interruption_counts(talks) == {
        "interruptions": 2,
        "silenced": 1,
        "not_silenced": 1,
        "failed_calls": 2,
    }


def test_a_speech_the_bot_gave_up_for_a_cough_is_a_false_stop() -> None:
    derailed = talk(COUGH, LEAVING, by_the_bot=stored(bot_turn(interrupted=True), bot_turn()))
    steady = talk(COUGH, COUGH, by_the_bot=stored(bot_turn()))
    assert murmur_counts([derailed, steady]) == {
        "coughs_and_murmurs": 3,
        "cut_speeches": 1,
        "answers_to_nothing": 0,
        "calls_with_false_stops": 1,
        "failed_calls": 0,
    }


def test_a_call_is_derailed_once_however_often_it_happens() -> None:
    twice = stored(bot_turn(interrupted=True), caller_turn("unintelligible"), bot_turn())
    counts = murmur_counts([talk(COUGH, by_the_bot=twice)])
    assert counts["cut_speeches"] == counts["answers_to_nothing"] == 1
    assert counts["calls_with_false_stops"] == 1


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["words"], 0),
        (["words", "words"], 1),
        (["words", "unintelligible"], 1),
        (["words", "silence"], 0),
        (["words", "digits"], 0),
        ([], 0),
    ],
)
def test_turns_the_bot_made_up_are_those_beyond_what_was_said(
    kinds: list[str], expected: int
) -> None:
    held = talk(said(), COUGH, by_the_bot=stored(*map(caller_turn, kinds)))
    assert answers_to_nothing(held) == expected


def test_a_call_the_bot_has_no_record_of_accuses_nobody() -> None:
    held = talk(said(), COUGH)
    assert (cut_speeches(held), answers_to_nothing(held)) == (0, 0)


@pytest.mark.parametrize("latency_s", [0.0, 0.3, None])
def test_who_was_heard_out_was_not_cut_off(latency_s: float | None) -> None:
    assert not is_cut_off(talk(said(), heard(latency_s), by_the_bot=stored(caller_turn())))


def test_who_was_answered_too_early_or_taken_for_two_was_cut_off() -> None:
    assert is_cut_off(talk(said(), heard(-0.2), by_the_bot=stored(caller_turn())))
    assert is_cut_off(talk(said(), heard(0.3), by_the_bot=stored(caller_turn(), caller_turn())))


def test_pauses_are_judged_by_cut_offs_and_by_numbers_understood() -> None:
    understood = stored(caller_turn(), customer_number=CUSTOMER)
    talks = [
        talk(said(), heard(), by_the_bot=understood),
        talk(said(), heard(-0.1), by_the_bot=stored(caller_turn(), customer_number="10")),
        talk(trouble="The line broke."),
    ]
    assert pause_counts(talks) == {
        "calls": 3,
        "cut_off": 1,
        "number_understood": 1,
        "failed_calls": 1,
    }
