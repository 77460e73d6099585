"""One call as a page tells it: what was said, sentence by sentence, and what happened in between.

Words come from the turns; when each sentence began, and everything else, from the events.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backend.api.templating import label, ms
from backend.api.turn_timings import SPLIT
from backend.core.events import EventType, OperatorAction
from backend.db.models import Who
from backend.db.queries.calls import CallDetail, EventRecord, TurnRecord

_ORIGINS = {
    "kb:faq": "Question and answer",
    "kb:responses": "Wording",
    "kb:support": "Troubleshooting",
    "kb:plan": "Plan",
    "kb:company": "Company",
    "kb:documents": "Document",
    "kb": "Knowledge base",
    "llm": "Language model",
    "policy": "Policy",
}
"""How the first words of `Sentence.source` are called."""


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of an answer's time, as a piece of a bar."""

    name: str
    start_s: float
    seconds: float

    @property
    def words(self) -> str:
        """For who cannot see the bar."""
        return f"{label(self.name)} {ms(self.seconds)}"


@dataclass(frozen=True, slots=True)
class SentenceView:
    """One sentence, and where it is to be heard."""

    text: str
    at_s: float | None
    """Seconds since the call started; None when that is not known."""
    was_heard: bool = True
    """False: the caller cut us short before it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an answer came from."""

    name: str
    which: str
    is_model: bool


@dataclass(frozen=True, slots=True)
class TurnView:
    """What one side said in one turn."""

    turn: TurnRecord
    begins_s: float
    sentences: list[SentenceView]
    timings: list[PartView] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RemarkView:
    """Something that happened between what was said."""

    begins_s: float
    text: str
    tone: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class EventView:
    """An event in one line."""

    event: EventRecord

    @property
    def words(self) -> str:
        """Its data."""
        given = (
            f"{key} {value}" for key, value in self.event.data.items() if value not in ("", None)
        )
        return ", ".join(given)[:300]


def story(detail: CallDetail) -> list[TurnView | RemarkView]:
    """Turns and remarks in the order they began."""
    told: list[TurnView | RemarkView] = [*_turns(detail), *_remarks(detail.events)]
    return sorted(told, key=lambda one: one.begins_s)


def _turns(detail: CallDetail) -> Iterator[TurnView]:
    begun: dict[int, list[SentenceView]] = {}
    for event in detail.events:
        if event.type == EventType.BOT_SAYS:
            sentence = SentenceView(str(event.data.get("text", "")), event.at_s)
            begun.setdefault(int(event.data.get("turn", -1)), []).append(sentence)
    waits_s = {
        turn.number: (turn.endpoint_wait_s or 0.0) + (turn.recognition_s or 0.0)
        for turn in detail.turns
        if turn.who is Who.BOT
    }
    for turn in detail.turns:
        if turn.who is Who.CALLER:
            begins_s = max(0.0, turn.at_s - waits_s.get(turn.number, 0.0) - (turn.audio_s or 0.0))
            yield TurnView(turn, begins_s, [SentenceView(turn.text, begins_s)])
            continue
        sentences = _heard(turn, begun.get(turn.number, []))
        begins_s = next((s.at_s for s in sentences if s.at_s is not None), turn.at_s)
        yield TurnView(turn, begins_s, sentences, _timings(turn), _origins(turn.source))


def _heard(turn: TurnRecord, begun: Sequence[SentenceView]) -> list[SentenceView]:
    """The sentences as far as they were heard; then, in an interrupted answer, the rest."""
    left = turn.text
    shown: list[SentenceView] = []
    for sentence in begun:
        if left.startswith(sentence.text):
            shown.append(sentence)
            left = left[len(sentence.text) :].lstrip()
        elif left and sentence.text.startswith(left):
            rest = sentence.text[len(left) :]
            shown += [SentenceView(left, sentence.at_s), SentenceView(rest, None, was_heard=False)]
            left = ""
        elif not left and turn.interrupted:
            shown.append(SentenceView(sentence.text, None, was_heard=False))
    if left:  # cut within a word, or recorded by another version: the turn's own words count
        return [SentenceView(turn.text, begun[0].at_s if begun else None)]
    return shown


def _timings(turn: TurnRecord) -> list[PartView]:
    views: list[PartView] = []
    start_s = 0.0
    for name in SPLIT:
        seconds: float | None = getattr(turn, f"{name}_s")
        if seconds is not None:
            views.append(PartView(name, start_s, seconds))
            start_s += seconds
    return views


def _origins(source: str) -> list[Origin]:
    """One for each kind of source, with everything it gave."""
    given: dict[str, list[str]] = {}
    for one in filter(None, map(str.strip, source.split(","))):
        kind, _, which = one.partition(":")
        place, _, entry = which.partition("/")
        is_known = f"{kind}:{place}" in _ORIGINS
        name = f"{kind}:{place}" if is_known else kind
        given.setdefault(name, []).append(entry if is_known else which)
    return [
        Origin(
            _ORIGINS.get(name, label(name)),
            ", ".join(entry.replace("_", " ") for entry in entries if entry),
            is_model=name == "llm",
        )
        for name, entries in given.items()
    ]


def _remarks(events: Sequence[EventRecord]) -> Iterator[RemarkView]:
    for event in events:
        text, tone, link = _remark(event)
        if text:
            yield RemarkView(event.at_s, text, tone, link)


def _remark(event: EventRecord) -> tuple[str, str, str]:
    """Its words, their tone, and where they lead; no words for what needs none."""
    data = {key: str(value) for key, value in event.data.items()}
    try:
        match event.type:
            case EventType.CUSTOMER_IDENTIFIED:
                return f"Identified as customer {data['customer_number']}", "ok", ""
            case EventType.TICKET_OPENED:
                number = data["number"]
                return f"Ticket {number} opened", "ok", f"/tickets/{number}"
            case EventType.TRANSFER_STARTED:
                return f"Putting through to {data['extension']}", "", ""
            case EventType.TRANSFER_FAILED:
                why = label(data["reason"]).lower()
                return f"{data['extension']} could not be reached: {why}", "warn", ""
            case EventType.OPERATOR_ACTED:
                return _act(data), "note", ""
            case EventType.CALLER_DISMISSED:
                return "A sound that was no turn; we went on", "", ""
            case EventType.WARNING:
                return data["message"], "warn", ""
            case EventType.ERROR:
                return data["message"], "bad", ""
    except KeyError:  # written by another version
        return label(event.type), "", ""
    return "", "", ""


def _act(data: dict[str, str]) -> str:
    match data["action"]:
        case OperatorAction.HANG_UP:
            return f"{data['by']} hung up"
        case OperatorAction.TRANSFER:
            return f"{data['by']} put the caller through to {data['text']}"
    return f"{data['by']}: {data['text']}"
