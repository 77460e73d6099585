"""The knowledge base and the settings in a real Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backend.api.sockets.talking import BUSY
from backend.calls.center import CallCenter
from backend.db.models import Role
from tests.api.test_dashboard_browser import House
from tests.support.browser import Watch, barriers, served
from tests.support.browser_caller import ALLOWED, browser_page, sign_in
from tests.support.office import open_office
from tests.support.office_bot import bots

pytestmark = pytest.mark.browser

WIDEST = 1440
HOURS = "knowledge/edit?section=faq&key=opening-hours"
PATHS = (
    "knowledge",
    "knowledge?section=responses",
    HOURS,
    "knowledge/edit?section=troubleshooting&key=outage",
    "knowledge/new?question=do+you+repair+bicycles",
    "knowledge/file",
    "knowledge/versions",
    "knowledge/versions/1",
    "talk",
    "settings/engines",
    "settings/configuration",
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, seeded: Path, models: Path) -> Iterator[House]:
    with open_office(tmp_path_factory.mktemp("house"), seeded, bots(models)) as office:
        office.add_user("owner", Role.OWNER)
        with served(office) as address:
            yield House(office, address)


@pytest.fixture(scope="module")
def page(house: House) -> Iterator[Page]:
    with browser_page(None, ALLOWED) as page:
        sign_in(page, house.address, "owner")
        yield page


def test_mistakes_show_as_they_are_typed_and_a_good_entry_is_used_at_once(
    page: Page, house: House
) -> None:
    watch = Watch(page, house.address)
    page.goto(f"{house.address}/{HOURS}")
    page.get_by_role("textbox", name="Answer").fill("We are {open}.")
    expect(page.get_by_text("which is not filled here")).to_be_visible()
    expect(page.get_by_text("Not yet complete")).to_be_visible()
    page.get_by_role("textbox", name="Answer").fill("We never sleep.")
    expect(page.get_by_text("Can be saved")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Calls from now on use it")).to_be_visible()
    page.get_by_label("What a caller says").fill("what are your opening hours")
    page.keyboard.press("Enter")
    expect(page.get_by_text("We never sleep. kb:faq/opening-hours")).to_be_visible()
    expect(page.get_by_text("faq/opening-hours, 100%")).to_be_visible()
    watch.saw_nothing_odd()


def test_an_edit_is_undone_with_two_clicks(page: Page, house: House) -> None:
    page.goto(f"{house.address}/knowledge/versions")
    page.get_by_role("link", name="2", exact=True).click()
    expect(page.get_by_text("We are open {hours}.")).to_be_visible()
    page.get_by_role("button", name="Undo this change").click()
    expect(page.get_by_text("Back to version 1.")).to_be_visible()


def test_of_two_people_at_the_same_entry_the_second_sees_both_texts(
    page: Page, house: House
) -> None:
    page.goto(f"{house.address}/{HOURS}")
    other = page.context.new_page()
    other.goto(f"{house.address}/{HOURS}")
    other.get_by_role("textbox", name="Answer").fill("Hers.")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("Saved: opening-hours")).to_be_visible()
    other.close()
    page.get_by_role("textbox", name="Answer").fill("His.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Somebody else has changed this")).to_be_visible()
    expect(page.get_by_role("textbox", name="Answer")).to_have_value("His.")
    expect(page.get_by_text("Hers.")).to_be_visible()
    page.get_by_role("button", name="Save over what it is now").click()
    expect(page.get_by_text("Saved: opening-hours")).to_be_visible()


@pytest.mark.parametrize("width", [375, 768, WIDEST])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_screen_shuts_anybody_out_or_asks_for_anything_from_outside(
    page: Page, house: House, width: int, scheme: str
) -> None:
    watch = Watch(page, house.address)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in PATHS:
        page.goto(f"{house.address}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        if width == WIDEST:
            assert barriers(page) == [], path
    watch.saw_nothing_odd()


def test_a_caller_in_the_browser_is_told_that_all_lines_are_busy(
    house: House, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CallCenter, "is_full", property(lambda center: True))
    page.goto(f"{house.address}/talk")
    page.get_by_role("button", name="Call the bot").click()
    expect(page.get_by_text("Not connected.")).to_be_visible()
    expect(page.get_by_text(BUSY)).to_be_visible()
    expect(page.get_by_role("button", name="Call the bot")).to_be_enabled()
