"""When the caller's turn begins and ends, in virtual time."""

import pytest

from backend.core.speech import OPEN_QUESTION, Completeness, HeardSoFar, Question
from backend.turns.base import Decision
from backend.turns.settings import TurnSettings
from backend.turns.taker import FloorKeeper
from tests.support.turn_sim import COUGH, NUMBER, UNSURE, WINDOW_S, YES_NO, Caller, said

STARTED, PAUSED, RESUMED = Decision.STARTED, Decision.PAUSED, Decision.RESUMED
ENDED, NO_ANSWER = Decision.ENDED, Decision.NO_ANSWER


def silence_until_end_s(understood: HeardSoFar, question: Question, voiced_s: float = 1.0) -> float:
    caller = Caller(understood=understood).listened_to(question)
    caller.silence(0.5).voice(voiced_s)
    fell_silent_at_s = caller.now_s
    caller.silence(5)
    assert caller.course == [STARTED, PAUSED, ENDED]
    return caller.at_s(ENDED) - fell_silent_at_s


@pytest.mark.parametrize(
    ("understood", "question", "expected_s"),
    [
        (said("yes"), YES_NO, 0.16),
        (said("when are you open"), OPEN_QUESTION, 0.16),
        (said("four two seven one"), NUMBER, 0.16),
        (said("i have a", Completeness.UNKNOWN), OPEN_QUESTION, 0.6),
        (said("my number is", Completeness.UNFINISHED), OPEN_QUESTION, 1.5),
        (said("four two", Completeness.UNFINISHED), NUMBER, 1.5),
        (said("four two", Completeness.UNKNOWN), NUMBER, 1.5),
        (UNSURE, OPEN_QUESTION, 0.6),
        (COUGH, OPEN_QUESTION, 1.0),
    ],
)
def test_the_silence_that_ends_a_turn_depends_on_what_was_said(
    understood: HeardSoFar, question: Question, expected_s: float
) -> None:
    waited_s = silence_until_end_s(understood, question)
    assert expected_s - 1e-6 <= waited_s < expected_s + WINDOW_S


@pytest.mark.parametrize(("noise_dbfs", "expected_s"), [(-53, 0.16), (-46, 0.23), (-38, 0.3)])
def test_noise_may_hide_a_consonant_and_is_given_longer_silence(
    noise_dbfs: float, expected_s: float
) -> None:
    caller = Caller(understood=said("what do i get when i refer a")).listened_to()
    caller.silence(1.0, noise_dbfs).voice(1.0, -20)
    fell_silent_at_s = caller.now_s
    caller.silence(1.0, noise_dbfs)
    waited_s = caller.at_s(ENDED) - fell_silent_at_s
    assert expected_s - 1e-6 <= waited_s < expected_s + WINDOW_S


def test_a_number_heard_with_doubt_may_be_half_of_one_and_outlasts_a_pause_of_600_ms() -> None:
    doubtful = HeardSoFar("oh one zero oh", Completeness.COMPLETE, confidence=0.75)
    assert silence_until_end_s(doubtful, NUMBER) > 0.8
    assert silence_until_end_s(doubtful, OPEN_QUESTION) < 0.2


@pytest.mark.parametrize("pause_s", [0.3, 0.6, 0.9])
def test_who_has_paused_in_a_number_may_do_so_again(pause_s: float) -> None:
    caller = Caller(understood=said("four two", Completeness.UNFINISHED)).listened_to(NUMBER)
    caller.voice(0.6).silence(pause_s).voice(0.6)
    caller.understood = said("four two seven one")
    fell_silent_at_s = caller.now_s
    caller.silence(3)
    assert caller.course == [STARTED, PAUSED, RESUMED, PAUSED, ENDED]
    assert caller.at_s(ENDED) - fell_silent_at_s == pytest.approx(1.5 * pause_s, abs=2 * WINDOW_S)


