"""The page of one call in a real Chromium: the recording and the words in step."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from backend.audio.wav import write_wav
from backend.core.events import EventType
from backend.db.models import Role
from tests.support.browser import Watch, barriers, running_chromium, served, sign_in
from tests.support.call_events import Script
from tests.support.office import PASSWORD, Office, open_office

pytestmark = pytest.mark.browser

CALL = "20261121-090000-aaaaaa"
SECONDS = 12


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium("--autoplay-policy=no-user-gesture-required") as browser:
        yield browser


@pytest.fixture
def office(tmp_path: Path, seeded: Path) -> Iterator[Office]:
    with open_office(tmp_path, seeded) as office:
        script = Script(CALL).started().answered("Welcome to Blue Harbor.", total_s=0.0)
        script.asked("what do i owe").answered("Nothing at all.", total_s=0.24, recognition_s=0.04)
        script.add(EventType.TICKET_OPENED, number="100000", type="billing", priority="low")
        script.add(EventType.OPERATOR_ACTED, by="ada", action="note", text="<b>kind</b>")
        office.happens(script.ended(recording=f"{CALL}.wav", duration_s=float(SECONDS)).events)
        pcm = np.zeros((8000 * SECONDS, 2), dtype=np.int16)
        pcm[8000:16000, 0] = pcm[32000:40000, 1] = 9000
        write_wav(office.services.recordings_dir / f"{CALL}.wav", pcm, 8000)
        office.add_user("owner", Role.OWNER)
        yield office


@pytest.fixture
def page(office: Office, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    with served(office) as address:
        page = context.new_page()
        watch = Watch(page, address)
        sign_in(page, address, PASSWORD)
        page.goto(f"{address}/calls/{CALL}")
        yield page
        watch.saw_nothing_odd()
        context.close()


def test_a_sentence_that_is_clicked_is_heard(page: Page) -> None:
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:00 of 0:12")
    # Its words were announced 5 s into the call.
    page.get_by_role("link", name="Nothing at all.").click()
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:05 of 0:12")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".said.current")).to_contain_text("Nothing at all.")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    # The same one again, though the address stays the same.
    page.get_by_role("link", name="Nothing at all.").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_the_keyboard_moves_through_the_recording(page: Page) -> None:
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:00 of 0:12")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:05 of 0:12")
    page.keyboard.press("End")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:12 of 0:12")
    page.keyboard.press("Home")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:00 of 0:12")


def test_an_address_may_name_a_moment(page: Page) -> None:
    page.goto(f"{page.url}#t=6.00")
    page.reload()
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "0:05 of 0:12")


def test_the_waveform_shows_who_spoke_when(page: Page) -> None:
    expect(page.locator(".wave .bot")).to_have_attribute("d", re.compile(".{100}"))
    shown = page.locator(".wave .caller").evaluate(
        "path => [100, 500].map(x => path.isPointInFill(new DOMPoint(x, 40)))"
    )
    assert shown == [True, False]


def test_where_the_time_of_an_answer_went_is_folded_out(page: Page) -> None:
    page.locator(".waterfall summary").first.click()
    row = page.get_by_role("row").filter(has_text="Recognition").filter(visible=True).first
    expect(row).to_contain_text("40 ms")


def test_without_scripts_there_is_the_browsers_own_player(
    office: Office, chromium: Browser
) -> None:
    with served(office) as address:
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        sign_in(page, address, PASSWORD)
        page.goto(f"{address}/calls/{CALL}")
        expect(page.locator("audio")).to_be_visible()
        expect(page.get_by_role("button", name="Play")).to_be_hidden()
        expect(page.get_by_role("link", name="Nothing at all.")).to_be_visible()
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_page_is_a_barrier(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.locator(".waterfall summary").first.click()
    page.get_by_text("Events").click()
    expect(page.get_by_text("<b>kind</b>", exact=False).first).to_be_visible()
    assert barriers(page) == []
    page.goto(page.url + "/replay")
    assert barriers(page) == []


def test_the_first_paint_is_small(page: Page) -> None:
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".filter(one => !one.name.includes('/recording'))"
        ".map(one => one.encodedBodySize)"
    )
    assert 0 < sum(sizes) < 100_000
