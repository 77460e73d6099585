"""The page “Now” in a real Chromium: what is said appears, and something can be done about it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from backend.api import live_feed
from backend.calls.operator import Operator
from backend.calls.publisher import CallPublisher
from backend.core.events import CallEvent, EventType
from backend.db.models import Role
from backend.telephony.text import TextLine
from tests.support.browser import Watch, barriers, running_chromium, served, sign_in
from tests.support.call_events import Script
from tests.support.office import NOON, PASSWORD, Office, open_office

pytestmark = pytest.mark.browser

CALL = "20261121-115900-aaaaaa"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    yield context
    context.close()


class Desk:
    """An open house whose owner looks at “Now”."""

    def __init__(self, office: Office, page: Page, address: str) -> None:
        self.office = office
        self.page = page
        self.watch = Watch(page, address)
        sign_in(page, address, PASSWORD)
        expect(page.get_by_text("Live", exact=True)).to_be_visible()

    def card(self, caller: str) -> Locator:
        return self.page.get_by_role("article", name=caller)


@pytest.fixture
def desk(tmp_path: Path, seeded: Path, context: BrowserContext) -> Iterator[Desk]:
    with open_office(tmp_path, seeded) as office:
        office.add_user("owner", Role.OWNER)
        with served(office) as address:
            yield Desk(office, context.new_page(), address)
            context.close()


def test_a_call_appears_word_by_word_and_goes_when_it_is_over(desk: Desk) -> None:
    page, office = desk.page, desk.office
    expect(page.get_by_text("Nobody is on the line.")).to_be_visible()
    script = Script(CALL, NOON).started(caller="5550199").answered("Hello.", total_s=0.0)
    script.add(EventType.CALLER_SPEAKING, turn=1, text="are")
    script.add(EventType.CALLER_SPEAKING, turn=1, text="are you")
    office.happens(script.events)
    lines = desk.card("5550199").get_by_role("listitem")
    expect(lines).to_have_text(["Frontdesk: Hello.", "Caller: are you"])
    seen = len(script.events)
    script.asked("are you there").answered("Yes.", total_s=0.214).identified("1004")
    office.happens(script.events[seen:])
    expect(lines).to_have_text(
        ["Frontdesk: Hello.", "Caller: are you thereBilling 80%", "Frontdesk: Yes.214 ms"]
    )
    expect(desk.card("5550199").get_by_text("Customer 1004")).to_be_visible()
    expect(page.get_by_text("Nobody is on the line.")).to_be_hidden()
    office.happens(script.ended().events[-1:])
    expect(desk.card("5550199").get_by_text("ended after")).to_be_visible()
    desk.watch.saw_nothing_odd()


def test_what_a_caller_says_is_text_whatever_it_looks_like(desk: Desk) -> None:
    script = Script(CALL, NOON).started(caller=EVIL).asked(EVIL, intent=EVIL).answered(EVIL)
    script.identified(EVIL).add(EventType.WARNING, code="x", message=EVIL)
    script.add(EventType.OPERATOR_ACTED, by=EVIL, action="note", text=EVIL)
    desk.office.happens(script.events)
    expect(desk.card(EVIL).get_by_role("listitem")).to_have_count(4)
    assert desk.page.locator("#live img").count() == 0
    desk.watch.saw_nothing_odd()


def test_however_often_the_connection_drops_nothing_is_missing_and_nothing_is_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, office = desk.page, desk.office
    monkeypatch.setattr(live_feed, "LONGEST_S", 0.1)
    monkeypatch.setattr(live_feed, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(live_feed, "RETRY_MS", 50)
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.reload()
    script = Script(CALL, NOON).started(caller="5550199")
    sent = 0
    for number in range(20):
        script.asked(f"question {number}").answered(f"answer {number}")
        office.happens(script.events[sent:])
        sent = len(script.events)
        page.wait_for_timeout(40)
    lines = desk.card("5550199").locator(".line .text")
    both = [f"{what} {number}" for number in range(20) for what in ("question", "answer")]
    expect(lines).to_have_text(both)
    assert sum("/calls/events" in url for url in asked_for) > 3


class Lively:
    """A call somebody can do something to: its line is a text line nobody types on."""

    def __init__(self, office: Office) -> None:
        async def silence() -> str | None:
            return None

        self.acts: list[CallEvent] = []
        self._office = office
        publisher = CallPublisher(office.services.events, CALL)
        self.line = TextLine(CALL, silence, lambda _: None, caller="5550199")
        self.operator = Operator(self.line, publisher)
        office.operators.of[CALL] = self.operator
        publisher.publish(
            EventType.CALL_STARTED, line="text", caller="5550199", called="", pbx_id=""
        )
        self.acted = threading.Event()
        office.services.events.subscribe(self._on_event)

    def _on_event(self, event: CallEvent) -> None:
        if event.type is EventType.OPERATOR_ACTED:
            self.acts.append(event)
            self.acted.set()

    def act(self) -> tuple[str, str, str]:
        assert self.acted.wait(10)
        data = self.acts[-1].data
        return data["by"], data["action"], data["text"]


def test_a_note_is_taken_with_the_keyboard_alone(desk: Desk) -> None:
    call = Lively(desk.office)
    desk.card("5550199").get_by_role("button", name="Note").focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("heading", name="Note on 5550199")).to_be_visible()
    desk.page.keyboard.type("wants a credit")
    desk.page.keyboard.press("Tab")
    desk.page.keyboard.press("Enter")
    assert call.act() == ("owner", "note", "wants a credit")
    expect(desk.card("5550199").get_by_text("owner: wants a credit")).to_be_visible()
    expect(desk.card("5550199").get_by_role("button", name="Note")).to_be_focused()
    desk.watch.saw_nothing_odd()


def test_hanging_up_asks_first(desk: Desk) -> None:
    call = Lively(desk.office)
    button = desk.card("5550199").get_by_role("button", name="Hang up")
    button.click()
    desk.page.keyboard.press("Escape")
    assert call.acts == []
    button.click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
    assert call.act() == ("owner", "hang_up", "")


def test_a_caller_is_put_through(desk: Desk) -> None:
    call = Lively(desk.office)
    desk.card("5550199").get_by_role("button", name="Transfer").click()
    desk.page.get_by_label("To", exact=True).fill("2001")
    desk.page.get_by_role("button", name="Put through").click()
    assert call.act() == ("owner", "transfer", "2001")


def test_what_cannot_be_done_says_why(desk: Desk) -> None:
    call = Lively(desk.office)
    desk.card("5550199").get_by_role("button", name="Listen in").click()
    expect(desk.card("5550199").get_by_text("there is nothing to listen to")).to_be_visible()
    del desk.office.operators.of[CALL]
    desk.card("5550199").get_by_role("button", name="Hang up").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
    expect(desk.page.get_by_role("alert")).to_contain_text("not in progress")
    assert call.acts == []


def test_a_viewer_only_looks(tmp_path: Path, seeded: Path, context: BrowserContext) -> None:
    with open_office(tmp_path, seeded) as office:
        office.add_user("owner", Role.VIEWER)
        with served(office) as address:
            page = context.new_page()
            desk = Desk(office, page, address)
            Lively(office)
            expect(desk.card("5550199")).to_be_visible()
            expect(desk.card("5550199").get_by_role("button")).to_have_count(0)
            for what in ("hang-up", "notes", "transfer"):
                token = page.locator("meta[name=form-token]").get_attribute("content")
                answer = page.request.post(
                    f"{address}/api/calls/{CALL}/{what}",
                    headers={"x-form-token": token or "", "content-type": "application/json"},
                    data=json.dumps({"text": "x", "extension": "2001"}),
                )
                assert answer.status == 403, what
            assert page.request.get(f"{address}/api/calls/{CALL}/listen").status == 403
            context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_page_is_a_barrier(desk: Desk, scheme: str) -> None:
    page = desk.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    Lively(desk.office)
    script = Script("20261121-115900-bbbbbb", NOON).started().asked("help").answered("Yes.")
    script.add(EventType.CALLER_SAYS, turn=2, text="and", completeness="unfinished")
    script.add(EventType.WARNING, code="x", message="A word of warning")
    desk.office.happens(script.add(EventType.ERROR, code="x", message="An error").events)
    expect(page.get_by_text("An error")).to_be_visible()
    assert barriers(page) == []
    desk.card("5550199").get_by_role("button", name="Note").click()
    assert barriers(page) == []


def test_the_first_paint_is_small_and_waits_for_no_script(desk: Desk) -> None:
    page = desk.page
    page.reload()
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".map(one => [one.name, one.encodedBodySize, one.renderBlockingStatus])"
    )
    scripts = [one for one in sizes if ".js" in one[0]]
    assert scripts
    assert all(blocking == "non-blocking" for _, _, blocking in scripts)
    assert sum(size for _, size, _ in sizes) < 100_000
