"""What becomes of Whisper's words and scores."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.asr.whisper_results import (
    Decoded,
    Segment,
    is_invention,
    normalised,
    nothing_said,
    to_transcript,
)
from backend.core.speech import Transcript


def segment(
    text: str,
    log_probability: float = -0.2,
    no_speech: float = 0.0,
    ratio: float = 1.0,
    tokens: int = 5,
) -> Segment:
    return Segment(text, log_probability, no_speech, ratio, tokens)


def judged(*segments: Segment) -> Transcript:
    return to_transcript(Decoded(segments, "en"), audio_s=2.0, work_s=0.5)


@pytest.mark.parametrize(
    ("log_probability", "confidence"),
    [
        (0.0, 1.0),
        (-0.5, 1.0),
        (-1.75, 0.5),
        (-3.0, 0.0),
        (-9.0, 0.0),
        (math.nan, 0.0),
        (-math.inf, 0.0),
    ],
)
def test_confidence_falls_with_the_average_log_probability(
    log_probability: float, confidence: float
) -> None:
    transcript = judged(segment("what is my balance", log_probability))

    assert transcript.text == "what is my balance"
    assert transcript.confidence == pytest.approx(confidence)


def test_confidence_is_reduced_by_the_probability_of_no_speech() -> None:
    assert judged(segment("my internet is down", no_speech=0.4)).confidence == pytest.approx(0.6)


def test_longer_segments_weigh_more() -> None:
    transcript = judged(
        segment("my internet", -0.5, tokens=3), segment("is down again", -3.0, tokens=1)
    )

    assert transcript.confidence == pytest.approx(0.75)
    assert transcript.text == "my internet is down again"


def test_the_transcript_carries_language_and_times() -> None:
    transcript = to_transcript(Decoded([segment("hallo welt")], "de", 0.8), audio_s=2.0, work_s=0.5)

    assert (transcript.language, transcript.language_probability) == ("de", 0.8)
    assert (transcript.audio_s, transcript.work_s) == (2.0, 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for watching!",
        " Thanks for watching.",
        "you",
        "You.",
        "Subtitles by the Amara.org community",
        "Please subscribe to my channel!",
        "Untertitel der Amara.org-Community",
        "Sous-titres réalisés para la communauté d'Amara.org",
        "[BLANK_AUDIO]",
        "(music)",
        "♪ ♪",
        "...",
        "",
    ],
)
def test_inventions_do_not_reach_the_agent(text: str) -> None:
    transcript = judged(segment(text, log_probability=0.0))

    assert (transcript.text, transcript.confidence) == ("", 0.0)


def test_an_invention_after_real_words_is_cut_off() -> None:
    transcript = judged(segment("I want to cancel."), segment(" Thanks for watching!"))

    assert transcript.text == "I want to cancel."


@pytest.mark.parametrize("text", ["Thank you.", "Okay.", "Bye."])
def test_polite_words_are_believed_when_whisper_is_sure(text: str) -> None:
    assert judged(segment(text)).text == text
    assert judged(segment(text, no_speech=0.5)).text == ""
    assert judged(segment(text, log_probability=-2.0)).text == ""


@pytest.mark.parametrize(
    "text", ["thank you, I need help", "Will you call me back?", "the music stops", "wwwhat"]
)
def test_what_merely_resembles_an_invention_is_kept(text: str) -> None:
    assert judged(segment(text)).text == text


def test_loops_are_dropped_with_what_they_cost_in_confidence() -> None:
    assert judged(segment("no no no no no no no no no", ratio=2.5)).text == ""


def test_weak_words_where_nobody_speaks_are_dropped() -> None:
    assert judged(segment("a bill", -1.2, no_speech=0.7)).text == ""
    assert judged(segment("a bill", -0.4, no_speech=0.7)).text == "a bill"


def test_no_segments_are_no_words() -> None:
    assert judged().text == ""
    assert nothing_said("en", 3.0, 0.1).confidence == 0.0


@given(
    st.lists(
        st.builds(
            segment,
            st.text(max_size=40),
            st.floats(),
            st.floats(0, 1),
            st.floats(0, 100),
            st.integers(0, 300),
        ),
        max_size=4,
    )
)
def test_whatever_whisper_writes_the_result_is_in_range(segments: list[Segment]) -> None:
    transcript = judged(*segments)

    assert 0.0 <= transcript.confidence <= 1.0
    assert 0.0 <= transcript.no_speech_probability <= 1.0
    assert transcript.confidence == 0.0 or transcript.text


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalised(text)

    assert normalised(once) == once
    assert is_invention(once, in_doubt=True) or not is_invention(once, in_doubt=False)
