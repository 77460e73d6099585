"""The dashboard in a real Chromium: what an owner does on the first day."""

import asyncio
import shutil
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from backend.api.first_user import ensure_first_user
from backend.api.serving import WebServer
from backend.db.models import Role
from tests.support.call_events import Script
from tests.support.office import PASSWORD, Office, open_office, run_aside

pytestmark = pytest.mark.browser

CALL = "20261121-090000-aaaaaa"
NEW_PASSWORD = "nine dry parasols"
SECONDS_RECORDED = 12
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def served(office: Office) -> Iterator[str]:
    """The office's app behind a real server, on a thread with an event loop of its own."""
    loop = asyncio.new_event_loop()
    server = WebServer(office.app, "127.0.0.1", 0)
    thread = threading.Thread(target=loop.run_forever, name="web")
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(20)
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.aclose(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


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


class Watch:
    """Everything a page asks for and complains about."""

    def __init__(self, page: Page, address: str) -> None:
        self._address = address
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )

    def saw_nothing_odd(self) -> None:
        assert self.hosts == {urlsplit(self._address).netloc}
        assert self.complaints == []


def sign_in(page: Page, address: str, password: str) -> None:
    page.goto(address)
    page.get_by_label("User name").fill("owner")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


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
    expect(page.get_by_role("heading", name="Calls", level=1)).to_be_visible()
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
    owner.get_by_label("Add a note").fill("<b>Called back</b>")
    owner.get_by_role("button", name="Save").click()
    expect(owner.get_by_role("status")).to_have_text("Saved.")
    expect(owner.get_by_text("<b>Called back</b>")).to_be_visible()
    watch.saw_nothing_odd()


def test_a_live_call_appears_by_itself(owner: Page, open_house: House) -> None:
    office, address = open_house.office, open_house.address
    watch = Watch(owner, address)
    expect(owner.get_by_text("No call in progress.")).to_be_visible()
    script = Script("20261121-093000-bbbbbb").started(caller="5550199").asked("are you there")
    office.happens(script.events)
    expect(owner.get_by_text("caller: are you there")).to_be_visible()
    office.happens(script.ended().events[-1:])
    expect(owner.get_by_text("No call in progress.")).to_be_visible()
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
    paths = ("calls", f"calls/{CALL}", "tickets", "tickets/new", "customers", "customers/1")
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
