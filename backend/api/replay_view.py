"""A stored call and its replay, turn by turn, side by side."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np

from backend.api.call_view import TurnView, story
from backend.audio.pcm import Pcm
from backend.audio.resample import resample
from backend.audio.wav import read_wav_channels
from backend.calls.replay import RATE_HZ, CallerTurn
from backend.core.events import EventType
from backend.core.speech import HeardKind
from backend.db.models import Who
from backend.db.queries.calls import CallDetail
from backend.telephony.line import InputKind

BEFORE_S = 0.3
"""Audio kept from before a turn began: how long it was is known, when it began only nearly."""
MOST_AHEAD_S = 2.0
PARTS = ("endpoint_wait_s", "recognition_s", "thinking_s", "first_audio_s")
"""What a replay measures as a live call does; transport it has none."""
LONGEST_PAUSE_S = 3.0


class Event(Protocol):
    """One event, as it was stored or as it was published."""

    @property
    def type(self) -> str:
        """Its `EventType`."""

    @property
    def data(self) -> Mapping[str, Any]:
        """As documented there."""


@dataclass(slots=True)
class Exchange:
    """What the caller said in one turn, and what came of it."""

    heard: str = ""
    confidence: float | None = None
    intent: str = ""
    answer: str = ""
    interrupted: bool = False
    answered_s: float | None = None
    """From the caller's last word to our first, transport left out."""
    tickets: list[str] = field(default_factory=list)
    """What they are about."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One turn, then and today; None where one of them has no such turn."""

    number: int
    then: Exchange | None
    today: Exchange | None

    def differs(self, what: str) -> bool:
        """Whether both have it, and not the same."""
        if self.then is None or self.today is None:
            return True
        if what == "answer" and self.then.interrupted:
            # Nobody interrupts a replay: as far as it was heard then, it is the same.
            return not self.today.answer.startswith(self.then.answer)
        return bool(getattr(self.then, what) != getattr(self.today, what))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both calls."""

    pairs: list[Pair]
    then_s: float | None
    """Median of `answered_s`."""
    today_s: float | None

    def same(self, what: str) -> str:
        """How many turns are alike in that, as “5 of 6”."""
        said = [pair for pair in self.pairs if pair.number]
        return f"{sum(not pair.differs(what) for pair in said)} of {len(said)}"


def compare(then: Sequence[Event], today: Sequence[Event]) -> Comparison:
    """Turn by turn."""
    before, after = _exchanges(then), _exchanges(today)
    pairs = [
        Pair(number, one, other) for number, (one, other) in enumerate(zip_longest(before, after))
    ]
    return Comparison(pairs, _answered_s(before), _answered_s(after))


async def caller_turns(detail: CallDetail, recording: Path | None) -> list[CallerTurn]:
    """What the caller did: the audio where there is a recording, else the words.

    Raises AudioError for a recording that cannot be read.
    """
    caller, ahead_s = None, 0.0
    if recording is not None:
        caller = await asyncio.to_thread(_caller_side, recording)
        ahead_s = min(max(0.0, detail.call.duration_s - len(caller) / RATE_HZ), MOST_AHEAD_S)
    pauses_s = _pauses_s(detail)
    turns: list[CallerTurn] = []
    over_s = 0.0
    for told in story(detail):
        if isinstance(told, TurnView) and told.turn.who is Who.CALLER:
            first_s = max(over_s, told.begins_s - BEFORE_S)
            over_s = told.turn.at_s
            pcm = None
            if caller is not None:
                first, last = (max(0, round((s - ahead_s) * RATE_HZ)) for s in (first_s, over_s))
                pcm = caller[first:last]
            turns.append(_caller_turn(told, pcm, pauses_s.get(told.turn.number, 0.0)))
    return turns


def seconds_of(detail: CallDetail) -> float:
    """About how long a replay takes: as long as the caller spoke."""
    spoken_s = sum(turn.audio_s or 0.0 for turn in detail.turns if turn.who is Who.CALLER)
    return spoken_s + sum(_pauses_s(detail).values())


def _pauses_s(detail: CallDetail) -> dict[int, float]:
    """The silence that ended each turn of the caller."""
    return {
        turn.number: min(turn.endpoint_wait_s or 0.0, LONGEST_PAUSE_S)
        for turn in detail.turns
        if turn.who is Who.BOT
    }


def _caller_turn(told: TurnView, pcm: Pcm | None, pause_s: float) -> CallerTurn:
    turn = told.turn
    if turn.kind == HeardKind.DIGITS:
        return CallerTurn(InputKind.DIGITS, digits=turn.digits)
    if turn.kind == HeardKind.SILENCE or (pcm is None and not turn.text):
        return CallerTurn(InputKind.SILENCE)
    if pcm is None:
        return CallerTurn(InputKind.TEXT, text=turn.text)
    return CallerTurn(InputKind.SPEECH, pcm=pcm, pause_s=pause_s)


def _caller_side(recording: Path) -> Pcm:
    samples, rate_hz = read_wav_channels(recording)
    return resample(np.ascontiguousarray(samples[:, 0]), rate_hz, RATE_HZ)


def _exchanges(events: Sequence[Event]) -> list[Exchange]:
    found: dict[int, Exchange] = {}
    number = 0
    for event in events:
        data = event.data
        number = int(data.get("turn", number))
        if event.type == EventType.CALLER_SAID:
            one = found.setdefault(number, Exchange())
            one.heard = str(data.get("text") or data.get("digits") or "")
            one.confidence = data.get("confidence")
        elif event.type == EventType.UNDERSTOOD:
            found.setdefault(number, Exchange()).intent = str(data.get("intent", ""))
        elif event.type == EventType.TICKET_OPENED:
            ticket = f"{data.get('type')}, {data.get('priority')}"
            found.setdefault(number, Exchange()).tickets.append(ticket)
        elif event.type == EventType.BOT_SAID:
            one = found.setdefault(number, Exchange())
            one.answer = str(data.get("text", ""))
            one.interrupted = bool(data.get("interrupted"))
            parts = [data.get(part) for part in PARTS]
            if any(part is not None for part in parts):
                one.answered_s = sum(part for part in parts if part is not None)
    return [found.get(number, Exchange()) for number in range(max(found, default=-1) + 1)]


def _answered_s(exchanges: Sequence[Exchange]) -> float | None:
    measured = [one.answered_s for one in exchanges if one.answered_s is not None]
    return median(measured) if measured else None
