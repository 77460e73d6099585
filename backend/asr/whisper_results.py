"""From what Whisper wrote to a transcript: how sure it was, and what it made up.

Whisper was trained on captions and always writes something. Played noise, it writes what captions
say when nobody speaks, or one word over and over; none of that may reach the agent.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from backend.core.speech import Transcript

SURE_LOG_PROBABILITY = -0.5
UNSURE_LOG_PROBABILITY = -3.0
"""Confidence falls linearly from 1 to 0 between these averages over a segment's tokens."""

NO_SPEECH_PROBABILITY = 0.6
WEAK_LOG_PROBABILITY = -1.0
"""Whisper's own rule for silence: no speech is likelier than this, and the words weaker."""
LOOP_COMPRESSION_RATIO = 2.4
"""Whisper's own limit: text that zlib shrinks more than this repeats itself."""
DOUBTFUL_NO_SPEECH = 0.3
DOUBTFUL_CONFIDENCE = 0.6
"""A phrase that is both common and commonly invented is believed on the better side of these."""

INVENTIONS = Path(__file__).parent / "data" / "inventions.txt"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text as Whisper scored it."""

    text: str
    average_log_probability: float
    no_speech_probability: float
    compression_ratio: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """All Whisper made of one utterance."""

    segments: Sequence[Segment]
    language: str
    language_probability: float = 1.0


def to_transcript(decoded: Decoded, audio_s: float, work_s: float) -> Transcript:
    """The believable part, empty with confidence 0 where there is none."""
    kept = [segment for segment in decoded.segments if _is_believable(segment)]
    text = " ".join(" ".join(segment.text for segment in kept).split())
    no_speech = _weighted(decoded.segments, [s.no_speech_probability for s in decoded.segments])
    sure = _weighted(kept, [_sureness(segment.average_log_probability) for segment in kept])
    confidence = sure * (1.0 - no_speech)
    words = normalised(text)
    doubtful = no_speech > DOUBTFUL_NO_SPEECH or confidence < DOUBTFUL_CONFIDENCE
    if not words or is_invention(words, in_doubt=doubtful):
        text, confidence = "", 0.0
    return Transcript(
        text=text,
        confidence=confidence,
        language=decoded.language,
        language_probability=decoded.language_probability,
        no_speech_probability=no_speech,
        audio_s=audio_s,
        work_s=work_s,
    )


def nothing_said(language: str, audio_s: float, work_s: float) -> Transcript:
    """The transcript of audio that was not worth decoding."""
    return Transcript(
        "", 0.0, language=language, no_speech_probability=1.0, audio_s=audio_s, work_s=work_s
    )


def joined(parts: Sequence[Transcript]) -> Transcript:
    """Transcripts of consecutive audio as one, each as sure as it has words."""
    if len(parts) == 1:
        return parts[0]
    words = [len(part.text.split()) for part in parts]
    most = parts[words.index(max(words))]
    return Transcript(
        text=" ".join(part.text for part in parts if part.text),
        confidence=_mean([part.confidence for part in parts], words),
        language=most.language,
        language_probability=most.language_probability,
        no_speech_probability=_mean(
            [part.no_speech_probability for part in parts], [part.audio_s for part in parts]
        ),
        audio_s=sum(part.audio_s for part in parts),
        work_s=sum(part.work_s for part in parts),
    )


def normalised(text: str) -> str:
    """Lower case words without punctuation, remarks in brackets left out; for comparing."""
    spoken = re.sub(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*", " ", unicodedata.normalize("NFKC", text))
    return " ".join(re.findall(r"[^\W_]+(?:['’][^\W_]+)*", spoken.casefold())).replace("’", "'")


def is_invention(words: str, *, in_doubt: bool) -> bool:
    """Whether these normalised words, all of an utterance, are known to be made up.

    With `in_doubt` the phrases count too that callers really say.
    """
    known = _inventions()
    if words in known.always or words.startswith(known.beginnings):
        return True
    return in_doubt and words in known.in_doubt


@dataclass(frozen=True, slots=True)
class _Inventions:
    always: frozenset[str]
    in_doubt: frozenset[str]
    beginnings: tuple[str, ...]


@lru_cache(maxsize=1)
def _inventions() -> _Inventions:
    always, in_doubt, beginnings = set(), set(), []
    for line in INVENTIONS.read_text(encoding="utf-8").splitlines():
        words = normalised(line)
        if not words or line.startswith("#"):
            continue
        if line.startswith("?"):
            in_doubt.add(words)
        elif line.endswith("…"):
            always.add(words)
            beginnings.append(f"{words} ")
        else:
            always.add(words)
    return _Inventions(frozenset(always), frozenset(in_doubt), tuple(beginnings))


def _is_believable(segment: Segment) -> bool:
    silent = (
        segment.no_speech_probability > NO_SPEECH_PROBABILITY
        and segment.average_log_probability < WEAK_LOG_PROBABILITY
    )
    loops = segment.compression_ratio > LOOP_COMPRESSION_RATIO
    words = normalised(segment.text)
    return bool(words) and not (silent or loops or is_invention(words, in_doubt=False))


def _sureness(average_log_probability: float) -> float:
    span = SURE_LOG_PROBABILITY - UNSURE_LOG_PROBABILITY
    # Also false for NaN, which a model with damaged weights gives.
    if not average_log_probability > UNSURE_LOG_PROBABILITY:
        return 0.0
    return min(1.0, (average_log_probability - UNSURE_LOG_PROBABILITY) / span)


def _weighted(segments: Sequence[Segment], values: Sequence[float]) -> float:
    """Mean weighted by tokens: a long segment is more of the utterance than a short one."""
    return min(1.0, max(0.0, _mean(values, [max(1, segment.tokens) for segment in segments])))


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted; 0 where nothing has weight."""
    total = sum(weights)
    if not total:
        return 0.0
    return sum(w * v for w, v in zip(weights, values, strict=True)) / total
