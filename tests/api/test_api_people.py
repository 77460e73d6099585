"""People, API keys, and the audit log."""

import wave

import pytest

from backend.api.audit import ONCE_IN_S
from backend.calls.operator import Operator
from backend.calls.publisher import CallPublisher
from backend.core.events import EventType
from backend.db.models import Role
from tests.calls.scripted import ScriptedLine
from tests.support.call_events import Script
from tests.support.office import PASSWORD, Office, send, sign_in, words_of

CALL = "20261121-090000-aaaaaa"


def audit_of(office: Office, **filters: str) -> list[tuple[str, str, str, str]]:
    items = office.program().get("/api/audit", params=filters).json()["items"]
    return [(item["by"], item["action"], item["about"], item["detail"]) for item in items]


def record(office: Office, seconds: int = 2) -> None:
    """One call with a recording."""
    script = Script(CALL).started().answered("Hello.").ended(recording=f"{CALL}.wav")
    office.happens(script.events)
    with wave.open(str(office.services.recordings_dir / f"{CALL}.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(4 * 8000 * seconds))


# --- people and keys over the API -----------------------------------------------------------------


def test_an_owners_program_adds_somebody_who_signs_in_once_with_the_password(
    office: Office,
) -> None:
    answer = office.program().post("/api/users", json={"name": "Grace", "role": "supervisor"})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["name"], made["role"], made["must_change_password"]) == (
        "grace",
        "supervisor",
        True,
    )
    browser = office.browser()
    signed_in = sign_in(browser, "grace", made["one_time_password"])
    assert signed_in.headers["location"] == "/password"
    listed = office.program().get("/api/users")
    assert "grace" in [user["name"] for user in listed.json()]
    assert made["one_time_password"] not in listed.text
    assert "hash" not in listed.text


def test_a_role_is_taken_away_at_the_next_request(office: Office) -> None:
    supervisor = office.signed_in(Role.SUPERVISOR)
    assert supervisor.get("/tickets/new").status_code == 200
    user_id = office.add_user("supervisor", Role.SUPERVISOR)
    answer = office.program().patch(f"/api/users/{user_id}", json={"role": "viewer"})
    assert answer.json()["role"] == "viewer"
    assert supervisor.get("/tickets/new").status_code == 403


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "give a role, or active, or both"),
        ({"role": "king"}, "role"),
        ({"active": "perhaps"}, "active"),
        ({"role": "viewer", "is_admin": True}, "is_admin"),
    ],
)
def test_a_change_of_a_user_that_cannot_be_says_why(
    shared_office: Office, body: dict[str, object], reason: str
) -> None:
    answer = shared_office.program().patch("/api/users/1", json=body)
    assert answer.status_code == 422
    assert reason in answer.json()["error"]["message"]


def test_the_last_owner_stays_one(office: Office) -> None:
    owner_id = office.add_user("owner", Role.OWNER)
    for body in ({"role": "viewer"}, {"active": False}):
        answer = office.program().patch(f"/api/users/{owner_id}", json=body)
        assert answer.status_code == 422
        assert "owner is the last owner" in answer.json()["error"]["message"]


def test_a_reset_over_the_api_ends_sessions(office: Office) -> None:
    viewer = office.signed_in(Role.VIEWER)
    user_id = office.add_user("viewer", Role.VIEWER)
    answer = office.program().post(f"/api/users/{user_id}/password")
    assert viewer.get("/calls").headers["location"].startswith("/sign-in")
    assert sign_in(office.browser(), "viewer", PASSWORD).status_code == 401
    password = answer.json()["one_time_password"]
    assert sign_in(office.browser(), "viewer", password).status_code == 303


def test_a_key_made_over_the_api_works_until_it_is_revoked(office: Office) -> None:
    owner = office.program()
    made = owner.post("/api/keys", json={"name": "CRM", "role": "viewer"}).json()
    program = office.browser()
    program.headers["authorization"] = f"Bearer {made['key']}"
    assert program.get("/api/calls").status_code == 200
    assert made["key"] not in owner.get("/api/keys").text
    assert owner.delete(f"/api/keys/{made['id']}").json()["revoked_at"]
    assert program.get("/api/calls").status_code == 401


def test_the_owner_changes_a_role_on_the_page(office: Office) -> None:
    owner = office.signed_in()
    user_id = office.add_user("dana", Role.VIEWER)
    path = f"/settings/users/{user_id}/access"
    answer = send(owner, path, form_on="/settings/people", role="supervisor")
    assert answer.status_code == 303
    assert audit_of(office, action="user_changed") == [
        ("owner", "user_changed", "user dana", "supervisor")
    ]
    nonsense = send(owner, path, form_on="/settings/people", role="king")
    assert nonsense.status_code == 422
    assert "supervisor" in words_of(nonsense)


