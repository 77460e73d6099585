"""REST: tickets."""

from typing import Any

import pytest

from backend.db.models import Role
from tests.support.office import Office


def opened(office: Office, **fields: str) -> dict[str, Any]:
    """A ticket opened by a supervisor's program."""
    answer = office.program(Role.SUPERVISOR).post(
        "/api/tickets", json={"subject": "No dial tone"} | fields
    )
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


def test_a_ticket_is_opened_for_a_customer_and_found_again(office: Office) -> None:
    ticket = opened(
        office,
        type="technical",
        priority="high",
        customer_number="1004",
        description="Since\nMonday",
    )
    assert ticket["status"] == "open"
    assert ticket["customer_name"] == "Robert Miller"
    assert ticket["description"] == "Since\nMonday"
    assert len(ticket["number"]) == 6
    read = office.program(Role.VIEWER).get(f"/api/tickets/{ticket['number']}").json()
    assert read == ticket


def test_its_history_names_who_opened_it(office: Office) -> None:
    (line,) = opened(office)["history"]
    assert (line["by"], line["field"], line["new"]) == ("key supervisor key", "status", "open")


def test_every_change_and_note_becomes_a_line_of_the_history(office: Office) -> None:
    number = opened(office)["number"]
    change = {"status": "in_progress", "assignee": "grace", "note": "Technician on Monday."}
    answer = office.program(Role.SUPERVISOR).patch(f"/api/tickets/{number}", json=change)
    lines = [(line["field"], line["old"], line["new"]) for line in answer.json()["history"][1:]]
    assert lines == [
        ("status", "open", "in_progress"),
        ("assignee", "", "grace"),
        ("note", "", "Technician on Monday."),
    ]


def test_two_people_cannot_silently_overwrite_each_other(office: Office) -> None:
    ticket = opened(office)
    program, path = office.program(), f"/api/tickets/{ticket['number']}"
    first = {"status": "resolved", "version": ticket["version"]}
    assert program.patch(path, json=first).status_code == 200
    second = program.patch(path, json={"status": "closed", "version": ticket["version"]})
    assert second.status_code == 409
    assert "meanwhile" in second.json()["error"]["message"]
    assert program.get(path).json()["status"] == "resolved"


def test_a_ticket_for_an_unknown_customer_is_refused(shared_office: Office) -> None:
    body = {"subject": "Hello", "customer_number": "424242"}
    answer = shared_office.program().post("/api/tickets", json=body)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "There is no customer 424242."


@pytest.mark.parametrize("name", ["status", "priority", "type"])
def test_the_list_is_filtered(shared_office: Office, name: str) -> None:
    program = shared_office.program()
    everything = program.get("/api/tickets", params={"limit": 200}).json()["items"]
    wanted = everything[0][name]
    found = program.get("/api/tickets", params={name: wanted, "limit": 200}).json()["items"]
    assert found == [ticket for ticket in everything if ticket[name] == wanted]
    assert 0 < len(found) < len(everything)


def test_a_customers_tickets(shared_office: Office) -> None:
    program = shared_office.program()
    everything = program.get("/api/tickets", params={"limit": 200}).json()["items"]
    customer_id = next(t["customer_id"] for t in everything if t["customer_id"])
    found = program.get("/api/tickets", params={"customer_id": customer_id}).json()["items"]
    assert found == [ticket for ticket in everything if ticket["customer_id"] == customer_id]


def test_the_list_goes_on_where_it_stopped(shared_office: Office) -> None:
    program = shared_office.program()
    whole = program.get("/api/tickets", params={"limit": 200}).json()["items"]
    first = program.get("/api/tickets", params={"limit": 7}).json()
    second = program.get(
        "/api/tickets", params={"limit": 200, "cursor": first["next_cursor"]}
    ).json()
    assert first["items"] + second["items"] == whole


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"status": "lost"}, "status: "),
        ({"limit": "0"}, "limit: "),
        ({"limit": "9999"}, "less than or equal to 200 (it is '9999')"),
        ({"customer_id": "x"}, "customer_id: "),
        ({"cursor": "nonsense"}, "This is not a cursor."),
        ({"cursor": "x" * 501}, "cursor: "),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(
    shared_office: Office, params: dict[str, str], complaint: str
) -> None:
    answer = shared_office.program().get("/api/tickets", params=params)
    assert answer.status_code == 422
    assert complaint in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [{"status": "lost"}, {"status": None}, {"subject": ""}, {"number": "1"}, {"version": 0}],
)
def test_a_change_that_makes_no_sense_changes_nothing(
    shared_office: Office, change: dict[str, object]
) -> None:
    program = shared_office.program()
    ticket = program.get("/api/tickets").json()["items"][0]
    answer = program.patch(f"/api/tickets/{ticket['number']}", json=change)
    assert answer.status_code == 422
    assert program.get("/api/tickets").json()["items"][0] == ticket


@pytest.mark.parametrize("number", ["1", "abc", "1;2", "%00"])
def test_a_ticket_that_does_not_exist_is_said_not_to(shared_office: Office, number: str) -> None:
    answer = shared_office.program().get(f"/api/tickets/{number}")
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]["message"]
