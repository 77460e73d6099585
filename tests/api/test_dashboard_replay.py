"""A call and its replay side by side, in a real Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from backend.db.models import Role
from tests.support.browser import Watch, barriers, running_chromium, served, sign_in
from tests.support.call_events import short_call
from tests.support.office import PASSWORD, open_office
from tests.support.replaying import Understanding

pytestmark = pytest.mark.browser

CALL = "20261121-090000-aaaaaa"


def test_both_conversations_are_readable_by_everybody_on_every_screen(
    tmp_path: Path, seeded: Path
) -> None:
    with (
        open_office(tmp_path, seeded, replayer=Understanding()) as office,
        served(office) as address,
        running_chromium() as chromium,
    ):
        office.happens(short_call(CALL).events)
        office.add_user("owner", Role.OWNER)
        page = chromium.new_page()
        watch = Watch(page, address)
        sign_in(page, address, PASSWORD)
        page.goto(f"{address}/calls/{CALL}/replay")
        page.get_by_role("button", name="Replay now").click()
        expect(page.get_by_role("columnheader", name="Today")).to_be_visible()
        expect(page.get_by_text("what do i own")).to_be_visible()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            for width in (375, 768, 1440):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert barriers(page) == [], scheme
        watch.saw_nothing_odd()
