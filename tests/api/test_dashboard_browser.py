"""The dashboard in a real Chromium: what an owner does on the first day."""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.api.first_user import ensure_first_user
from backend.db.models import Role
from tests.support.browser import Watch, running_chromium, served, sign_in
from tests.support.call_events import Script
from tests.support.office import PASSWORD, Office, open_office, run_aside

pytestmark = pytest.mark.browser

CALL = "20261121-090000-aaaaaa"
NEW_PASSWORD = "nine dry parasols"
SECONDS_RECORDED = 12


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@dataclass(frozen=True, slots=True)
class House:
    """An office that can be visited."""

    office: Office
    address: str


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory, seeded: Path) -> Iterator[House]:
    """A house with one recorded call."""
    with open_office(tmp_path_factory.mktemp("house"), seeded) as office:
        _take_a_recorded_call(office)
        office.add_user("owner", Role.OWNER)
        with served(office) as address:
            yield House(office, address)


def _take_a_recorded_call(office: Office) -> None:
    script = Script(CALL).started().answered("Welcome to Blue Harbor.").asked("what do i owe")
    script.answered("Nothing at all.", total_s=0.24, recognition_s=0.04, thinking_s=0.2)
    office.happens(script.identified("1004").ended(recording=f"{CALL}.wav").events)
    with wave.open(str(office.services.recordings_dir / f"{CALL}.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(4 * 8000 * SECONDS_RECORDED))


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def owner(page: Page, open_house: House) -> Page:
    """A page whose owner has signed in."""
    sign_in(page, open_house.address, PASSWORD)
    expect(page.get_by_role("heading", name="Now", level=1)).to_be_visible()
    return page


def test_the_first_sign_in_asks_for_a_new_password_and_then_shows_the_calls(
    page: Page, tmp_path: Path, seeded: Path
) -> None:
    with open_office(tmp_path, seeded) as office, served(office) as address:
        once = run_aside(ensure_first_user(office.services.store, now=office.services.now()))
        watch = Watch(page, address)
        sign_in(page, address, once or "")
        expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
        page.goto(f"{address}/customers")
        expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
        page.get_by_label("Present password").fill(once or "")
        page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
        page.get_by_label("New password again").fill(NEW_PASSWORD)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("heading", name="Customers")).to_be_visible()
        watch.saw_nothing_odd()
        page.context.close()


def test_a_call_is_read_and_listened_to(owner: Page, open_house: House) -> None:
    watch = Watch(owner, open_house.address)
    owner.goto(f"{open_house.address}/calls")
    owner.get_by_role("row").filter(has_text="Billing").filter(
        has_text="Robert Miller"
    ).first.click()
    talk = owner.get_by_role("region", name="Conversation")
    expect(talk.get_by_text("what do i owe")).to_be_visible()
    expect(talk.get_by_text("Nothing at all.")).to_be_visible()
    seconds = "audio => new Promise(done => audio.readyState ? done(audio.duration)"
    seconds += " : audio.addEventListener('loadedmetadata', () => done(audio.duration)))"
    assert owner.locator("audio").evaluate(seconds) == SECONDS_RECORDED
    jump = "audio => new Promise(done => { audio.onseeked = () => done(audio.currentTime);"
    jump += " audio.currentTime = 9; })"
    assert owner.locator("audio").evaluate(jump) == 9
    watch.saw_nothing_odd()


def test_a_ticket_is_worked_on(owner: Page, open_house: House) -> None:
    watch = Watch(owner, open_house.address)
    owner.get_by_role("navigation").get_by_role("link", name="Tickets").click()
    owner.locator(".row-link").first.click()
    owner.get_by_label("Status").select_option("resolved")
    owner.get_by_label("Add a comment").fill("<b>Called back</b>")
    owner.get_by_role("button", name="Save").click()
    expect(owner.get_by_role("status")).to_have_text("Saved.")
    expect(owner.get_by_text("<b>Called back</b>")).to_be_visible()
    watch.saw_nothing_odd()


@pytest.mark.parametrize("width", [375, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_screen_or_asks_for_anything_from_outside(
    owner: Page, open_house: House, width: int, scheme: str
) -> None:
    address = open_house.address
    watch = Watch(owner, address)
    owner.set_viewport_size({"width": width, "height": 900})
    owner.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    paths = (
        "now",
        "calls",
        f"calls/{CALL}",
        f"calls/{CALL}/replay",
        "tickets",
        "tickets/new",
        "customers",
        "customers/1",
    )
    for path in (*paths, "customers/1/edit", "analytics", "settings", "docs", "password"):
        owner.goto(f"{address}/{path}")
        assert owner.evaluate("document.documentElement.scrollWidth") <= width, path
    watch.saw_nothing_odd()


def test_the_keyboard_alone_is_enough(owner: Page, open_house: House) -> None:
    owner.goto(f"{open_house.address}/calls")
    owner.keyboard.press("Tab")
    focused = owner.locator(":focus")
    expect(focused).to_have_text("Skip to content")
    expect(focused).to_be_in_viewport()
    owner.keyboard.press("Enter")
    for _ in range(20):
        owner.keyboard.press("Tab")
        if owner.evaluate("document.activeElement.className") == "row-link":
            break
    owner.keyboard.press("Enter")
    expect(owner.get_by_role("heading", name="Conversation")).to_be_visible()


def test_signing_out_leaves_nothing_to_go_back_to(owner: Page) -> None:
    owner.get_by_role("button", name="Sign out").click()
    expect(owner.get_by_role("heading", name="Sign in")).to_be_visible()
    owner.go_back()
    expect(owner.get_by_role("heading", name="Sign in")).to_be_visible()
