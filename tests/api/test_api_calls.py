"""REST: calls, live and past."""

from typing import Any

import pytest

from backend.db.models import Role
from tests.support.call_events import NINE, Script, short_call
from tests.support.office import Office

CALL = "20261121-090000-aaaaaa"


def listed(office: Office, **params: str | float) -> list[dict[str, Any]]:
    """All calls that fit."""
    answer = office.program(Role.VIEWER).get("/api/calls", params={"limit": 200, **params})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_calls_come_newest_first_a_page_at_a_time(shared_office: Office) -> None:
    whole = listed(shared_office)
    assert len(whole) == 42
    assert whole == sorted(whole, key=lambda call: call["started_at"], reverse=True)
    program, seen, cursor = shared_office.program(), [], None
    for _ in range(5):
        params = {"limit": "10"} | ({"cursor": cursor} if cursor else {})
        page = program.get("/api/calls", params=params).json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == whole
    assert cursor is None


@pytest.mark.parametrize("name", ["intent", "outcome", "caller", "customer_id"])
def test_calls_are_filtered_by_what_they_are(shared_office: Office, name: str) -> None:
    whole = listed(shared_office)
    wanted = next(call[name] for call in whole if call[name])
    found = listed(shared_office, **{name: wanted})
    assert found == [call for call in whole if call[name] == wanted]


def test_calls_are_filtered_by_time_length_and_latency(shared_office: Office) -> None:
    whole = listed(shared_office)
    middle = whole[20]
    since = listed(shared_office, since=middle["started_at"])
    until = listed(shared_office, until=middle["started_at"])
    assert since == whole[:21]
    assert until == whole[21:]
    long = listed(shared_office, min_duration_s=60)
    assert long == [call for call in whole if call["duration_s"] >= 60]
    slow = listed(shared_office, min_latency_s=1.16)
    assert slow == [call for call in whole if (call["slowest_turn_s"] or 0) >= 1.16]


def test_the_newest_calls(shared_office: Office) -> None:
    recent = shared_office.program().get("/api/calls/recent", params={"limit": 3}).json()
    assert recent == listed(shared_office)[:3]


def test_one_call_with_everything_in_it(office: Office) -> None:
    office.happens(short_call(CALL).events)
    call = office.program().get(f"/api/calls/{CALL}").json()
    assert call["outcome"] == "completed"
    assert call["has_recording"] is False
    assert [turn["text"] for turn in call["turns"]] == ["Hello.", "what do i owe", "Nothing."]
    assert call["turns"][1]["intent"] == "billing"
    assert [event["seq"] for event in call["events"]] == list(range(len(call["events"])))
    assert call["tickets"] == []


def test_a_transcript_alone(office: Office) -> None:
    office.happens(short_call(CALL).events)
    answer = office.program().get(f"/api/calls/{CALL}/transcript").json()
    assert [(turn["who"], turn["text"]) for turn in answer["turns"]] == [
        ("bot", "Hello."),
        ("caller", "what do i owe"),
        ("bot", "Nothing."),
    ]


def test_the_calls_of_a_customer(office: Office) -> None:
    office.happens(Script(CALL).started().identified("1004").ended().events)
    customer = office.program().get("/api/customers", params={"search": "1004"}).json()["items"][0]
    answer = office.program().get(f"/api/calls/customer/{customer['id']}").json()
    assert answer["items"][0]["id"] == CALL
    assert {call["customer_number"] for call in answer["items"]} == {"1004"}


def test_a_live_call_is_seen_while_it_lasts_and_not_afterwards(office: Office) -> None:
    program = office.program(Role.VIEWER)
    script = (
        Script(CALL)
        .started(caller="5550104")
        .answered("Hello.")
        .asked("my bill please")
        .identified("1004")
    )
    office.happens(script.events)
    (live,) = program.get("/api/calls/live").json()
    assert (live["call_id"], live["caller"], live["intent"]) == (CALL, "5550104", "billing")
    assert live["customer_number"] == "1004"
    assert live["last_words"] == ["bot: Hello.", "caller: my bill please"]
    shown = program.get(f"/api/calls/{CALL}").json()
    assert (shown["ended_at"], shown["outcome"]) == (None, None)
    office.happens(script.ended().events[-1:])
    assert program.get("/api/calls/live").json() == []
    assert program.get(f"/api/calls/{CALL}").json()["outcome"] == "completed"


@pytest.mark.parametrize("path", ["", "/transcript", "/recording"])
@pytest.mark.parametrize("call_id", ["20200101-000000-ffffff", "a b", "..%2f..%2fetc", "x" * 100])
def test_a_call_that_does_not_exist_is_said_not_to(
    shared_office: Office, call_id: str, path: str
) -> None:
    answer = shared_office.program().get(f"/api/calls/{call_id}{path}")
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"since": "yesterday"}, "since: "),
        (
            {"since": NINE.replace(tzinfo=None).isoformat()},
            "since: Input should have timezone info",
        ),
        ({"since": "9999-12-31T23:59:59-10:00"}, "since: must be in the years"),
        ({"outcome": "great"}, "outcome: "),
        ({"min_latency_s": "-1"}, "min_latency_s: "),
        ({"min_duration_s": "nan"}, "min_duration_s: "),
        ({"customer_id": "9" * 30}, "customer_id: "),
        ({"cursor": "WyJ4Il0"}, "This is not a cursor."),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(
    shared_office: Office, params: dict[str, str], complaint: str
) -> None:
    answer = shared_office.program().get("/api/calls", params=params)
    assert answer.status_code == 422
    assert complaint in answer.json()["error"]["message"]
