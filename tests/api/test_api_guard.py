"""What is refused before anything is looked at, and what every answer carries."""

from collections.abc import Iterator

import pytest

from backend.api.guard import MAX_BODY_BYTES
from backend.db.models import Role
from tests.support.office import Office, words_of


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8000",
        "127.0.0.1:8000",
        "[::1]:8000",
        "192.168.1.20",
        "desk.example.com",
    ],
)
def test_addresses_and_the_names_we_were_given_are_answered(
    shared_office: Office, host: str
) -> None:
    assert shared_office.browser().get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "desk.example.com.evil.example",
        "",
        "a b",
        "[",
        "localhost@evil.example:80",
        "127.0.0.1.evil.example",
    ],
)
def test_a_name_that_was_made_to_point_at_us_is_not_answered(
    shared_office: Office, host: str
) -> None:
    answer = shared_office.browser().get("/health", headers={"host": host})
    assert answer.status_code == 421
    assert "FRONTDESK_WEB_HOSTS" in answer.json()["error"]["fix"]
    page = shared_office.browser().get("/calls", headers={"host": host})
    assert page.headers["content-type"].startswith("text/plain")
    assert "Add the name to FRONTDESK_WEB_HOSTS." in page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_change_asked_for_by_another_sites_page_is_refused(
    shared_office: Office, headers: dict[str, str]
) -> None:
    for path in ("/sign-in", "/sign-out", "/api/tickets", "/tickets/new"):
        answer = shared_office.program().post(path, headers=headers)
        assert answer.status_code == 403
        assert "made by another site's page" in answer.text


def test_our_own_pages_may_ask_for_changes(shared_office: Office) -> None:
    headers = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    answer = shared_office.browser().post("/api/tickets", headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["/sign-in", "/calls", "/api/calls", "/nowhere", "/static/base.css"]
)
def test_every_answer_carries_the_security_headers(shared_office: Office, path: str) -> None:
    headers = shared_office.browser().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_what_shows_customers_is_kept_by_no_cache(shared_office: Office) -> None:
    browser = shared_office.signed_in()
    for path in ("/calls", "/api/calls", "/customers", "/sign-in"):
        assert browser.get(path).headers["cache-control"] == "no-store"


def test_static_files_are_kept_for_ever_under_an_address_that_changes_with_them(
    shared_office: Office,
) -> None:
    page = shared_office.browser().get("/sign-in").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = shared_office.browser().get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert shared_office.browser().get("/static/base.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/static//etc/passwd",
        "/static/",
    ],
)
def test_static_files_are_all_that_static_gives_out(shared_office: Office, path: str) -> None:
    assert shared_office.browser().get(path).status_code == 404


def test_a_body_that_is_too_long_is_refused_unread(shared_office: Office) -> None:
    program = shared_office.program()
    answer = program.post("/api/tickets", json={"subject": "x" * MAX_BODY_BYTES})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too-large"


def test_a_body_that_turns_out_too_long_is_refused_as_well(shared_office: Office) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"subject": "'
        for _ in range(40):
            yield b"x" * (MAX_BODY_BYTES // 20)

    headers = {"content-type": "application/json"}
    answer = shared_office.program().post("/api/tickets", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert "longer than" in answer.json()["error"]["message"]


def test_an_address_that_does_not_exist_says_so_to_people_and_programs(
    shared_office: Office,
) -> None:
    page = shared_office.browser().get("/nowhere")
    assert page.status_code == 404
    assert "There is nothing at this address." in words_of(page)
    answer = shared_office.browser().get("/api/nowhere")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "code": "not-found",
        "message": "There is nothing at this address.",
        "fix": "",
    }


def test_a_method_that_does_not_exist_says_so(shared_office: Office) -> None:
    answer = shared_office.program().delete("/api/calls")
    assert answer.status_code == 405
    assert answer.json()["error"]["message"] == "This address does not take DELETE."


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/api/calls/live", "backend.calls.center.LiveCalls.calls"),
        ("/now", "backend.api.pages.now.transfer_extensions"),
    ],
)
def test_a_bug_of_ours_is_answered_without_its_insides(
    shared_office: Office, monkeypatch: pytest.MonkeyPatch, path: str, what: str
) -> None:
    browser = shared_office.signed_in(Role.VIEWER)

    def broken(*_: object) -> None:
        raise RuntimeError("the insides")

    monkeypatch.setattr(what, broken)
    answer = browser.get(path)
    assert answer.status_code == 500
    assert "insides" not in answer.text
    assert "Something went wrong on our side." in words_of(answer)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