def test_a_yes_of_a_tenth_of_a_second_is_heard_and_ends_in_160_ms() -> None:
    assert silence_until_end_s(said("yes"), YES_NO, voiced_s=0.096) == pytest.approx(0.16)


def test_a_pause_is_worth_understanding_after_96_ms() -> None:
    caller = Caller().listened_to().voice(0.5)
    fell_silent_at_s = caller.now_s
    caller.silence(0.2)
    assert caller.at_s(PAUSED) - fell_silent_at_s == pytest.approx(0.096)


@pytest.mark.parametrize("digits_understood", [Completeness.UNFINISHED, Completeness.UNKNOWN])
def test_pauses_of_600_ms_between_digits_never_end_the_turn(
    digits_understood: Completeness,
) -> None:
    caller = Caller(understood=said("four two", digits_understood)).listened_to(NUMBER)
    for _ in range(6):
        caller.voice(0.3).silence(0.6)
    assert caller.course == [STARTED, *[PAUSED, RESUMED] * 5, PAUSED]
    caller.understood = said("four two seven one nine nine")
    caller.silence(0.4)
    assert caller.course[-1] is ENDED


def test_what_the_recogniser_still_works_on_waits_for_it() -> None:
    caller = Caller(understood=UNSURE).listened_to(YES_NO).voice(0.3).silence(0.3)
    assert caller.course == [STARTED, PAUSED]
    caller.understood = said("yes")
    caller.silence(WINDOW_S)
    assert caller.course[-1] is ENDED


def test_a_click_opens_no_turn_and_ends_no_pause() -> None:
    caller = Caller(understood=said("four", Completeness.UNFINISHED)).listened_to(NUMBER)
    caller.silence(0.3).voice(WINDOW_S).silence(0.3)
    assert caller.course == []
    caller.voice(0.4).silence(0.3)
    ended_at_s = caller.keeper.voice_ended_at_s
    caller.voice(WINDOW_S).silence(0.3)
    assert caller.course == [STARTED, PAUSED]
    assert caller.keeper.voice_ended_at_s == ended_at_s


def test_the_onset_reaches_back_before_the_first_voiced_window() -> None:
    caller = Caller().listened_to().silence(1)
    began_at_s = caller.now_s
    caller.voice(0.2)
    onset_at_s = caller.at_s(STARTED) - caller.keeper.onset_s
    assert onset_at_s == pytest.approx(began_at_s - caller.keeper.settings.onset_margin_s)


def test_the_end_of_the_voice_is_known_at_the_end_of_the_turn() -> None:
    caller = Caller(understood=said("yes")).listened_to()
    assert caller.keeper.voice_ended_at_s is None
    caller.voice(0.3)
    fell_silent_at_s = caller.now_s
    caller.silence(1)
    assert caller.course[-1] is ENDED
    assert caller.keeper.voice_ended_at_s == pytest.approx(fell_silent_at_s)
    caller.listened_to()
    assert caller.keeper.voice_ended_at_s is None


def test_a_caller_who_says_nothing_is_given_the_answer_wait() -> None:
    caller = Caller().listened_to()
    asked_at_s = caller.now_s
    caller.silence(20)
    assert caller.course == [NO_ANSWER]
    assert caller.at_s(NO_ANSWER) - asked_at_s == pytest.approx(6.0, abs=WINDOW_S)


def test_after_a_cough_there_is_time_to_speak_and_the_words_count() -> None:
    caller = Caller(understood=COUGH).listened_to().silence(1).voice(0.25).silence(1.5)
    assert caller.course == [STARTED, PAUSED]
    caller.voice(0.5)
    caller.understood = said("i need help")
    caller.silence(0.5)
    assert caller.course == [STARTED, PAUSED, RESUMED, PAUSED, ENDED]


def test_a_cough_alone_does_not_keep_the_line_waiting() -> None:
    assert silence_until_end_s(COUGH, OPEN_QUESTION, voiced_s=0.25) == pytest.approx(2, abs=0.04)
    assert silence_until_end_s(COUGH, YES_NO, voiced_s=0.25) == pytest.approx(1, abs=0.04)


