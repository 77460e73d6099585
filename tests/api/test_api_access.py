"""Who may do what: nobody without signing in, and everybody what their role allows."""

import asyncio
import re

import pytest
from fastapi.routing import iter_route_contexts

from backend.db.models import Role
from backend.db.queries import accounts
from tests.support.office import Office, send, token_in

OPEN_TO_STRANGERS = {"/", "/sign-in", "/health"}
SAMPLES = {"call_id": "20261121-090000-aaaaaa", "customer_id": "1", "number": "100000"}


def routes_of(office: Office) -> list[tuple[str, str]]:
    """Every method and address of the app, with sample values filled in."""
    found = []
    for context in iter_route_contexts(office.app.router.routes):
        path, methods = context.path, context.methods
        if path is None or not methods:
            continue
        filled = re.sub(r"\{(\w+)[^}]*\}", lambda name: SAMPLES.get(name[1], "1"), path)
        found += [(method, filled) for method in methods]
    return found


def test_a_stranger_gets_nothing_but_the_sign_in_page_static_files_and_a_word_of_health(
    shared_office: Office,
) -> None:
    stranger = shared_office.browser()
    routes = routes_of(shared_office)
    assert len(routes) > 40
    for method, path in routes:
        if path in OPEN_TO_STRANGERS:
            continue
        answer = stranger.request(method, path)
        if path.startswith(("/api/", "/v1/", "/metrics")):
            assert answer.status_code == 401, (method, path)
            assert answer.json()["error"]["code"] == "not-signed-in"
            assert answer.headers["www-authenticate"] == "Bearer"
        else:
            assert answer.status_code == 303, (method, path)
            assert answer.headers["location"].startswith("/sign-in")


CHANGES = [
    ("POST", "/api/customers", {"number": "77", "name": "Ada"}),
    ("PATCH", "/api/customers/1", {"name": "Ada"}),
    ("POST", "/api/tickets", {"subject": "Hello"}),
    ("PATCH", "/api/tickets/100000", {"status": "closed"}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_viewers_key_reads_and_a_supervisors_changes(
    office: Office, method: str, path: str, body: dict[str, str]
) -> None:
    refused = office.program(Role.VIEWER).request(method, path, json=body)
    assert refused.status_code == 403
    assert (
        refused.json()["error"]["message"] == "This takes the role of supervisor; yours is viewer."
    )
    allowed = office.program(Role.SUPERVISOR).request(method, path, json=body)
    assert allowed.status_code in (200, 201, 404)


def test_pages_show_viewers_nothing_they_may_not_do(shared_office: Office) -> None:
    viewer = shared_office.signed_in(Role.VIEWER)
    assert "/tickets/new" not in viewer.get("/tickets").text
    assert "/customers/new" not in viewer.get("/customers").text
    assert "/settings/users" not in viewer.get("/settings").text
    assert "/tickets/new" in shared_office.signed_in(Role.SUPERVISOR).get("/tickets").text


@pytest.mark.parametrize("path", ["/tickets/new", "/customers/new", "/customers/1/edit"])
def test_a_viewer_who_guesses_the_address_of_a_form_is_told_whom_to_ask(
    shared_office: Office, path: str
) -> None:
    viewer = shared_office.signed_in(Role.VIEWER)
    assert viewer.get(path).status_code == 403
    token = token_in(viewer.get("/calls"))
    assert viewer.post(path, data={"form_token": token}).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/settings/users", "/settings/users/1/access", "/settings/keys", "/settings/keys/1/revoke"],
)
def test_people_and_keys_are_the_owners_business(shared_office: Office, path: str) -> None:
    supervisor = shared_office.signed_in(Role.SUPERVISOR)
    token = token_in(supervisor.get("/calls"))
    answer = supervisor.post(path, data={"form_token": token, "user_name": "eve"})
    assert answer.status_code == 403
    assert "This takes the role of owner" in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic b3duZXI6eA==",
        "Bearer fd_aaaaaaaa_wrong",
        "Bearer fd_ü",
        "Bearer " + "x" * 9000,
    ],
)
def test_a_bad_key_is_refused_even_next_to_a_good_cookie(
    shared_office: Office, header: str
) -> None:
    browser = shared_office.signed_in()
    raw = {b"authorization": header.encode("latin-1")}
    answer = browser.get("/api/calls", headers=raw)
    assert answer.status_code == 401


def test_a_key_is_shown_once_works_and_stops_working_when_revoked(office: Office) -> None:
    browser = office.signed_in()
    page = send(browser, "/settings/keys", form_on="/settings", key_name="CRM", key_role="viewer")
    found = re.search(r"<code>(fd_[a-z0-9]{8}_[\w-]{40,})</code>", page.text)
    assert found
    headers = {"authorization": f"Bearer {found[1]}"}
    program = office.browser()
    assert program.get("/api/calls", headers=headers).status_code == 200
    assert found[1] not in browser.get("/settings").text
    (key,) = asyncio.run(office.services.database.read(accounts.list_api_keys))
    assert found[1] not in key.key_hash
    assert key.last_used_at == office.services.now()
    send(browser, f"/settings/keys/{key.id}/revoke", form_on="/settings")
    assert program.get("/api/calls", headers=headers).status_code == 401


def test_a_key_opens_the_api_but_no_pages(shared_office: Office) -> None:
    assert shared_office.program().get("/calls").status_code == 303
