"""Pages of tickets: the board, the way back into the call, and two people at one ticket."""

import re

import pytest

from backend.core.events import EventType
from backend.core.records import TicketDraft, TicketType
from backend.db.models import Role
from tests.support.call_events import Script
from tests.support.office import Office, run_aside, send, words_of

CALL = "20261121-090000-aaaaaa"


def test_a_ticket_leads_to_the_moment_it_was_opened_in_its_call(office: Office) -> None:
    script = Script(CALL).started().asked("no internet").answered("I will open a ticket.")
    script.add(EventType.TICKET_OPENED, number="777001", type="technical", priority="high")
    script.answered("Your number is 7 7 7 0 0 1.")
    draft = TicketDraft("777001", TicketType.TECHNICAL, "No internet")
    run_aside(office.services.store.open_ticket(draft, CALL))
    office.happens(script.ended().events)
    ticket = office.program().get("/api/tickets/777001").json()
    assert ticket["opened_at_s"] == 5.0
    browser = office.signed_in()
    link = f"/calls/{CALL}?at=5.0#moment"
    assert link in browser.get("/tickets/777001").text
    page = browser.get(link).text
    (marked,) = re.findall(r'id="moment".*?<p class="bubble">(.*?)</p>', page, re.DOTALL)
    assert "Your number is 7 7 7 0 0 1." in marked


@pytest.mark.parametrize("at", ["soon", "nan", "-1e999", "99999", ""])
def test_a_moment_that_makes_no_sense_is_none(office: Office, at: str) -> None:
    office.happens(Script(CALL).started().answered("Hello.").ended().events)
    page = office.signed_in().get(f"/calls/{CALL}", params={"at": at})
    assert page.status_code == 200
    assert 'id="moment"' not in page.text


def test_the_board_has_a_column_for_every_status_and_moves_tickets(office: Office) -> None:
    supervisor = office.signed_in(Role.SUPERVISOR)
    made = office.program().post("/api/tickets", json={"subject": "<i>Call</i> Ada"}).json()
    number = made["number"]
    board = supervisor.get("/tickets/board")
    assert "<i>Call" not in board.text
    words = words_of(board)
    assert all(column in words for column in ("Open", "In progress", "Resolved", "Closed"))
    moved = send(
        supervisor,
        f"/tickets/{number}/move",
        form_on="/tickets/board",
        status="resolved",
        version="1",
    )
    assert moved.headers["location"] == "/tickets/board"
    ticket = office.program().get(f"/api/tickets/{number}").json()
    assert (ticket["status"], ticket["history"][-1]["by"]) == ("resolved", "supervisor")


def test_a_card_that_is_out_of_date_moves_nothing_and_says_so(office: Office) -> None:
    supervisor = office.signed_in(Role.SUPERVISOR)
    number = office.program().post("/api/tickets", json={"subject": "Ada"}).json()["number"]
    office.program().patch(f"/api/tickets/{number}", json={"status": "in_progress"})
    path = f"/tickets/{number}/move"
    moved = send(supervisor, path, form_on="/tickets/board", status="closed", version="1")
    assert moved.status_code == 409
    assert "meanwhile" in words_of(moved)
    assert office.program().get(f"/api/tickets/{number}").json()["status"] == "in_progress"
    nonsense = send(supervisor, path, form_on="/tickets/board", status="lost", version="x")
    assert nonsense.status_code == 422


def test_viewers_see_the_board_and_move_nothing(shared_office: Office) -> None:
    assert "/move" not in shared_office.signed_in(Role.VIEWER).get("/tickets/board").text


def test_tickets_are_filtered_by_who_has_them(office: Office) -> None:
    program = office.program()
    number = program.post("/api/tickets", json={"subject": "For Zoe"}).json()["number"]
    browser = office.signed_in()
    assert f"/tickets/{number}" in browser.get("/tickets", params={"assignee": "nobody"}).text
    program.patch(f"/api/tickets/{number}", json={"assignee": "zoe"})
    assert f"/tickets/{number}" not in browser.get("/tickets", params={"assignee": "nobody"}).text
    page = browser.get("/tickets/board", params={"assignee": "zoe"})
    assert f"/tickets/{number}" in page.text
    assert '<option value="zoe" selected>' in page.text


def test_a_stale_edit_shows_both_versions_and_saving_again_is_a_decision(office: Office) -> None:
    supervisor = office.signed_in(Role.SUPERVISOR)
    number = office.program().post("/api/tickets", json={"subject": "Ada"}).json()["number"]
    path = f"/tickets/{number}"
    office.program().patch(f"/api/tickets/{number}", json={"status": "closed"})
    mine = {"status": "in_progress", "priority": "high", "type": "other", "assignee": ""}
    refused = send(supervisor, path, **mine, note="Half an hour of typing.", version="1")
    assert refused.status_code == 409
    words = words_of(refused)
    assert "key owner key changed this ticket meanwhile, so nothing was saved" in words
    assert "It is “Closed” now." in words
    assert "Half an hour of typing." in words
    (version,) = re.findall(r'name="version" value="(\d+)"', refused.text)
    again = send(supervisor, path, **mine, note="Half an hour of typing.", version=version)
    assert again.status_code == 303
    assert office.program().get(f"/api/tickets/{number}").json()["status"] == "in_progress"
