"""Styles, scripts and libraries: kept for ever, compressed, and asked for under one version."""

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from backend.api.static_files import FOR_EVER, StaticFiles

STYLE = "body { color: black }\n" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "page.css").write_text(STYLE)
    (tmp_path / "lib" / "charts.js").write_text("export const x = 1;")
    (tmp_path / "lib" / ".built").write_text("a stamp")
    return tmp_path


def browser(static: StaticFiles) -> TestClient:
    app = Starlette()
    app.mount("/static", static.app)
    return TestClient(app)


def test_a_file_is_kept_for_ever_under_the_address_pages_use(folder: Path) -> None:
    static = StaticFiles(folder)
    answer = browser(static).get(static.url("page.css"))
    assert answer.text == STYLE
    assert answer.headers["cache-control"] == FOR_EVER
    assert answer.headers["content-type"].startswith("text/css")


def test_every_address_changes_when_any_file_does(folder: Path) -> None:
    before = StaticFiles(folder)
    (folder / "lib" / "charts.js").write_text("export const x = 2;")
    after = StaticFiles(folder)
    assert before.url("page.css") != after.url("page.css")
    answer = browser(after).get(before.url("page.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


def test_what_a_script_imports_by_a_relative_address_has_the_version_too(folder: Path) -> None:
    static = StaticFiles(folder)
    beside = static.url("page.css").rpartition("/")[0] + "/lib/charts.js"
    assert static.url("lib/charts.js") == beside
    answer = browser(static).get(beside)
    assert answer.headers["cache-control"] == FOR_EVER
    assert answer.headers["content-type"].startswith("text/javascript")


def test_a_file_travels_compressed_to_who_can_read_that(folder: Path) -> None:
    static = StaticFiles(folder)
    with browser(static).stream("GET", static.url("page.css")) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(sent).decode() == STYLE
    plain = browser(static).get(static.url("page.css"), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == STYLE


def test_an_unversioned_file_that_did_not_change_is_not_sent_again(folder: Path) -> None:
    visitor = browser(StaticFiles(folder))
    first = visitor.get("/static/page.css")
    again = visitor.get("/static/page.css", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_a_library_that_was_not_fetched_is_known_to_be_missing(folder: Path) -> None:
    static = StaticFiles(folder)
    assert static.has("lib/charts.js")
    assert not static.has("lib/phone.js")
    assert not static.has("lib/.built")
    with pytest.raises(KeyError, match="has no"):
        static.url("lib/phone.js")
    assert browser(static).get("/static/lib/.built").status_code == 404
