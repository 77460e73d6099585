"""The pages as their HTML: what they show, what they take, and that text stays text."""

import asyncio
import re
from html.parser import HTMLParser

import pytest

from backend.api.services import PartHealth, PartState
from backend.core.events import EventType
from backend.core.records import TicketDraft, TicketType
from backend.db.models import Role
from backend.db.queries import accounts
from tests.support.call_events import Script
from tests.support.office import Office, send, sign_in, token_in, words_of

CALL = "20261121-090000-aaaaaa"
EVIL = "<img src=x onerror=alert(1)>\"'&lt;"

PAGES = [
    "/calls",
    "/now",
    "/tickets",
    "/tickets/new",
    "/customers",
    "/customers/new",
    "/customers/1",
    "/customers/1/edit",
    "/analytics",
    "/analytics?period=day",
    "/analytics?period=week",
    "/analytics?period=month&on=2026-10-31",
    "/analytics?period=year",
    "/analytics/questions",
    "/tickets/board",
    "/settings",
    "/settings/people",
    "/settings/audit",
    "/password",
    "/docs",
]


class Structure(HTMLParser):
    """What a page is made of, as far as its promises to browsers and screen readers go."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.described: list[str] = []
        self.inputs: list[str] = []
        self.inline: list[str] = []
        self.outside: list[str] = []
        self.headings = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.headings += tag == "h1"
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "label":
            self.labels.append(values["for"])
        if tag in ("input", "select", "textarea") and values.get("type") != "hidden":
            self.inputs.append(values.get("id", "") or values.get("aria-hidden", ""))
        for name in ("aria-labelledby", "aria-describedby"):
            self.described += values.get(name, "").split()
        is_code = tag == "style" or (tag == "script" and "src" not in values)
        if is_code or "style" in values or any(name.startswith("on") for name in values):
            self.inline.append(tag)
        for name in ("src", "href", "action"):
            if re.match(r"(https?:)?//", values.get(name, "")):
                self.outside.append(values[name])


@pytest.mark.parametrize("path", PAGES)
def test_every_page_keeps_what_the_security_policy_and_screen_readers_expect(
    shared_office: Office, path: str
) -> None:
    answer = shared_office.signed_in().get(path)
    assert answer.status_code == 200
    page = Structure(answer.text)
    assert page.inline == []
    assert page.outside == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.described) <= set(page.ids)
    assert set(page.inputs) - {"true"} <= set(page.labels)
    assert page.headings == 1


def test_one_call_shows_who_said_what_and_how_it_was_understood(office: Office) -> None:
    script = (
        Script(CALL).started().answered("Welcome.", interrupted=True).asked("is my internet down")
    )
    script.answered("It is not.", total_s=0.25, recognition_s=0.05, thinking_s=0.2).identified(
        "1004"
    )
    script.add(EventType.CALLER_SAID, turn=2, kind="digits", text="", digits="4711", confidence=1.0)
    office.happens(script.ended(intent="technical_support").events)
    ticket = TicketDraft("482913", TicketType.TECHNICAL, "No internet")
    asyncio.run(office.services.store.open_ticket(ticket, CALL))
    page = words_of(office.signed_in(Role.VIEWER).get(f"/calls/{CALL}"))
    for words in (
        "Robert Miller",
        "is my internet down",
        "Billing 80%",
        "heard with 90% confidence",
        "Interrupted",
        "250 ms",
        "Recognition 50 ms, Thinking 200 ms",
        "4711",
        "Keypad",
        "482913 No internet",
        "Technical support",
        "call.ended",
    ):
        assert words in page


def test_markup_in_anything_a_caller_or_colleague_wrote_is_shown_as_text(office: Office) -> None:
    browser = office.signed_in()
    script = Script(CALL).started(caller=EVIL).asked(EVIL, intent=EVIL).answered(EVIL, source=EVIL)
    office.happens(script.events)
    live = browser.get("/now")
    office.happens(script.identified(EVIL).ended(intent=EVIL).events[len(script.events) - 2 :])
    draft = TicketDraft("482913", TicketType.OTHER, EVIL, EVIL, customer_number=EVIL)
    asyncio.run(office.services.store.open_ticket(draft, CALL))
    send(
        browser,
        "/tickets/482913",
        status="open",
        priority="low",
        type="other",
        note=EVIL,
        version="1",
    )
    customer = {"number": "77", "name": EVIL, "plan": EVIL, "address": EVIL, "notes": EVIL}
    where = send(browser, "/customers/new", **customer).headers["location"]
    pages = ["/calls", f"/calls/{CALL}", "/tickets", "/tickets/482913", "/customers", where]
    for page in [live, *(browser.get(path) for path in pages)]:
        assert page.status_code == 200
        assert "<img" not in page.text
        assert Structure(page.text).inline == []
        assert "<img src=x onerror=alert(1)>" in re.sub(r"\s+", " ", words_as_shown(page.text))


def words_as_shown(html: str) -> str:
    """Text nodes only, entities resolved."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Reader().feed(html)
    return "".join(found)


