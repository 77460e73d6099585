"""REST: customers."""

import pytest

from backend.db.models import Role
from tests.support.office import Office

NEW = {
    "number": "0042",
    "name": "Ada Lovelace",
    "balance": "12.50",
    "currency": "GBP",
    "due_date": "2026-12-01",
    "plan": "Fibre",
    "email": "ada@example.com",
    "phone": "+44 20 7946 0000",
}


def test_customers_come_by_name_a_page_at_a_time(shared_office: Office) -> None:
    program = shared_office.program(Role.VIEWER)
    seen, cursor = [], None
    while True:
        params = {"limit": "5"} | ({"cursor": cursor} if cursor else {})
        answer = program.get("/api/customers", params=params).json()
        seen += [customer["name"] for customer in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 14
    assert seen[0] == "Aisha Khan"


@pytest.mark.parametrize("search", ["MILLER", "1004", "robert miller", "555-0104"])
def test_a_customer_is_found_by_name_number_and_telephone(
    shared_office: Office, search: str
) -> None:
    answer = shared_office.program().get("/api/customers", params={"search": search}).json()
    assert [customer["number"] for customer in answer["items"]] == ["1004"]


def test_a_created_customer_comes_back_as_it_was_sent(office: Office) -> None:
    program = office.program(Role.SUPERVISOR)
    created = program.post("/api/customers", json=NEW)
    assert created.status_code == 201
    read = program.get(created.headers["location"]).json()
    assert read == created.json()
    assert {name: read[name] for name in NEW} == NEW
    assert read["created_at"] == "2026-11-21T12:00:00Z"


def test_a_number_that_is_taken_is_refused(office: Office) -> None:
    answer = office.program().post("/api/customers", json=NEW | {"number": "1004"})
    assert answer.status_code == 409
    assert answer.json()["error"]["message"] == "Customer number 1004 is taken."


def test_a_change_touches_only_what_was_sent(office: Office) -> None:
    program = office.program()
    before = program.get("/api/customers/1").json()
    after = program.patch("/api/customers/1", json={"plan": "Fibre 500", "due_date": None}).json()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"plan", "due_date", "updated_at", "version"}
    assert (after["plan"], after["due_date"]) == ("Fibre 500", None)


def test_a_change_of_something_stale_is_refused_and_nothing_is_lost(office: Office) -> None:
    program = office.program()
    version = program.get("/api/customers/1").json()["version"]
    assert program.patch("/api/customers/1", json={"name": "A", "version": version}).is_success
    stale = program.patch("/api/customers/1", json={"name": "B", "version": version})
    assert stale.status_code == 409
    assert stale.json()["error"]["code"] == "conflict"
    assert program.get("/api/customers/1").json()["name"] == "A"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"number": "12a"}, "number: "),
        ({"number": ""}, "number: "),
        ({"name": "  "}, "name: "),
        ({"name": "two\nlines"}, "name: must be one line without control characters"),
        ({"name": "nul\x00"}, "name: must be one line"),
        ({"name": "x" * 201}, "name: "),
        ({"balance": "NaN"}, "balance: "),
        ({"balance": "1.005"}, "balance: "),
        ({"balance": "99999999999"}, "balance: "),
        ({"currency": "dollars"}, "currency: "),
        ({"due_date": "2026-02-30"}, "due_date: "),
        ({"email": "not an address"}, "email: "),
        ({"phone": "call me"}, "phone: "),
        ({"notes": "x" * 5001}, "notes: "),
        ({"shoe_size": 42}, "shoe_size: "),
    ],
)
def test_what_cannot_be_a_customer_is_refused_with_the_fields_name(
    shared_office: Office, change: dict[str, object], complaint: str
) -> None:
    answer = shared_office.program().post("/api/customers", json=NEW | change)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid"
    assert complaint in error["message"]
    assert error["fix"] == "See /docs for what is accepted."


def test_a_null_where_nothing_may_be_null_is_refused(shared_office: Office) -> None:
    answer = shared_office.program().patch("/api/customers/1", json={"name": None})
    assert answer.status_code == 422
    assert "name must not be null" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'{"name": "\\ud800"}', b"[" * 5000]
)
def test_a_body_that_is_no_customer_is_refused_in_the_same_shape(
    shared_office: Office, body: bytes
) -> None:
    headers = {"content-type": "application/json"}
    answer = shared_office.program().post("/api/customers", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("which", ["9999", "0", "-1", "abc", "99999999999999999999"])
def test_a_customer_who_does_not_exist_is_said_not_to(shared_office: Office, which: str) -> None:
    for path in (f"/api/customers/{which}", f"/api/calls/customer/{which}"):
        answer = shared_office.program().get(path)
        assert answer.status_code in (404, 422)
        assert answer.json()["error"]["message"]


def test_markup_in_a_name_stays_text(office: Office) -> None:
    name = "<script>alert(1)</script>"
    created = office.program().post("/api/customers", json=NEW | {"name": name}).json()
    assert created["name"] == name
    page = office.signed_in().get(f"/customers/{created['id']}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