def test_voice_that_never_stops_ends_and_must_stop_before_it_counts_again() -> None:
    caller = Caller().listened_to().voice(25)
    assert caller.course == [STARTED, ENDED]
    assert caller.at_s(ENDED) - 100.0 == pytest.approx(20.0, abs=2 * WINDOW_S)
    caller.spoken_to().voice(3).listened_to().voice(10)
    assert caller.course == [STARTED, ENDED, NO_ANSWER]
    caller.listened_to().silence(0.2).voice(0.5)
    assert caller.course[-1] is STARTED


def test_what_could_not_open_a_turn_does_not_keep_one_open() -> None:
    caller = Caller(understood=said("yes")).listened_to()
    caller.window(0.4, -30, 2)
    assert caller.course == []
    caller.voice(0.5).window(0.4, -30, 2)
    assert caller.course == [STARTED, PAUSED, ENDED]


def test_in_noise_the_silence_counts_from_the_end_of_the_sound_too() -> None:
    caller = Caller(understood=said("yes")).listened_to().silence(2, level_dbfs=-35)
    caller.voice(0.5, -20).window(0.8, -34.5, 0.3).silence(WINDOW_S, -35)
    assert caller.course == [STARTED, PAUSED, ENDED]


def test_a_noisy_line_asks_for_more_certainty() -> None:
    quiet = Caller().listened_to().silence(2, level_dbfs=-60).window(0.6, -20, 0.2)
    noisy = Caller().listened_to().silence(4, level_dbfs=-30).window(0.6, -20, 0.2)
    assert (quiet.course, noisy.course) == ([STARTED], [])


def test_lost_windows_count_as_silence() -> None:
    caller = Caller(understood=said("yes")).listened_to().voice(0.5)
    caller.now_s += 1
    caller.silence(0.1)
    assert caller.course == [STARTED, PAUSED, ENDED]


def test_another_strategy_decides_how_long_to_wait() -> None:
    class Hasty:
        def wait_s(
            self, question: Question, heard: HeardSoFar, voiced_s: float, longest_pause_s: float
        ) -> float:
            return 0.1

    caller = Caller(FloorKeeper(TurnSettings(), Hasty()), understood=UNSURE).listened_to()
    caller.voice(0.5).silence(0.15)
    assert caller.course == [STARTED, PAUSED, ENDED]


def test_the_silence_counts_from_the_end_of_the_sound_not_of_the_detectors_doubt() -> None:
    caller = Caller(understood=said("yes")).listened_to().voice(0.5)
    fell_silent_at_s = caller.now_s
    caller.window(0.95, -60, 0.096).silence(0.5)
    assert caller.course == [STARTED, PAUSED, ENDED]
    assert caller.at_s(ENDED) - fell_silent_at_s == pytest.approx(0.16)
    assert caller.keeper.voice_ended_at_s == pytest.approx(fell_silent_at_s)


def test_a_turn_does_not_end_while_the_detector_still_hears_a_voice() -> None:
    caller = Caller(understood=said("yes")).listened_to().voice(0.5)
    caller.window(0.95, -60, 0.192)
    assert caller.course == [STARTED, PAUSED]
    caller.voice(0.5).silence(0.5)
    assert caller.course == [STARTED, PAUSED, RESUMED, PAUSED, ENDED]


def test_a_caller_who_turns_away_from_the_telephone_is_still_heard() -> None:
    caller = Caller(understood=said("yes")).listened_to().voice(0.5, -10).voice(1, -50)
    assert caller.course == [STARTED, PAUSED, RESUMED]
    caller.silence(0.5)
    assert caller.course == [STARTED, PAUSED, RESUMED, PAUSED, ENDED]


def test_an_echo_that_fades_is_neither_voice_nor_noise() -> None:
    caller = Caller().listened_to().voice(2, -30, echo=True)
    assert caller.course == []
    caller.window(0.6, -20, 0.2)
    assert caller.course == [STARTED]
