"""Getting in, staying in, getting out."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from backend.api.app import create_app
from backend.api.first_user import ensure_first_user, reset_password
from backend.api.passwords import MIN_LENGTH
from backend.api.sessions import IDLE_S, LONGEST_S
from backend.db.errors import NotFoundError
from backend.db.models import Role
from backend.db.queries import accounts
from tests.support.office import (
    PASSWORD,
    Office,
    open_office,
    send,
    sign_in,
    token_in,
    words_of,
)

NEW = "nine dry parasols"
DAY_S = 24 * 3600


def first_password(office: Office) -> str:
    password = asyncio.run(ensure_first_user(office.services.store, now=office.services.now()))
    assert password is not None
    return password


def test_the_first_start_makes_one_owner_with_a_password_told_once(office: Office) -> None:
    assert first_password(office)
    again = asyncio.run(ensure_first_user(office.services.store, now=office.services.now()))
    assert again is None
    (user,) = asyncio.run(office.services.database.read(accounts.list_users))
    assert (user.name, user.role, user.must_change_password) == ("owner", Role.OWNER, True)


def test_the_one_time_password_is_not_kept_readable(office: Office) -> None:
    password = first_password(office)
    (user,) = asyncio.run(office.services.database.read(accounts.list_users))
    assert password not in user.password_hash
    assert user.password_hash.startswith("$argon2id$")


def test_the_one_time_password_opens_nothing_but_the_password_page(office: Office) -> None:
    browser = office.browser()
    answer = sign_in(browser, "owner", first_password(office))
    assert answer.headers["location"] == "/password"
    assert browser.get("/calls").headers["location"].startswith("/password")
    refused = browser.get("/api/calls")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "password-change-due"


def test_after_the_forced_change_the_new_password_works_and_the_old_one_does_not(
    office: Office,
) -> None:
    browser, once = office.browser(), first_password(office)
    sign_in(browser, "owner", once)
    changed = send(browser, "/password", old=once, new=NEW, again=NEW)
    assert changed.headers["location"] == "/now"
    assert browser.get("/calls").status_code == 200
    assert sign_in(office.browser(), "owner", once).status_code == 401
    assert sign_in(office.browser(), "owner", NEW).status_code == 303


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"old": "wrong"}, "not right"),
        ({"new": "short", "again": "short"}, f"at least {MIN_LENGTH}"),
        ({"new": NEW, "again": NEW + "!"}, "differ"),
        ({"new": PASSWORD, "again": PASSWORD}, "differs from the present one"),
        ({"new": "a" * 12, "again": "a" * 12}, "five different"),
        ({"new": "x" * 300, "again": "x" * 300}, "at most"),
        ({"new": "supervisor", "again": "supervisor"}, "user name"),
    ],
)
def test_a_password_change_that_cannot_be_says_why(
    office: Office, fields: dict[str, str], complaint: str
) -> None:
    browser = office.signed_in(Role.SUPERVISOR)
    answer = send(browser, "/password", **({"old": PASSWORD, "new": NEW, "again": NEW} | fields))
    assert answer.status_code in (401, 422)
    assert complaint in words_of(answer)
    assert sign_in(office.browser(), "supervisor", PASSWORD).status_code == 303


def test_a_new_password_ends_every_other_session(office: Office) -> None:
    here, elsewhere = office.signed_in(), office.signed_in()
    send(here, "/password", old=PASSWORD, new=NEW, again=NEW)
    assert here.get("/calls").status_code == 200
    assert elsewhere.get("/calls").headers["location"].startswith("/sign-in")


def test_a_reset_password_works_once_and_has_to_be_changed(office: Office) -> None:
    browser = office.signed_in(Role.VIEWER)
    once = asyncio.run(reset_password(office.services.store, "Viewer "))
    assert browser.get("/calls").status_code == 303
    assert sign_in(office.browser(), "viewer", once).headers["location"] == "/password"


def test_the_password_of_nobody_cannot_be_reset(office: Office) -> None:
    with pytest.raises(NotFoundError):
        asyncio.run(reset_password(office.services.store, "nobody"))


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(office: Office) -> None:
    office.add_user("ada", Role.VIEWER)
    wrong = sign_in(office.browser(), "ada", "not this")
    unknown = sign_in(office.browser(), "eve", "not this")
    assert wrong.status_code == unknown.status_code == 401
    assert words_of(wrong) == words_of(unknown)


def test_names_are_the_same_in_any_case(office: Office) -> None:
    office.add_user("ada", Role.VIEWER)
    assert sign_in(office.browser(), " Ada ", PASSWORD).status_code == 303


def test_what_was_typed_as_a_password_is_never_sent_back(office: Office) -> None:
    assert "not this one" not in sign_in(office.browser(), "ada", "not this one").text


def test_the_sixth_attempt_has_to_wait_and_then_may_go_on(office: Office) -> None:
    office.add_user("ada", Role.VIEWER)
    browser = office.browser()
    for _ in range(5):
        assert sign_in(browser, "ada", "guess").status_code == 401
    limited = sign_in(browser, "ada", PASSWORD)
    assert limited.status_code == 429
    assert "wait 15 minutes" in words_of(limited)
    office.now_s += 15 * 60
    assert sign_in(browser, "ada", PASSWORD).status_code == 303


def test_changing_the_password_cannot_be_used_to_guess_it_either(office: Office) -> None:
    browser = office.signed_in()
    for _ in range(5):
        assert send(browser, "/password", old="guess", new=NEW, again=NEW).status_code == 401
    assert send(browser, "/password", old=PASSWORD, new=NEW, again=NEW).status_code == 429


def test_who_signs_in_is_sent_to_where_they_wanted_to_go(office: Office) -> None:
    asked = office.browser().get("/tickets?status=open")
    assert asked.headers["location"] == "/sign-in?next=%2Ftickets%3Fstatus%3Dopen"
    office.add_user("ada", Role.VIEWER)
    answer = sign_in(office.browser(), "ada", PASSWORD, where="/tickets?status=open")
    assert answer.headers["location"] == "/tickets?status=open"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "/a\nb", "/\t/e"],
)
def test_nobody_is_sent_to_another_site_after_signing_in(office: Office, elsewhere: str) -> None:
    office.add_user("ada", Role.VIEWER)
    answer = sign_in(office.browser(), "ada", PASSWORD, where=elsewhere)
    assert answer.headers["location"] == "/now"


def test_who_is_signed_in_does_not_see_the_sign_in_form(office: Office) -> None:
    assert office.signed_in().get("/sign-in").headers["location"] == "/now"


def test_a_session_ends_when_nobody_uses_it(office: Office) -> None:
    browser = office.signed_in()
    office.now_s += IDLE_S
    assert browser.get("/calls").status_code == 303


def test_a_session_in_use_goes_on_but_not_for_ever(office: Office) -> None:
    browser = office.signed_in()
    signed_in_at_s = office.now_s
    while office.now_s - signed_in_at_s < LONGEST_S - IDLE_S / 2:
        office.now_s += IDLE_S / 2
        assert browser.get("/calls").status_code == 200
    office.now_s = signed_in_at_s + LONGEST_S
    assert browser.get("/calls").status_code == 303


def test_what_a_page_fetches_by_itself_does_not_keep_the_session_alive(office: Office) -> None:
    browser = office.signed_in()
    office.now_s += IDLE_S / 2
    fetched = browser.get("/now", headers={"sec-fetch-dest": "empty"})
    assert fetched.status_code == 200
    assert "set-cookie" not in fetched.headers


def test_signing_out_ends_the_session_wherever_its_cookie_was_copied_to(office: Office) -> None:
    browser, thief = office.signed_in(), office.browser()
    thief.cookies.update(browser.cookies)
    assert thief.get("/calls").status_code == 200
    office.now_s += IDLE_S / 2  # late enough that the cookie would be renewed
    assert send(browser, "/sign-out", form_on="/calls").headers["location"] == "/sign-in"
    assert browser.get("/calls").status_code == 303
    assert thief.get("/calls").status_code == 303


def test_somebody_locked_out_is_out_at_the_next_click(office: Office) -> None:
    office.add_user("owner", Role.OWNER)
    browser = office.signed_in(Role.VIEWER)
    user_id = office.add_user("viewer", Role.VIEWER)
    work = office.services.store.write(accounts.set_access, user_id, Role.VIEWER, active=False)
    asyncio.run(work)
    assert browser.get("/calls").status_code == 303
    assert sign_in(office.browser(), "viewer", PASSWORD).status_code == 401


@pytest.mark.parametrize("bad", ["", "a.b.c", "{good}x", "x{good}", "%ff%00", "0" * 5000])
def test_a_forged_cookie_is_no_session(office: Office, bad: str) -> None:
    good = office.signed_in().cookies["frontdesk_session"]
    forger = office.browser()
    forger.headers["cookie"] = f"frontdesk_session={bad.format(good=good)}"
    assert forger.get("/calls").status_code == 303
    assert forger.get("/api/calls").status_code == 401


def test_a_cookie_of_another_installation_is_no_session(
    office: Office, tmp_path_factory: pytest.TempPathFactory, seeded: Path
) -> None:
    with open_office(tmp_path_factory.mktemp("other"), seeded) as other:
        forger = office.browser()
        forger.cookies.update(other.signed_in().cookies)
    office.signed_in()
    assert forger.get("/calls").status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(office: Office) -> None:
    office.add_user("ada", Role.VIEWER)
    cookie = sign_in(office.browser(), "ada", PASSWORD).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie.split("; ")


def test_behind_tls_the_cookie_is_for_https_and_this_host_only(office: Office) -> None:
    secure = office.settings.model_copy(update={"web_secure_cookies": True})
    office.app = create_app(replace(office.services, settings=secure))
    office.add_user("ada", Role.VIEWER)
    browser = office.browser()
    browser.base_url = "https://localhost"
    cookie = sign_in(browser, "ada", PASSWORD).headers["set-cookie"]
    assert cookie.startswith("__Host-frontdesk=")
    assert "Secure" in cookie


def test_the_sign_in_form_is_good_in_the_browser_it_was_given_to_only(office: Office) -> None:
    office.add_user("ada", Role.VIEWER)
    token = token_in(office.browser().get("/sign-in"))
    stranger = office.browser()
    stranger.get("/sign-in")
    answer = stranger.post(
        "/sign-in", data={"name": "ada", "password": PASSWORD, "form_token": token}
    )
    assert answer.status_code == 403
    assert "out of date" in words_of(answer)


def test_a_form_without_its_token_changes_nothing(office: Office) -> None:
    browser = office.signed_in()
    for token in ("", "0" * 64, "ünïcode"):
        answer = browser.post("/settings/users", data={"user_name": "eve", "form_token": token})
        assert answer.status_code == 403
        assert "nothing was changed" in words_of(answer)
    users = asyncio.run(office.services.database.read(accounts.list_users))
    assert [user.name for user in users] == ["owner"]


def test_a_page_that_changes_something_through_the_api_needs_the_token_too(office: Office) -> None:
    browser = office.signed_in()
    refused = browser.post("/api/tickets", json={"subject": "Hello"})
    assert refused.json()["error"]["code"] == "stale-form"
    token = token_in(browser.get("/calls"))
    allowed = browser.post(
        "/api/tickets", json={"subject": "Hello"}, headers={"x-form-token": token}
    )
    assert allowed.status_code == 201
