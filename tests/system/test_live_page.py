"""A real call on the page “Now”: seen while it is spoken, listened to, and hung up on."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import pytest
from playwright.sync_api import Page, expect

from backend.config import ROOT
from backend.phone.script import Listening
from tests.support.browser import Watch, running_chromium
from tests.support.frontdesk import Frontdesk, Talk, next_caller, talk

pytestmark = [pytest.mark.pbx, pytest.mark.browser]

QUESTION = "what are your opening hours"
PASSWORD = "eleven flat pebbles"
NOTE_WHEN_SHOWN = """() => {
  window.shown = {};
  new MutationObserver(() => {
    for (const line of document.querySelectorAll(".line .text")) {
      window.shown[line.textContent] ??= Date.now();
    }
  }).observe(document.getElementById("cards"), {childList: true, subtree: true});
}"""
NOTE_WHAT_IS_HEARD = """
  window.loudest = [0, 0];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...when) {
    for (const side of [0, 1]) {
      const levels = this.buffer.getChannelData(side).map(Math.abs);
      window.loudest[side] = Math.max(window.loudest[side], ...levels);
    }
    return start.apply(this, when);
  };
"""


@dataclass
class Watched:
    """A call as somebody at the dashboard lived through it."""

    talk: Talk
    shown: dict[str, int]
    """When each line of words was first on the page, in milliseconds since the epoch."""
    loudest: list[float]
    """Of caller and bot, as the listener heard them; 1.0 is the most there is."""
    watch: Watch


@pytest.fixture(scope="module")
def watched(frontdesk: Frontdesk) -> Iterator[Watched]:
    caller = next_caller()
    with running_chromium() as chromium, ThreadPoolExecutor(1) as thread:
        page = chromium.new_page()
        page.add_init_script(NOTE_WHAT_IS_HEARD)
        address = f"http://127.0.0.1:{frontdesk.settings.web_port}"
        watch = Watch(page, address)
        sign_in_for_the_first_time(frontdesk, page, address)
        page.evaluate(NOTE_WHEN_SHOWN)
        patient = Listening(quiet_s=1.0, patience_s=30)
        calling = thread.submit(
            talk, frontdesk, QUESTION, caller=caller, extension="200", listening=patient
        )
        card = page.get_by_role("article", name=caller)
        expect(card).to_be_visible(timeout=20_000)
        card.get_by_role("button", name="Listen in").click()
        expect(card.locator(".line.caller .text")).to_contain_text("opening", timeout=20_000)
        expect(card.locator(".line.bot .more").last).to_contain_text("ms", timeout=20_000)
        loudest = page.evaluate("window.loudest")
        card.get_by_role("button", name="Hang up").click()
        page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
        yield Watched(calling.result(60), page.evaluate("window.shown"), loudest, watch)


def sign_in_for_the_first_time(frontdesk: Frontdesk, page: Page, address: str) -> None:
    command = [sys.executable, "-m", "backend", "users", "password", "owner"]
    made = subprocess.run(
        command, env=frontdesk.environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    once = made.stdout.split("/ ")[1].split("   (")[0]
    page.goto(f"{address}/sign-in")
    page.get_by_label("User name").fill("owner")
    page.get_by_label("Password").fill(once)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Present password").fill(once)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    page.goto(f"{address}/now")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_what_is_said_is_on_the_page_within_a_moment(watched: Watched) -> None:
    late_s = []
    for event in watched.talk.call["events"]:
        if event["type"] in ("caller.says", "caller.said"):
            shown_ms = watched.shown.get(event["data"]["text"])
            if shown_ms is not None:
                at_s = datetime.fromisoformat(event["at"]).timestamp()
                late_s.append(max(0.0, shown_ms / 1000 - at_s))
    assert late_s, watched.shown
    print(f"\nevent to page: {[round(late * 1000) for late in late_s]} ms")
    assert median(late_s) < 0.2


def test_words_are_on_the_page_before_the_caller_pauses(watched: Watched) -> None:
    paused = next(e for e in watched.talk.call["events"] if e["type"] == "caller.says")
    paused_ms = datetime.fromisoformat(paused["at"]).timestamp() * 1000
    whole = paused["data"]["text"].split()
    first = [ms for words, ms in watched.shown.items() if words.split()[:1] == whole[:1]]
    assert min(first) < paused_ms - 300


def test_both_sides_are_heard_by_who_listens_in(watched: Watched) -> None:
    assert min(watched.loudest) > 0.05


def test_the_call_ends_when_a_supervisor_hangs_up(watched: Watched) -> None:
    call = watched.talk.call
    assert call["outcome"] == "operator_hung_up"
    assert call["contained"] is False
    acts = [e["data"]["by"] for e in call["events"] if e["type"] == "operator.acted"]
    assert acts == ["owner"]


def test_the_page_complained_of_nothing(watched: Watched) -> None:
    watched.watch.saw_nothing_odd()
