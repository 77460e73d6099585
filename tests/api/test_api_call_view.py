"""One call as its page tells it: sentences where they are heard, and what happened in between."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.api.call_view import RemarkView, TurnView, story
from backend.core.events import CallEvent, EventType
from backend.core.records import CallOutcome
from backend.db.models import Who
from backend.db.queries.calls import CallDetail, CallRecord, EventRecord, TurnRecord
from tests.support.call_events import NINE

CALL = CallRecord(
    id="20261121-090000-aaaaaa", line="ari", caller="", called="200", pbx_id="", started_at=NINE,
    ended_at=NINE + timedelta(minutes=1), duration_s=60.0, outcome=CallOutcome.COMPLETED,
    contained=True, intent="", customer_id=None, customer_number="", customer_name="",
    transfer_to="", recording="", turn_count=1, slowest_turn_s=None,
)  # fmt: skip


def turn(who: Who, text: str, at_s: float, **changes: object) -> TurnRecord:
    fields: dict[str, object] = {
        "number": 1, "who": who, "at": NINE, "at_s": at_s, "kind": "", "text": text, "digits": "",
        "confidence": None, "audio_s": None, "intent": "", "intent_confidence": None, "source": "",
        "interrupted": False, "endpoint_wait_s": None, "recognition_s": None, "thinking_s": None,
        "first_audio_s": None, "transport_s": None, "total_s": None,
    }  # fmt: skip
    return TurnRecord(**(fields | changes))  # type: ignore[arg-type]


def says(text: str, at_s: float) -> EventRecord:
    return happened(EventType.BOT_SAYS, at_s, turn=1, text=text, source="kb:x")


def happened(event_type: EventType, at_s: float, **data: object) -> EventRecord:
    event = CallEvent(CALL.id, 0, event_type, NINE, at_s, data)
    return EventRecord(event.seq, event.type, event.at, event.at_s, event.data)


def told(turns: list[TurnRecord], events: list[EventRecord]) -> list[TurnView | RemarkView]:
    return story(CallDetail(CALL, turns, events, []))


def only_turn(turns: list[TurnRecord], events: list[EventRecord]) -> TurnView:
    (one,) = told(turns, events)
    assert isinstance(one, TurnView)
    return one


def test_every_sentence_has_the_moment_it_began() -> None:
    bot = turn(Who.BOT, "Hello. How can I help?", at_s=4.0)
    shown = only_turn([bot], [says("Hello.", 0.1), says("How can I help?", 1.4)])
    assert [(s.text, s.at_s) for s in shown.sentences] == [
        ("Hello.", 0.1),
        ("How can I help?", 1.4),
    ]
    assert shown.begins_s == 0.1


def test_what_an_interrupted_caller_never_heard_is_told_apart() -> None:
    bot = turn(Who.BOT, "One. Two is", at_s=4.0, interrupted=True)
    events = [says("One.", 1.0), says("Two is longer.", 2.0), says("Three.", 3.0)]
    assert [(s.text, s.was_heard) for s in only_turn([bot], events).sentences] == [
        ("One.", True),
        ("Two is", True),
        (" longer.", False),
        ("Three.", False),
    ]


def test_words_that_no_event_announced_are_shown_all_the_same() -> None:
    bot = turn(Who.BOT, "Something else.", at_s=4.0)
    assert [s.text for s in only_turn([bot], [says("Hello.", 1.0)]).sentences] == [
        "Something else."
    ]
    assert [s.at_s for s in only_turn([bot], []).sentences] == [None]


def test_the_caller_began_before_we_knew_that_they_had_finished() -> None:
    caller = turn(Who.CALLER, "hello there", at_s=5.0, audio_s=1.5)
    bot = turn(Who.BOT, "Hi.", at_s=6.0, endpoint_wait_s=0.2, recognition_s=0.1)
    first, _ = told([caller, bot], [])
    assert first.begins_s == pytest.approx(3.2)


def test_what_happened_stands_where_it_happened() -> None:
    caller, bot = turn(Who.CALLER, "help", at_s=2.0), turn(Who.BOT, "Done.", at_s=9.0)
    events = [
        happened(EventType.TICKET_OPENED, 3.0, number="482137", type="technical", priority="low"),
        says("Done.", 4.0),
        happened(EventType.OPERATOR_ACTED, 6.0, by="ada", action="note", text="be kind"),
    ]
    ticket, note = (one for one in told([caller, bot], events) if isinstance(one, RemarkView))
    assert (ticket.text, ticket.link) == ("Ticket 482137 opened", "/tickets/482137")
    assert note.text == "ada: be kind"
    assert [one.begins_s for one in told([caller, bot], events)] == [2.0, 3.0, 4.0, 6.0]


def test_sources_of_one_kind_stand_together() -> None:
    source = "kb:responses/verified, kb:responses/balance_due, kb:faq/hours, llm:llama3.2, policy:x"
    origins = only_turn([turn(Who.BOT, "Hi.", 1.0, source=source)], []).origins
    assert [(o.name, o.which, o.is_model) for o in origins] == [
        ("Wording", "verified, balance due", False),
        ("Question and answer", "hours", False),
        ("Language model", "llama3.2", True),
        ("Policy", "x", False),
    ]


def test_an_event_of_another_version_is_named_at_least() -> None:
    (remark,) = told([], [happened(EventType.TICKET_OPENED, 1.0)])
    assert isinstance(remark, RemarkView)
    assert remark.text == "Ticket.opened"


@given(
    sentences=st.lists(st.text("ab .", min_size=1, max_size=8).map(str.strip).filter(bool)),
    cut=st.integers(0, 60),
)
def test_all_that_was_heard_is_shown_once_and_in_order(sentences: list[str], cut: int) -> None:
    text = " ".join(sentences)[:cut].strip()
    events = [says(sentence, float(place)) for place, sentence in enumerate(sentences)]
    shown = only_turn([turn(Who.BOT, text, at_s=9.0, interrupted=True)], events)
    assert " ".join(s.text for s in shown.sentences if s.was_heard) == text
