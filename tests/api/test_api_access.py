"""Who may do what: nobody without signing in, and everybody what their role allows."""

import asyncio
import re
from dataclasses import dataclass

import pytest
from fastapi.routing import RouteContext, iter_route_contexts

from backend.api.access import ApiAccess, PageAccess
from backend.api.guard import MACHINE_PATHS
from backend.api.principal import RANK
from backend.db.models import Role
from backend.db.queries import accounts
from tests.support.office import Office, send, token_in

OPEN_TO_STRANGERS = {"/", "/sign-in", "/health"}
EVERYBODYS_OWN = {"/settings/theme", "/sign-out", "/password"}
"""What anybody signed in may change: it concerns nobody else."""
OWNERS = (
    "/settings/people",
    "/settings/audit",
    "/settings/configuration",
    "/settings/engines",
    "/api/settings",
    "/settings/users",
    "/settings/keys",
    "/api/users",
    "/api/keys",
    "/api/audit",
)
SAMPLES = {"call_id": "20261121-090000-aaaaaa", "customer_id": "1", "number": "100000"}


@dataclass(frozen=True, slots=True)
class Route:
    """One method and address of the app, with sample values filled in."""

    method: str
    path: str
    access: ApiAccess | PageAccess | None
    """The dependency that says who may come in."""


def routes_of(office: Office) -> list[Route]:
    found = []
    for context in iter_route_contexts(office.app.router.routes):
        path, methods = context.path, context.methods
        if path is None or not methods:
            continue
        filled = re.sub(r"\{(\w+)[^}]*\}", lambda name: SAMPLES.get(name[1], "1"), path)
        found += [Route(method, filled, _access_of(context)) for method in methods]
    assert len(found) > 40
    return found


def _access_of(context: RouteContext) -> ApiAccess | PageAccess | None:
    guards = [
        dependency.call
        for dependency in context.dependant.dependencies
        if isinstance(dependency.call, ApiAccess | PageAccess)
    ]
    assert len(guards) <= 1, context.path
    return guards[0] if guards else None


def test_every_route_says_who_may_come_in_and_no_change_is_for_viewers(
    shared_office: Office,
) -> None:
    for route in routes_of(shared_office):
        if route.path in OPEN_TO_STRANGERS:
            continue
        assert route.access is not None, route
        assert isinstance(route.access, ApiAccess) == route.path.startswith(MACHINE_PATHS), route
        if route.path.startswith(OWNERS):
            assert route.access.role is Role.OWNER, route
        elif route.method != "GET" and route.path not in EVERYBODYS_OWN:
            assert route.access.role is not Role.VIEWER, route


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SUPERVISOR])
def test_what_a_route_says_holds_for_people_and_programs(shared_office: Office, role: Role) -> None:
    browser, program = shared_office.signed_in(role), shared_office.program(role)
    token = token_in(browser.get("/calls"))
    for route in routes_of(shared_office):
        if route.access is None or RANK[route.access.role] <= RANK[role]:
            continue
        if isinstance(route.access, ApiAccess):
            answers = [
                program.request(route.method, route.path),
                browser.request(route.method, route.path, headers={"x-form-token": token}),
            ]
        else:
            answers = [browser.request(route.method, route.path, data={"form_token": token})]
        for answer in answers:
            assert answer.status_code == 403, route
            assert f"This takes the role of {route.access.role}" in answer.text


def test_no_page_and_no_script_changes_anything_without_its_form_token(
    shared_office: Office,
) -> None:
    browser = shared_office.signed_in()
    for route in routes_of(shared_office):
        if route.method == "GET" or route.path in OPEN_TO_STRANGERS:
            continue
        answer = browser.request(route.method, route.path)
        assert answer.status_code == 403, route
        assert "This form is out of date" in answer.text


def test_a_stranger_gets_nothing_but_the_sign_in_page_static_files_and_a_word_of_health(
    shared_office: Office,
) -> None:
    stranger = shared_office.browser()
    for route in routes_of(shared_office):
        method, path = route.method, route.path
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
    page = send(
        browser, "/settings/keys", form_on="/settings/people", key_name="CRM", key_role="viewer"
    )
    found = re.search(r"<code>(fd_[a-z0-9]{8}_[\w-]{40,})</code>", page.text)
    assert found
    headers = {"authorization": f"Bearer {found[1]}"}
    program = office.browser()
    assert program.get("/api/calls", headers=headers).status_code == 200
    assert found[1] not in browser.get("/settings/people").text
    (key,) = asyncio.run(office.services.database.read(accounts.list_api_keys))
    assert found[1] not in key.key_hash
    assert key.last_used_at == office.services.now()
    send(browser, f"/settings/keys/{key.id}/revoke", form_on="/settings/people")
    assert program.get("/api/calls", headers=headers).status_code == 401


def test_a_key_opens_the_api_but_no_pages(shared_office: Office) -> None:
    assert shared_office.program().get("/calls").status_code == 303
