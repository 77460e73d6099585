"""The parts of a turn's time: never negative, and together the time that passed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.calls.clock import clock_of
from backend.telephony.line import CallerInput, InputKind

MOMENTS = st.floats(0, 10)


@given(MOMENTS, MOMENTS, MOMENTS, MOMENTS, MOMENTS)
def test_the_parts_make_up_the_whole(
    voice_ended_at_s: float,
    wait_s: float,
    understood_at_s: float,
    first_sentence_at_s: float,
    audio_after_s: float,
) -> None:
    """Understanding and thinking may lie before the turn's end, or after; sound never comes
    before there is a sentence and a turn to answer."""
    ended_at_s = voice_ended_at_s + wait_s
    first_audio_at_s = max(ended_at_s, understood_at_s, first_sentence_at_s) + audio_after_s
    clock = clock_of(
        CallerInput(InputKind.SPEECH, ended_at_s=ended_at_s, voice_ended_at_s=voice_ended_at_s),
        understood_at_s=understood_at_s,
        first_sentence_at_s=first_sentence_at_s,
        first_audio_at_s=first_audio_at_s,
        transport_s=None,
    )
    parts = (clock.endpoint_wait_s, clock.recognition_s, clock.thinking_s, clock.first_audio_s)
    assert all(part is not None and part >= 0 for part in parts)
    assert clock.total_s == pytest.approx(first_audio_at_s - voice_ended_at_s)
