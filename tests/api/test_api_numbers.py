"""REST: analytics, health, metrics, and the schema."""

from datetime import timedelta

import pytest

from backend.api.health import FRESH_S
from backend.api.pages.reference import groups_of
from backend.api.services import PartHealth, PartState
from backend.db.models import Role
from tests.support.office import TODAY, Office, words_of


def test_the_sums_are_those_of_the_calls(shared_office: Office) -> None:
    program = shared_office.program(Role.VIEWER)
    calls = program.get("/api/calls", params={"limit": 200}).json()["items"]
    first = (TODAY - timedelta(days=40)).isoformat()
    answer = program.get("/api/analytics", params={"first": first}).json()
    assert answer["last"] == TODAY.isoformat()
    totals = answer["totals"]
    assert totals["calls"] == len(calls)
    assert totals["contained"] == sum(call["contained"] for call in calls)
    assert totals["containment"] == pytest.approx(totals["contained"] / totals["calls"])
    assert totals["average_duration_s"] == pytest.approx(
        sum(call["duration_s"] for call in calls) / len(calls), abs=0.01
    )
    tickets = program.get("/api/tickets", params={"limit": 200}).json()["items"]
    assert totals["tickets"] == sum(answer["tickets_now"].values()) == len(tickets)


def test_every_day_is_there_and_the_days_add_up(shared_office: Office) -> None:
    program = shared_office.program()
    days = program.get("/api/analytics/daily").json()
    assert len(days) == 30
    assert days[-1]["day"] == TODAY.isoformat()
    whole = program.get("/api/analytics").json()["totals"]
    assert sum(day["calls"] for day in days) == whole["calls"]
    empty = next(day for day in days if day["calls"] == 0)
    assert empty["containment"] is None


def test_intents_come_most_frequent_first(shared_office: Office) -> None:
    intents = shared_office.program().get("/api/analytics/intents").json()
    counts = [intent["calls"] for intent in intents]
    assert counts == sorted(counts, reverse=True)
    assert {"billing", "technical_support"} <= {intent["intent"] for intent in intents}


@pytest.mark.parametrize(
    "path", ["/api/analytics", "/api/analytics/daily", "/api/analytics/intents"]
)
@pytest.mark.parametrize(
    "params", [{"first": "soon"}, {"last": "9999-12-31"}, {"first": "0001-01-01"}]
)
def test_days_that_make_no_sense_are_named(
    shared_office: Office, path: str, params: dict[str, str]
) -> None:
    answer = shared_office.program().get(path, params=params)
    assert answer.status_code == 422
    assert next(iter(params)) in answer.json()["error"]["message"]


def test_a_range_the_wrong_way_round_is_empty(shared_office: Office) -> None:
    params = {"first": "2026-11-20", "last": "2026-11-01"}
    assert shared_office.program().get("/api/analytics/daily", params=params).json() == []


def test_strangers_learn_one_word_about_health_and_friends_everything(office: Office) -> None:
    office.health[:] = [
        PartHealth("database", PartState.OK, "SQLite"),
        PartHealth("llm", PartState.OFF),
    ]
    stranger = office.browser().get("/health")
    assert (stranger.status_code, stranger.json()) == (200, {"status": "ok"})
    friend = office.program(Role.VIEWER).get("/health").json()
    assert [part["part"] for part in friend["parts"]] == ["database", "llm"]


def test_a_lower_rung_is_degraded_and_a_part_that_is_down_is_503(office: Office) -> None:
    office.health[:] = [PartHealth("recogniser", PartState.DEGRADED, "PocketSphinx")]
    assert office.browser().get("/health").json() == {"status": "degraded"}
    office.now_s += FRESH_S
    office.health[:] = [PartHealth("pbx", PartState.DOWN, "Asterisk does not answer.")]
    answer = office.browser().get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "degraded"})


def test_however_often_strangers_ask_the_parts_are_asked_seldom(office: Office) -> None:
    assert office.browser().get("/health").status_code == 200
    office.health[:] = [PartHealth("pbx", PartState.DOWN)]
    assert office.browser().get("/health").status_code == 200
    office.now_s += FRESH_S
    assert office.browser().get("/health").status_code == 503


def test_a_health_check_that_fails_is_bad_health(office: Office) -> None:
    del office.health  # what the provider reads: it raises
    answer = office.program().get("/health")
    assert answer.status_code == 503
    assert answer.json()["parts"][0]["part"] == "health"


def test_health_is_told_while_the_database_is_gone(office: Office) -> None:
    office.services.database.engine.dispose()
    path = office.settings.data_dir / "frontdesk.db"
    path.write_bytes(b"this is no database" * 100)
    office.health[:] = [PartHealth("database", PartState.DOWN, "damaged")]
    answer = office.browser().get("/health", headers={"authorization": "Bearer fd_aaaaaaaa_x"})
    assert (answer.status_code, answer.json()) == (503, {"status": "degraded"})


def test_pages_and_api_say_what_is_wrong_with_the_database(office: Office) -> None:
    program, browser = office.program(), office.signed_in()
    office.services.database.engine.dispose()
    for leftover in office.settings.data_dir.glob("frontdesk.db*"):
        leftover.write_bytes(b"this is no database" * 100)
    answer = program.get("/api/calls")
    assert answer.status_code == 503
    assert "damaged" in answer.json()["error"]["message"]
    page = browser.get("/calls")
    assert page.status_code == 503
    assert "is damaged" in words_of(page)


def test_the_schema_documents_every_address_and_gives_examples(shared_office: Office) -> None:
    schema = shared_office.program(Role.VIEWER).get("/api/openapi.json").json()
    assert shared_office.browser().get("/api/openapi.json").status_code == 401
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (method, path)
            assert "HTTPValidationError" not in str(operation), (method, path)
    assert schema["components"]["schemas"]["CustomerNew"]["properties"]["name"]["examples"]


def test_the_reference_shows_every_address_of_the_schema(shared_office: Office) -> None:
    schema = shared_office.app.openapi()
    shown = {(call.method, call.path) for group in groups_of(schema) for call in group.calls}
    promised = {(m.upper(), path) for path, methods in schema["paths"].items() for m in methods}
    assert shown == promised
    page = shared_office.signed_in(Role.VIEWER).get("/docs").text
    assert all(path in page for _, path in promised)


def test_examples_in_the_reference_are_accepted_by_the_api(office: Office) -> None:
    groups = {group.name: group for group in groups_of(office.app.openapi())}
    for group, path in (("customers", "/api/customers"), ("tickets", "/api/tickets")):
        (call,) = [c for c in groups[group].calls if (c.method, c.path) == ("POST", path)]
        body = call.body.replace("1004", "1001" if group == "tickets" else "98765")
        headers = {"content-type": "application/json"}
        assert office.program().post(path, content=body, headers=headers).status_code == 201