def test_the_list_of_calls_is_filtered_and_keeps_what_was_asked(shared_office: Office) -> None:
    browser = shared_office.signed_in(Role.VIEWER)
    page = browser.get("/calls", params={"customer": "1004", "outcome": "completed"})
    assert page.text.count('class="row-link"') > 0
    assert "Maria Lopez" not in page.text
    assert 'value="1004"' in page.text
    assert '<option value="completed" selected>' in page.text


def test_days_in_the_filter_are_whole_days(office: Office) -> None:
    office.happens(Script(CALL).started().ended().events)
    browser = office.signed_in(Role.VIEWER)
    on_the_day = browser.get("/calls", params={"since": "2026-11-21", "until": "2026-11-21"})
    assert CALL in on_the_day.text
    assert CALL not in browser.get("/calls", params={"until": "2026-11-20"}).text


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/calls?since=soon", "Input should be a valid date"),
        ("/calls?until=9999-12-31", "must be in the years"),
        ("/calls?customer=abc", "String should match pattern"),
        ("/calls?outcome=great", "Input should be"),
        ("/tickets?status=lost", "Input should be"),
        ("/calls?customer=99999", "No call fits."),
        ("/tickets?customer=99999", "No ticket fits."),
        ("/customers?search=zzzz", "Nobody fits."),
    ],
)
def test_a_filter_that_finds_nothing_or_makes_no_sense_says_so(
    shared_office: Office, path: str, complaint: str
) -> None:
    page = shared_office.signed_in(Role.VIEWER).get(path)
    assert page.status_code == 200
    assert complaint in words_of(page)


@pytest.mark.parametrize("path", ["/calls", "/tickets", "/customers"])
def test_a_cursor_nobody_gave_out_is_refused(shared_office: Office, path: str) -> None:
    page = shared_office.signed_in(Role.VIEWER).get(path, params={"cursor": "x"})
    assert page.status_code == 422
    assert "This is not a cursor." in words_of(page)


def test_long_lists_have_a_next_page_that_keeps_the_filter(office: Office) -> None:
    for number in range(60):
        office.happens(
            Script(f"20261121-09{number:02}00-aaaaaa").started(caller="777").ended().events
        )
    browser = office.signed_in(Role.VIEWER)
    first = browser.get("/calls?intent=billing")
    found = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert found
    second = browser.get("/calls" + found[1].replace("&amp;", "&"))
    assert second.status_code == 200
    assert "intent=billing" in found[1]
    assert "First page" in words_of(second)
    ids = [set(re.findall(r'href="/calls/(2[^"]+)"', page.text)) for page in (first, second)]
    assert ids[0] & ids[1] == set()


@pytest.mark.parametrize(
    "path", ["/calls/20200101-000000-ffffff", "/tickets/1", "/customers/9999", "/customers/x"]
)
def test_a_page_for_something_that_does_not_exist_says_so(shared_office: Office, path: str) -> None:
    page = shared_office.signed_in(Role.VIEWER).get(path)
    assert page.status_code in (404, 422)
    assert "Go to the dashboard" in words_of(page)


def test_a_customer_is_created_and_edited(office: Office) -> None:
    browser = office.signed_in(Role.SUPERVISOR)
    made = send(
        browser,
        "/customers/new",
        number="0077",
        name="Ada Lovelace",
        balance="-3.50",
        currency="EUR",
    )
    page = browser.get(made.headers["location"])
    assert "Saved." in words_of(page)
    assert "−€3.50 in credit" in words_of(page)
    where = made.headers["location"].split("?")[0]
    form = browser.get(f"{where}/edit").text
    assert 'value="0077"' in form
    send(browser, f"{where}/edit", number="0077", name="Ada King", version="1")
    page = browser.get(where)
    assert "Ada King" in words_of(page)
    assert "0.00" in words_of(page), "an emptied field is empty, not as before"


def test_a_form_with_mistakes_comes_back_with_them_marked_and_nothing_lost(office: Office) -> None:
    browser = office.signed_in(Role.SUPERVISOR)
    page = send(browser, "/customers/new", number="1004", name="Ada", email="nonsense")
    assert page.status_code == 422
    assert 'value="nonsense"' in page.text
    assert page.text.count('aria-invalid="true"') == 1
    taken = send(browser, "/customers/new", number="1004", name="Ada")
    assert "Customer number 1004 is taken." in words_of(taken)


def test_a_customer_somebody_else_changed_meanwhile_is_not_overwritten(office: Office) -> None:
    browser = office.signed_in(Role.SUPERVISOR)
    token = token_in(browser.get("/customers/1/edit"))
    office.program().patch("/api/customers/1", json={"name": "Changed Elsewhere"})
    fields = {"number": "1001", "name": "Mine", "version": "1", "form_token": token}
    page = browser.post("/customers/1/edit", data=fields)
    assert page.status_code == 409
    assert "meanwhile" in words_of(page)
    assert 'value="Mine"' in page.text
    assert office.program().get("/api/customers/1").json()["name"] == "Changed Elsewhere"


