"""Where one turn's time went."""

from backend.core.speech import Clock
from backend.telephony.line import CallerInput


def clock_of(
    given: CallerInput,
    *,
    understood_at_s: float,
    first_sentence_at_s: float | None,
    first_audio_at_s: float | None,
    transport_s: float | None,
) -> Clock:
    """From the caller's last voiced sample to our first, by `time.monotonic()`.

    What was prepared before the turn's end took no time of the turn: each part begins where the
    one before ended and is never negative, so that the sum is the time that passed.
    """
    if first_sentence_at_s is None:
        return Clock()
    endpoint_wait_s = (
        max(0.0, given.ended_at_s - given.voice_ended_at_s)
        if given.voice_ended_at_s is not None
        else None
    )
    understood_at_s = max(given.ended_at_s, understood_at_s)
    first_sentence_at_s = max(understood_at_s, first_sentence_at_s)
    return Clock(
        endpoint_wait_s=endpoint_wait_s,
        recognition_s=understood_at_s - given.ended_at_s,
        thinking_s=first_sentence_at_s - understood_at_s,
        first_audio_s=(
            max(0.0, first_audio_at_s - first_sentence_at_s)
            if first_audio_at_s is not None
            else None
        ),
        transport_s=transport_s,
    )
