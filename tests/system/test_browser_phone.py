"""Calls from the page "Talk to it", in a real Chromium, through a real Asterisk or around it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from backend.db.models import Role
from tests.support.browser_caller import (
    ALLOWED,
    add_user,
    browser_page,
    heard,
    microphone,
    recognised,
    sign_in,
)
from tests.support.frontdesk import Frontdesk, ari, spoken

pytestmark = [pytest.mark.pbx, pytest.mark.browser]

WHO = "talker"
GREETING_S = 4.2
ANSWERS = (
    "we are open monday to friday from eight to six",
    "and saturday from nine to one",
    "is there anything else i can help with",
    "thank you for calling blue harbor internet",
    "how can i help you",
    "what is your customer number",
)


@pytest.fixture(scope="module")
def address(frontdesk: Frontdesk, tmp_path_factory: pytest.TempPathFactory) -> str:
    add_user(frontdesk.settings.db_url, tmp_path_factory.mktemp("user"), WHO, Role.SUPERVISOR)
    return f"http://127.0.0.1:{frontdesk.settings.web_port}"


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("microphone")
    speech = asyncio.run(spoken("what are your opening hours"))
    return microphone(folder / "question.wav", GREETING_S, speech, 20.0)


@pytest.fixture
def talk_page(address: str, question: Path) -> Iterator[Page]:
    with visit(address, question) as page:
        yield page


@contextmanager
def visit(address: str, wav: Path) -> Iterator[Page]:
    with browser_page(wav, ALLOWED) as page:
        sign_in(page, address, WHO)
        page.goto(f"{address}/talk")
        yield page


def call(page: Page, line: str) -> None:
    page.get_by_text("Connection", exact=True).click()
    page.get_by_label("How to call").select_option(line)
    page.get_by_role("button", name="Call the bot").click()
    expect(page.get_by_role("status")).to_have_text("Connected. Speak.", timeout=15_000)


def until(page: Page, holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come to pass")


def level(page: Page) -> float:
    return float(page.locator("#level").evaluate("meter => meter.value"))


def answers(page: Page) -> str:
    """The bot's words after its greeting, once they have all been said."""
    expect(page.locator(".said.bot").nth(1).locator(".notes")).to_contain_text("ms", timeout=20_000)
    return page.locator(".said.bot").nth(1).inner_text()


def has_no_phone_left(frontdesk: Frontdesk) -> bool:
    """Nobody can register as one. Asterisk lists an endpoint for half a minute after it was removed
    in the middle of a call: it waits for an answer to its BYE."""
    names = [one["resource"] for one in ari(frontdesk, "endpoints/PJSIP")]
    return not any(can_register(frontdesk, name) for name in names if name.startswith("browser_"))


def can_register(frontdesk: Frontdesk, name: str) -> bool:
    try:
        ari(frontdesk, f"asterisk/config/dynamic/res_pjsip/auth/{name}")
    except httpx.HTTPStatusError as error:
        if error.response.status_code == 404:
            return False
        raise
    return True


def test_a_webrtc_call_is_answered_and_its_account_goes_with_it(
    talk_page: Page, frontdesk: Frontdesk, tmp_path: Path
) -> None:
    call(talk_page, "sip")
    expect(talk_page.get_by_text("Telephone (WebRTC)", exact=True)).to_be_visible()
    talk_page.evaluate("tapElement(document.getElementById('remote-audio'))")
    expect(talk_page.locator(".said.caller")).to_be_visible(timeout=20_000)
    heard(talk_page)  # the greeting
    assert "Monday to Friday" in answers(talk_page)
    answer = heard(talk_page)
    talk_page.get_by_role("button", name="Hang up").click()
    expect(talk_page.get_by_text("The conversation has ended")).to_be_visible()
    expect(talk_page.get_by_role("status").first).to_have_text("The call has ended.")
    expect(talk_page.get_by_role("link", name="Open its record")).to_be_visible()
    until(talk_page, lambda: has_no_phone_left(frontdesk))
    assert "friday from eight" in recognised(answer, tmp_path, ANSWERS)


def test_a_page_that_is_closed_ends_its_call(talk_page: Page, frontdesk: Frontdesk) -> None:
    call(talk_page, "sip")
    assert ari(frontdesk, "channels")
    talk_page.goto("about:blank")
    until(talk_page, lambda: not ari(frontdesk, "channels"))
    until(talk_page, lambda: has_no_phone_left(frontdesk))


def test_without_a_pbx_the_page_speaks_over_its_own_connection(
    talk_page: Page, tmp_path: Path
) -> None:
    call(talk_page, "socket")
    expect(talk_page.locator(".said.caller")).to_be_visible(timeout=20_000)
    heard(talk_page)
    assert "Monday to Friday" in answers(talk_page)
    answer = heard(talk_page)
    talk_page.get_by_role("button", name="Hang up").click()
    expect(talk_page.get_by_text("caller hung up")).to_be_visible()
    assert "friday from eight" in recognised(answer, tmp_path, ANSWERS)


def test_push_to_talk_lets_nothing_through_until_the_button_is_held(
    address: str, tmp_path: Path
) -> None:
    speech = asyncio.run(spoken("what are your opening hours"))
    talks_at_once = microphone(tmp_path / "at_once.wav", *[speech] * 10)
    with visit(address, talks_at_once) as page:
        page.get_by_label("Push to talk").check()
        call(page, "socket")
        button = page.get_by_role("button", name="Hold to talk")
        assert level(page) == 0
        button.focus()
        page.keyboard.down(" ")
        until(page, lambda: level(page) > 0.05)
        page.keyboard.up(" ")
        until(page, lambda: level(page) < 0.01)
        expect(button).to_be_visible()


def test_where_the_telephone_cannot_be_had_the_call_goes_the_other_way(talk_page: Page) -> None:
    talk_page.route("**/api/talk/phone", lambda route: route.abort())
    call(talk_page, "auto")
    expect(talk_page.get_by_text("This page's connection", exact=True)).to_be_visible()
    expect(talk_page.get_by_text("How can I help you?")).to_be_visible()


def test_a_conversation_can_be_written(talk_page: Page) -> None:
    talk_page.get_by_label("Write to it").fill("what are your opening hours")
    talk_page.keyboard.press("Enter")
    expect(talk_page.get_by_text("Monday to Friday")).to_be_visible()
    talk_page.get_by_label("Write to it").fill("goodbye")
    talk_page.keyboard.press("Enter")
    expect(talk_page.get_by_text("The conversation has ended")).to_be_visible()


def test_without_a_microphone_the_page_says_what_to_do(talk_page: Page) -> None:
    for trouble, words in (
        ("NotAllowedError", "The microphone is blocked for this page"),
        ("NotFoundError", "No microphone was found"),
        ("NotReadableError", "Another program is using the microphone"),
    ):
        talk_page.evaluate(
            """name => {
              const refuse = async () => { throw new DOMException("", name); };
              navigator.mediaDevices.getUserMedia = refuse;
            }""",
            trouble,
        )
        talk_page.get_by_role("button", name="Call the bot").click()
        expect(talk_page.get_by_role("alert")).to_contain_text(words)
        expect(talk_page.get_by_role("button", name="Call the bot")).to_be_visible()


def test_a_microphone_that_was_refused_in_the_browser_is_explained(
    address: str, question: Path
) -> None:
    with browser_page(question) as page:  # nobody allows it
        sign_in(page, address, WHO)
        page.goto(f"{address}/talk")
        page.get_by_role("button", name="Call the bot").click()
        expect(page.get_by_role("alert")).to_contain_text("The microphone is blocked")
