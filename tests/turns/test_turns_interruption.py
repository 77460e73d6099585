"""The caller speaks while we do."""

import pytest

from backend.core.speech import Completeness, HeardSoFar
from backend.turns.backchannel import is_backchannel, is_stop
from backend.turns.base import Decision
from tests.support.turn_sim import COUGH, UNSURE, WINDOW_S, Caller, said

STARTED, PAUSED, RESUMED = Decision.STARTED, Decision.PAUSED, Decision.RESUMED
ENDED, HOLD, GO_ON, INTERRUPTED = (
    Decision.ENDED,
    Decision.HOLD,
    Decision.GO_ON,
    Decision.INTERRUPTED,
)


def test_voice_stops_us_after_120_ms() -> None:
    caller = Caller().spoken_to().silence(1)
    began_at_s = caller.now_s
    caller.voice(0.2)
    assert caller.course == [HOLD]
    assert caller.at_s(HOLD) - began_at_s == pytest.approx(0.128)
    assert caller.at_s(HOLD) - caller.keeper.onset_s < began_at_s


def test_less_does_not() -> None:
    caller = Caller().spoken_to()
    for _ in range(20):
        caller.silence(0.3).voice(0.096)
    assert caller.course == []


@pytest.mark.parametrize("sound", [COUGH, said("mhm"), said("Okay."), said("uh-huh")])
def test_after_a_cough_or_mhm_we_go_on_within_half_a_second(sound: HeardSoFar) -> None:
    caller = Caller(understood=sound).spoken_to().voice(0.35)
    fell_silent_at_s = caller.now_s
    caller.silence(3)
    assert caller.course == [HOLD, PAUSED, GO_ON]
    assert caller.at_s(GO_ON) - fell_silent_at_s < 0.45
    assert caller.keeper.voice_ended_at_s is None


def test_what_is_not_understood_within_a_second_was_nothing() -> None:
    caller = Caller(understood=UNSURE).spoken_to().voice(0.35)
    fell_silent_at_s = caller.now_s
    caller.silence(3)
    assert caller.course == [HOLD, PAUSED, GO_ON]
    assert 0.7 < caller.at_s(GO_ON) - fell_silent_at_s < 0.8


def test_what_lasts_as_long_as_a_question_is_one_while_the_recogniser_is_late() -> None:
    caller = Caller(understood=UNSURE).spoken_to().voice(1.28)
    fell_silent_at_s = caller.now_s
    caller.silence(2)
    assert caller.course == [HOLD, PAUSED, INTERRUPTED]
    assert caller.at_s(INTERRUPTED) - fell_silent_at_s < 0.8


def test_a_short_word_that_means_something_takes_the_floor_and_ends_as_a_turn() -> None:
    caller = Caller(understood=said("stop")).spoken_to().voice(0.3).silence(0.16)
    assert caller.course == [HOLD, PAUSED, INTERRUPTED]
    caller.listened_to().silence(0.2)
    assert caller.course == [HOLD, PAUSED, INTERRUPTED, ENDED]


def test_voice_that_lasts_takes_the_floor_before_it_is_understood() -> None:
    caller = Caller(understood=said("i want something else")).spoken_to().voice(1.5)
    assert caller.course == [HOLD, INTERRUPTED]
    caller.listened_to().voice(1).silence(1)
    assert caller.course == [HOLD, INTERRUPTED, PAUSED, ENDED]


def test_words_after_mhm_take_the_floor() -> None:
    caller = Caller(understood=said("mhm")).spoken_to().voice(0.3).silence(0.3)
    caller.voice(0.1)
    caller.understood = said("mhm but i meant the other one")
    caller.voice(0.2).silence(0.2)
    assert caller.course == [HOLD, PAUSED, RESUMED, PAUSED, INTERRUPTED]


def test_a_drawn_out_mhm_does_not() -> None:
    caller = Caller(understood=said("mm hmm")).spoken_to()
    caller.voice(0.8).silence(0.2).voice(0.8).silence(1)
    assert caller.course == [HOLD, PAUSED, RESUMED, PAUSED, GO_ON]


def test_words_that_the_ear_takes_for_noise_do_not() -> None:
    noise = said("the", Completeness.NOTHING)
    caller = Caller(understood=noise).spoken_to().voice(0.3).silence(1)
    assert caller.course == [HOLD, PAUSED, GO_ON]


def test_our_own_echo_does_not_stop_us() -> None:
    caller = Caller().spoken_to().voice(5, echo=True)
    assert caller.course == []
    caller.voice(0.2)
    assert caller.course == [HOLD]


def test_a_single_window_taken_for_echo_does_not_protect_us() -> None:
    caller = Caller().spoken_to().voice(0.064).voice(WINDOW_S, echo=True).voice(0.064)
    assert caller.course == [HOLD]


def test_legal_text_is_not_interrupted_but_the_sentence_after_it_is() -> None:
    caller = Caller().spoken_to(interruptible=False).voice(2)
    assert caller.course == []
    caller.spoken_to().voice(WINDOW_S)
    assert caller.course == [HOLD]
    assert caller.keeper.onset_s == caller.keeper.settings.max_onset_s


