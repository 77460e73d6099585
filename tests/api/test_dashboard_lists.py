"""Lists, the board, analytics, people and the audit log in a real Chromium."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.db.models import Role
from tests.support.browser import Watch, barriers, running_chromium, served, sign_in
from tests.support.call_events import Script
from tests.support.office import PASSWORD, Office, open_office

pytestmark = pytest.mark.browser

QUESTION = "do you sell batteries"
PAGES = (
    "calls?search=internet", "tickets", "tickets/board", "tickets/{ticket}", "customers/1",
    "customers/1/edit", "analytics", "analytics?period=year", "analytics/questions",
    "settings/people", "settings/audit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """The owner's page, and the office behind it."""

    page: Page
    office: Office
    address: str
    watch: Watch

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.address}/{path}")
        return self.page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def desk(tmp_path: Path, seeded: Path, chromium: Browser) -> Iterator[Desk]:
    with open_office(tmp_path, seeded) as office, served(office) as address:
        script = Script().started().asked(QUESTION, "unknown")
        office.happens(script.answered("Sorry.", source="kb:responses/unknown").ended().events)
        office.add_user("owner", Role.OWNER)
        office.add_user("dana", Role.VIEWER)
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(15_000)
        page = context.new_page()
        sign_in(page, address, PASSWORD)
        expect(page.get_by_role("button", name="Sign out").first).to_be_visible()
        watch = Watch(page, address)
        yield Desk(page, office, address, watch)
        watch.saw_nothing_odd()
        context.close()


def test_a_call_is_found_by_a_word_and_opened(desk: Desk) -> None:
    page = desk.open("calls")
    page.get_by_label("Words that were said").fill("batteries")
    page.keyboard.press("Enter")
    expect(page.locator(".passage")).to_have_text(f"Caller: “{QUESTION}”")
    page.locator(".row-link").click()
    expect(page.get_by_role("link", name=QUESTION)).to_be_visible()


def test_the_list_that_is_filtered_is_the_one_that_is_saved(desk: Desk) -> None:
    page = desk.open("calls?search=batteries")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("20261121-090000-aaaaaa,")


def test_a_ticket_is_moved_with_the_keyboard_alone(desk: Desk) -> None:
    page = desk.open("tickets/board")
    opened = page.get_by_role("region", name="Open")
    card = opened.get_by_role("listitem").first
    subject = card.get_by_role("link").inner_text()
    number = card.get_by_role("link").get_attribute("href") or ""
    card.get_by_role("combobox").focus()
    page.keyboard.type("Closed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    closed = page.get_by_role("region", name="Closed")
    expect(closed.locator(f'a[href="{number}"]')).to_have_text(subject)


def test_two_people_at_one_ticket_lose_nothing(desk: Desk) -> None:
    program = desk.office.program()
    number = program.get("/api/tickets").json()["items"][0]["number"]
    page = desk.open(f"tickets/{number}")
    page.get_by_label("Add a comment").fill("Half an hour of typing.")
    program.patch(f"/api/tickets/{number}", json={"assignee": "zoe"})
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was saved")
    expect(page.get_by_text("It is “zoe” now.")).to_be_visible()
    expect(page.get_by_label("Add a comment")).to_have_value("Half an hour of typing.")
    refusals = [complaint for complaint in desk.watch.complaints if "409" in complaint]
    assert desk.watch.complaints == refusals
    desk.watch.complaints.clear()  # Chromium notes every answer that is no success
    page.get_by_label("Assignee").fill("zoe")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")


def test_a_question_asked_in_vain_is_settled(desk: Desk) -> None:
    page = desk.open("analytics")
    expect(page.get_by_role("img", name="Calls over time")).to_be_visible()
    page.get_by_role("button", name=f"Settled: “{QUESTION}”").click()
    expect(page.get_by_text("Nothing is waiting.")).to_be_visible()


def test_the_owner_changes_a_role_and_sees_who_did_it(desk: Desk) -> None:
    page = desk.open("settings/people")
    page.get_by_label("Role of dana").select_option("supervisor")
    page.get_by_role("row").filter(has_text="dana").get_by_role("button", name="Change").click()
    expect(page.get_by_label("Role of dana")).to_have_value("supervisor")
    page = desk.open("settings/audit?action=user_changed")
    expect(page.get_by_role("row").filter(has_text="user dana")).to_contain_text("supervisor")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out_or_is_wider_than_a_screen(desk: Desk, scheme: str) -> None:
    page = desk.page
    ticket = desk.office.program().get("/api/tickets").json()["items"][0]["number"]
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in PAGES:
        for width in (375, 768, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            desk.open(path.format(ticket=ticket))
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        assert barriers(page) == [], path