# --- who did what ---------------------------------------------------------------------------------


def test_who_listens_is_written_down_once_however_many_parts_the_player_asks_for(
    office: Office,
) -> None:
    record(office)
    viewer = office.signed_in(Role.VIEWER)
    for start in (0, 8000, 16000):
        answer = viewer.get(
            f"/api/calls/{CALL}/recording", headers={"range": f"bytes={start}-{start + 99}"}
        )
        assert answer.status_code == 206
    heard = ("viewer", "recording_played", f"call {CALL}", "")
    assert audit_of(office, about=f"call {CALL}") == [heard]
    office.now_s += ONCE_IN_S
    viewer.get(f"/api/calls/{CALL}/recording")
    assert audit_of(office, about=f"call {CALL}") == [heard, heard]


def test_a_download_is_told_from_listening_and_a_program_from_a_person(office: Office) -> None:
    record(office)
    office.program(Role.VIEWER).get(f"/api/calls/{CALL}/recording", params={"download": "true"})
    assert audit_of(office, action="recording_downloaded") == [
        ("key viewer key", "recording_downloaded", f"call {CALL}", "")
    ]


def test_what_is_not_there_was_not_listened_to(office: Office) -> None:
    viewer = office.program(Role.VIEWER)
    assert viewer.get("/api/calls/nothing/recording").status_code == 404
    assert audit_of(office, about="call nothing") == []


def test_changes_are_written_down_with_what_changed_and_nothing_that_was_typed(
    office: Office,
) -> None:
    program = office.program(Role.SUPERVISOR)
    program.patch("/api/customers/1", json={"plan": "Fiber", "phone": "555-7777"})
    made = program.post("/api/tickets", json={"subject": "Call Ada back"}).json()
    program.patch(f"/api/tickets/{made['number']}", json={"note": "Very private"})
    customer = program.get("/api/customers/1").json()
    lines = audit_of(office, by="key supervisor key")
    assert lines == [
        ("key supervisor key", "ticket_changed", f"ticket {made['number']}", "note"),
        ("key supervisor key", "ticket_opened", f"ticket {made['number']}", ""),
        ("key supervisor key", "customer_changed", f"customer {customer['number']}", "plan, phone"),
    ]


def test_a_change_that_is_refused_leaves_no_line(office: Office) -> None:
    program = office.program(Role.SUPERVISOR)
    refused = program.patch("/api/customers/1", json={"name": "Eve", "version": 99})
    assert refused.status_code == 409
    assert audit_of(office, by="key supervisor key") == []


def test_signing_in_and_changing_who_may_come_in_are_written_down(office: Office) -> None:
    owner = office.signed_in()
    send(owner, "/settings/users", form_on="/settings/people", user_name="eve", user_role="viewer")
    send(owner, "/settings/keys", form_on="/settings/people", key_name="CRM", key_role="viewer")
    lines = [(action, about) for _, action, about, _ in audit_of(office, by="owner")]
    assert lines == [
        ("key_created", "key CRM"),
        ("user_added", "user eve"),
        ("signed_in", "user owner"),
    ]


def test_the_page_of_the_log_filters_pages_and_shows_text_as_text(office: Office) -> None:
    owner = office.signed_in()
    evil = "<b>CRM</b>"
    send(owner, "/settings/keys", form_on="/settings/people", key_name=evil, key_role="viewer")
    page = owner.get("/settings/audit", params={"action": "key_created"})
    assert evil not in page.text
    assert f"key {evil}" in words_of(page)
    assert "user owner" not in words_of(page)
    nobody = words_of(owner.get("/settings/audit", params={"about": "ticket 1"}))
    assert "Nothing fits." in nobody
    assert owner.get("/settings/audit", params={"cursor": "xx"}).status_code == 422


def test_what_a_supervisor_does_to_a_call_in_progress_is_written_down(office: Office) -> None:
    publisher = CallPublisher(office.services.events, CALL)
    publisher.publish(EventType.CALL_STARTED, line="text", caller="", called="", pbx_id="")
    office.operators.of[CALL] = Operator(ScriptedLine(), publisher)
    supervisor = office.program(Role.SUPERVISOR)
    noted = supervisor.post(f"/api/calls/{CALL}/notes", json={"text": "Very private"})
    ended = supervisor.post(f"/api/calls/{CALL}/hang-up")
    assert (noted.status_code, ended.status_code) == (204, 202)
    assert [(by, action) for by, action, _, _ in audit_of(office, about=f"call {CALL}")] == [
        ("key supervisor key", "call_hung_up"),
        ("key supervisor key", "call_noted"),
    ]