def test_who_begins_to_speak_at_the_end_of_our_sentence_is_heard_from_the_first_word() -> None:
    caller = Caller().spoken_to().silence(1)
    began_at_s = caller.now_s
    caller.voice(0.096).listened_to().voice(0.1)
    assert caller.course == [STARTED]
    assert caller.at_s(STARTED) - caller.keeper.onset_s < began_at_s


def test_a_key_pressed_while_we_hold_lets_the_utterance_go_on_as_an_answer() -> None:
    caller = Caller(understood=said("okay")).spoken_to().voice(0.3).listened_to().silence(1)
    assert caller.course == [HOLD, PAUSED, ENDED]


def test_an_utterance_we_speak_over_is_dropped_and_a_voice_that_goes_on_stops_us_again() -> None:
    caller = Caller().listened_to().voice(0.5).spoken_to().voice(0.064)
    assert caller.course == [STARTED, HOLD]


def test_we_can_go_on_and_be_stopped_again() -> None:
    caller = Caller(understood=COUGH).spoken_to()
    for _ in range(3):
        caller.voice(0.2).silence(2)
    assert caller.course == [HOLD, PAUSED, GO_ON] * 3


@pytest.mark.parametrize("text", ["mhm", "Mm-hmm.", "uh huh", "okay okay", "yeah, I see", "OK"])
def test_listeners_say(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["", "...", "yes", "no", "okay but", "stop", "see", "i want"])
def test_answers_and_requests_are_no_backchannel(text: str) -> None:
    assert not is_backchannel(text)


def test_unfinished_words_interrupt_too_once_they_have_lasted() -> None:
    caller = Caller(understood=said("i want to talk about", Completeness.UNFINISHED)).spoken_to()
    caller.voice(1.35).silence(0.2)
    assert caller.course == [HOLD, PAUSED, INTERRUPTED]


@pytest.mark.parametrize(
    ("words", "lasting_s"),
    [
        ("can i pay", 0.5),
        ("i am an agent", 1.0),
        ("family plan", 0.8),
        ("it can a moment", 1.0),
        ("hello", 0.4),
    ],
)
def test_words_that_a_recogniser_hears_in_mhm_make_us_pause_only(
    words: str, lasting_s: float
) -> None:
    """Each was heard in "okay", "mhm", "mm hmm" or "uh huh", at 15 dB over the line's noise."""
    understood = HeardSoFar(words, Completeness.UNKNOWN, confidence=0.85)
    caller = Caller(understood=understood).spoken_to().voice(lasting_s)
    fell_silent_at_s = caller.now_s
    caller.silence(2)
    assert caller.course == [HOLD, PAUSED, GO_ON]
    assert caller.at_s(GO_ON) - fell_silent_at_s < 0.7


def test_noise_that_a_detector_hears_after_an_mhm_does_not_make_it_longer() -> None:
    understood = HeardSoFar("good room", Completeness.UNKNOWN, confidence=0.5)
    caller = Caller(understood=understood).spoken_to().voice(1.0, -17).voice(0.3, -33).silence(2)
    assert caller.course == [HOLD, PAUSED, GO_ON]


def test_a_short_whole_request_interrupts_when_it_was_heard_well() -> None:
    for confidence, last in ((0.7, INTERRUPTED), (0.5, GO_ON)):
        understood = HeardSoFar("can i pay by card", Completeness.COMPLETE, confidence)
        caller = Caller(understood=understood).spoken_to().voice(0.6).silence(2)
        assert caller.course == [HOLD, PAUSED, last]


def test_an_early_answer_interrupts_the_question_it_answers() -> None:
    for answers, last in ((True, INTERRUPTED), (False, GO_ON)):
        understood = HeardSoFar("no", Completeness.COMPLETE, 0.8, answers)
        caller = Caller(understood=understood).spoken_to().voice(0.3).silence(2)
        assert caller.course == [HOLD, PAUSED, last]


def test_who_was_ignored_and_says_it_again_has_the_floor() -> None:
    caller = Caller(understood=said("billing", Completeness.UNKNOWN)).spoken_to()
    caller.voice(0.5).silence(1.5).voice(0.5).silence(0.2)
    assert caller.course == [HOLD, PAUSED, GO_ON, HOLD, PAUSED, INTERRUPTED]


def test_a_second_cough_is_no_insisting() -> None:
    caller = Caller(understood=COUGH).spoken_to().voice(0.3).silence(1)
    caller.understood = said("it", Completeness.UNKNOWN)
    caller.voice(0.3).silence(1)
    assert caller.course == [HOLD, PAUSED, GO_ON, HOLD, PAUSED, GO_ON]


@pytest.mark.parametrize(
    "text", ["stop", "wait a second", "Hold on, please", "excuse me", "stop it"]
)
def test_some_words_stop_us_however_short(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize("text", ["", "please", "one moment", "hold my mail", "the bus stop", "no"])
def test_other_words_do_not(text: str) -> None:
    assert not is_stop(text)
