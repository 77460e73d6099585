"""Sentences with pauses of a given length inside: "one zero [600 ms] zero four"."""

import re
from collections.abc import Awaitable, Callable

import numpy as np

from backend.audio.level import trim_silence
from backend.audio.pcm import Pcm
from backend.phone.rtp import RATE_HZ

TextToSpeech = Callable[[str], Awaitable[Pcm]]
"""Speech at 8 kHz for a sentence."""

_PAUSE = re.compile(r"\[\s*(\d{1,5})\s*ms\s*\]")


async def speak_with_pauses(text: str, text_to_speech: TextToSpeech) -> Pcm:
    """The sentence's audio. At a pause the voices before and after are exactly that far apart."""
    if _PAUSE.search(text) is None:
        return await text_to_speech(text)
    # Odd places of what `split` returns are the captured lengths.
    parts = _PAUSE.split(text)
    pieces: list[Pcm] = []
    for place, part in enumerate(parts):
        if place % 2:
            pieces.append(np.zeros(int(part) * RATE_HZ // 1000, dtype=np.int16))
        elif part.strip():
            pieces.append(trim_silence(await text_to_speech(part.strip()), RATE_HZ, keep_s=0))
    return np.concatenate(pieces)


def without_pauses(text: str) -> str:
    """The words alone."""
    return " ".join(_PAUSE.sub(" ", text).split())