def test_a_ticket_is_opened_worked_on_and_keeps_its_history(office: Office) -> None:
    browser = office.signed_in(Role.SUPERVISOR)
    made = send(
        browser,
        "/tickets/new",
        subject="No dial tone",
        type="technical",
        priority="high",
        customer_number="1004",
    )
    where = made.headers["location"]
    done = send(
        browser,
        where,
        status="resolved",
        priority="high",
        type="technical",
        assignee="grace",
        note="New cable.",
        version="1",
    )
    page = words_of(browser.get(done.headers["location"]))
    for words in (
        "Saved.",
        "Robert Miller",
        "Open → Resolved",
        "Assignee: grace",
        "New cable.",
        "supervisor",
    ):
        assert words in page
    stale = send(
        browser, where, status="open", priority="high", type="technical", note="Mine", version="1"
    )
    assert stale.status_code == 409
    assert "Mine" in stale.text


def test_a_ticket_for_an_unknown_customer_says_which_field_is_wrong(office: Office) -> None:
    browser = office.signed_in(Role.SUPERVISOR)
    page = send(
        browser,
        "/tickets/new",
        subject="Hi",
        type="other",
        priority="low",
        customer_number="424242",
    )
    assert page.status_code == 422
    assert "There is no customer 424242." in words_of(page)


def test_the_owner_adds_a_user_who_signs_in_once_with_the_password_shown(office: Office) -> None:
    owner = office.signed_in()
    page = send(
        owner, "/settings/users", form_on="/settings/people", user_name="Grace", user_role="viewer"
    )
    found = re.search(r"<code>([a-z0-9-]{23})</code>", page.text)
    assert found
    assert sign_in(office.browser(), "grace", found[1]).headers["location"] == "/password"
    again = send(
        owner, "/settings/users", form_on="/settings/people", user_name="GRACE", user_role="viewer"
    )
    assert again.status_code == 409
    assert "There is a user grace already." in words_of(again)


@pytest.mark.parametrize("name", ["", "two words", "x" * 101, "<b>"])
def test_a_user_name_that_cannot_be_is_refused(office: Office, name: str) -> None:
    page = send(
        office.signed_in(),
        "/settings/users",
        form_on="/settings/people",
        user_name=name,
        user_role="viewer",
    )
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text


def test_the_owner_locks_somebody_out_and_lets_them_in_again(office: Office) -> None:
    owner, viewer = office.signed_in(), office.signed_in(Role.VIEWER)
    user_id = office.add_user("viewer", Role.VIEWER)
    path = f"/settings/users/{user_id}/access"
    send(owner, path, form_on="/settings/people", active="0")
    assert viewer.get("/calls").status_code == 303
    assert "Locked out" in words_of(owner.get("/settings/people"))
    send(owner, path, form_on="/settings/people", active="1")
    assert viewer.get("/calls").status_code == 200


def test_the_last_owner_cannot_lock_themselves_out(office: Office) -> None:
    owner = office.signed_in()
    user_id = office.add_user("owner", Role.OWNER)
    page = send(owner, f"/settings/users/{user_id}/access", form_on="/settings/people", active="0")
    assert page.status_code == 409
    assert "owner is the last owner." in words_of(page)


def test_the_owner_gives_somebody_a_new_one_time_password(office: Office) -> None:
    owner = office.signed_in()
    user_id = office.add_user("ada", Role.VIEWER)
    page = send(owner, f"/settings/users/{user_id}/password", form_on="/settings/people")
    found = re.search(r"<code>([a-z0-9-]{23})</code>", page.text)
    assert found
    assert sign_in(office.browser(), "ada", found[1]).headers["location"] == "/password"


def test_settings_show_how_the_parts_are(office: Office) -> None:
    office.health[:] = [
        PartHealth("recogniser", PartState.DEGRADED, "PocketSphinx", "Fetch a model.")
    ]
    page = words_of(office.signed_in(Role.VIEWER).get("/settings"))
    assert "Recogniser Degraded PocketSphinx Fetch a model." in page


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [("dark", 'data-theme="dark"'), ("auto", '<html lang="en">'), ("x", '<html lang="en">')],
)
def test_the_theme_is_remembered_in_the_browser(office: Office, chosen: str, shown: str) -> None:
    browser = office.signed_in(Role.VIEWER)
    send(browser, "/settings/theme", form_on="/settings", theme=chosen)
    assert shown in browser.get("/calls").text


def test_numbers_on_the_analytics_page_are_those_of_the_api(shared_office: Office) -> None:
    totals = shared_office.program().get("/api/analytics").json()["totals"]
    page = words_of(shared_office.signed_in(Role.VIEWER).get("/analytics"))
    assert f"Calls {totals['calls']} " in page
    assert f"By the bot alone {totals['containment']:.0%} {totals['contained']} calls" in page


def test_an_empty_period_says_so(office: Office) -> None:
    office.now_s += 200 * 24 * 3600
    page = office.signed_in(Role.VIEWER).get("/analytics?period=week")
    assert page.status_code == 200
    assert "No calls in this period." in words_of(page)


def test_users_are_never_shown_with_their_hashes(office: Office) -> None:
    page = office.signed_in().get("/settings/people").text
    users = asyncio.run(office.services.database.read(accounts.list_users))
    assert all(user.password_hash not in page for user in users)
