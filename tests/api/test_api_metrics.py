"""What Prometheus reads: sums over the events of all calls."""

import re

import pytest

from backend.api.metrics import MOST_NAMES
from backend.core.events import EventType
from backend.core.records import CallOutcome
from backend.core.speech import UNSUPPORTED_SOURCE
from backend.db.models import Role
from tests.support.call_events import Script, short_call
from tests.support.office import Office


def metric(text: str, name: str) -> float:
    """The value of one sample."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_metrics_count_what_calls_do(office: Office) -> None:
    call = Script("20261121-090000-bbbbbb").started()
    call.asked("hello").answered("Hi.", total_s=0.3, recognition_s=0.04)
    call.add(EventType.TICKET_OPENED, number="100000", type="billing", priority="normal")
    call.add(EventType.WARNING, code="tts-fallback", message="espeak-ng instead of flite")
    office.happens([*short_call("20261121-090000-aaaaaa").events, *call.events])
    text = office.program(Role.VIEWER).get("/metrics").text
    assert metric(text, 'frontdesk_calls_total{line="agi"}') == 2
    assert metric(text, "frontdesk_calls_active") == 1
    assert metric(text, 'frontdesk_calls_ended_total{outcome="completed"}') == 1
    assert metric(text, 'frontdesk_turn_seconds_count{part="recognition"}') == 1
    assert metric(text, 'frontdesk_turn_seconds_sum{part="recognition"}') == pytest.approx(0.04)
    assert metric(text, 'frontdesk_tickets_total{type="billing"}') == 1
    assert metric(text, 'frontdesk_troubles_total{code="tts-fallback",level="warning"}') == 1


def test_inventions_that_were_not_spoken_are_counted(office: Office) -> None:
    call = Script().started()
    call.add(EventType.BOT_SAYS, turn=1, text="Yes.", source="llm:tiny")
    call.add(EventType.BOT_SAYS, turn=1, text="I do not know.", source=UNSUPPORTED_SOURCE)
    office.happens(call.events)
    text = office.program(Role.VIEWER).get("/metrics").text
    assert metric(text, "frontdesk_unsupported_answers_total") == 1


def test_every_part_of_an_answer_has_buckets_from_ten_milliseconds_to_five_seconds(
    office: Office,
) -> None:
    call = Script().started()
    for thinking_s in (0.008, 0.3, 4.0, 7.0):
        call.asked("and?").answered("So.", total_s=thinking_s + 0.1, thinking_s=thinking_s)
    office.happens(call.events)
    text = office.program().get("/metrics").text

    def thought_within(seconds: str) -> float:
        return metric(text, f'frontdesk_turn_seconds_bucket{{le="{seconds}",part="thinking"}}')

    counts = [thought_within(seconds) for seconds in ("0.01", "0.25", "0.3", "5.0", "+Inf")]
    assert counts == [1, 1, 2, 3, 4]
    parts = set(re.findall(r'frontdesk_turn_seconds_count\{part="(\w+)"\}', text))
    assert parts == {
        "endpoint_wait", "recognition", "thinking", "first_audio", "transport", "total"
    }  # fmt: skip


def test_interruptions_and_false_stops_are_counted_apart(office: Office) -> None:
    call = Script().started()
    call.add(EventType.CALLER_DISMISSED, turn=1, text="mhm")
    call.add(EventType.CALLER_DISMISSED, turn=1, text="")
    call.add(EventType.CALLER_INTERRUPTED, turn=0, sentence=0, heard="Thank you")
    office.happens(call.events)
    text = office.program().get("/metrics").text
    assert metric(text, "frontdesk_interruptions_total") == 1
    assert metric(text, "frontdesk_false_stops_total") == 2


def test_whatever_events_say_the_labels_stay_few(office: Office) -> None:
    call = Script()
    for number in range(2 * MOST_NAMES):
        call.add(EventType.WARNING, code=f"code-{number}", message="")
        call.started(line=f"line-{number}")
        call.add(EventType.TICKET_OPENED, number="1", type=f"type-{number}", priority="normal")
        call.add(EventType.CALL_ENDED, outcome=f"outcome-{number}", duration_s=1.0)
    for event in call.events:  # the bus alone: no database would take these
        office.services.events.publish(event)
    text = office.program().get("/metrics").text
    assert metric(text, 'frontdesk_troubles_total{code="code-0",level="warning"}') == 1
    assert metric(text, 'frontdesk_troubles_total{code="other",level="warning"}') == MOST_NAMES
    assert metric(text, 'frontdesk_calls_total{line="other"}') == MOST_NAMES
    assert metric(text, 'frontdesk_tickets_total{type="other"}') == 2 * MOST_NAMES
    assert metric(text, 'frontdesk_calls_ended_total{outcome="other"}') == 2 * MOST_NAMES


def test_what_was_not_measured_is_not_counted_as_no_time(office: Office) -> None:
    office.happens(Script().started().answered("Hello.", thinking_s=None, total_s=0.0).events)
    text = office.program().get("/metrics").text
    assert metric(text, 'frontdesk_turn_seconds_count{part="total"}') == 0


def test_metrics_survive_events_with_odd_data(office: Office) -> None:
    call = Script("20261121-090000-aaaaaa").started()
    call.answered("Hi.", total_s="slow")  # type: ignore[arg-type]
    call.answered("Hi.", total_s=-1).ended(CallOutcome.FAILED)
    office.happens(call.events)
    text = office.program().get("/metrics").text
    assert metric(text, 'frontdesk_turn_seconds_count{part="total"}') == 0
    assert metric(text, 'frontdesk_calls_ended_total{outcome="failed"}') == 1


def test_metrics_are_not_for_strangers_even_on_this_machine(shared_office: Office) -> None:
    assert shared_office.browser().get("/metrics").status_code == 401
