"""Finding calls: search, filters, sorting, and the list as a file."""

import csv
import io

import pytest

from backend.api.exports import inert
from backend.db.models import Role
from tests.support.call_events import NINE, Script
from tests.support.office import TODAY, Office, words_of

CALL = "20261121-090000-aaaaaa"
EVIL = "=HYPERLINK(cmd)"


def talk(office: Office, caller: str = "5550104") -> None:
    """One call about a purple router."""
    script = Script(CALL).started(caller=caller).asked("my <b>purple</b> router is broken")
    office.happens(script.answered("Oh dear.", 2.5).ended().events)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_search_finds_the_call_and_shows_the_sentence(office: Office) -> None:
    talk(office)
    page = office.signed_in(Role.VIEWER).get("/calls", params={"search": "purple router"})
    assert f"/calls/{CALL}" in page.text
    assert "<b>purple</b>" not in page.text
    assert "“my <b>purple</b> router is broken”" in words_of(page)
    program = office.program(Role.VIEWER)
    found = program.get("/api/calls", params={"search": "purple"}).json()["items"]
    assert [item["id"] for item in found] == [CALL]
    assert program.get("/api/calls", params={"search": "mauve"}).json()["items"] == []


@pytest.mark.parametrize("search", ["-router", "***", "ro*"])
def test_a_search_that_cannot_be_is_explained_beside_the_field(
    shared_office: Office, search: str
) -> None:
    browser = shared_office.signed_in()
    page = browser.get("/calls", params={"search": search})
    assert page.status_code == 200
    assert 'id="f-search-wrong"' in page.text
    assert f'value="{search}"' in page.text
    assert shared_office.program().get("/api/calls", params={"search": search}).status_code == 422


@pytest.mark.parametrize("sort", ["newest", "oldest", "longest", "slowest"])
def test_every_order_goes_through_all_pages_without_gap_or_double(
    shared_office: Office, sort: str
) -> None:
    program = shared_office.program()
    calls, cursor = [], None
    while True:
        params = {"sort": sort, "limit": "7"} | ({"cursor": cursor} if cursor else {})
        answer = program.get("/api/calls", params=params).json()
        calls += answer["items"]
        if (cursor := answer["next_cursor"]) is None:
            break
    key = {
        "newest": lambda call: call["started_at"],
        "oldest": lambda call: call["started_at"],
        "longest": lambda call: call["duration_s"],
        "slowest": lambda call: call["slowest_turn_s"],
    }[sort]
    assert len({call["id"] for call in calls}) == len(calls) > 40
    assert calls == sorted(calls, key=key, reverse=sort != "oldest")


def test_a_cursor_of_another_order_is_refused_with_a_sentence(shared_office: Office) -> None:
    program = shared_office.program()
    cursor = program.get("/api/calls", params={"limit": "5"}).json()["next_cursor"]
    answer = program.get("/api/calls", params={"cursor": cursor, "sort": "longest"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "This is not a cursor."


def test_slow_and_long_calls_are_found_on_the_page(office: Office) -> None:
    talk(office)
    browser = office.signed_in()
    assert f"/calls/{CALL}" in browser.get("/calls", params={"min_latency_s": "2.4"}).text
    assert f"/calls/{CALL}" not in browser.get("/calls", params={"min_latency_s": "2.6"}).text
    nonsense = browser.get("/calls", params={"min_latency_s": "soon"})
    assert nonsense.status_code == 200
    assert 'id="f-min_latency_s-wrong"' in nonsense.text


def test_the_list_is_exported_as_it_is_filtered(office: Office) -> None:
    talk(office)
    supervisor = office.signed_in(Role.SUPERVISOR)
    everything = supervisor.get("/calls/export")
    assert everything.headers["content-type"] == "text/csv; charset=utf-8"
    assert everything.headers["content-disposition"].endswith(f'calls-{TODAY:%Y-%m-%d}.csv"')
    rows = rows_of(everything.text)
    listed = office.program().get("/api/calls", params={"limit": 200}).json()["items"]
    assert [row["call_id"] for row in rows] == [call["id"] for call in listed]
    (one,) = rows_of(supervisor.get("/calls/export", params={"search": "purple"}).text)
    assert one["started_at"] == f"{NINE:%Y-%m-%d %H:%M:%S}+00:00"
    assert (one["intent"], one["outcome"], one["contained"]) == ("billing", "completed", "1")
    assert one["slowest_answer_s"] == "2.500"
    nobody = supervisor.get("/calls/export", params={"customer": "99999"})
    assert nobody.status_code == 422
    assert "No call fits" in nobody.text


def test_a_callers_name_is_no_formula_in_a_spreadsheet(office: Office) -> None:
    talk(office, caller=EVIL)
    program = office.program(Role.SUPERVISOR)
    (row,) = rows_of(program.get("/api/calls/export", params={"search": "purple"}).text)
    assert row["caller"] == f"'{EVIL}"


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_what_a_spreadsheet_would_run_is_made_inert(text: str) -> None:
    assert inert(text) == f"'{text}"
    assert inert(f"a{text}") == f"a{text}"


def test_an_export_is_for_supervisors_and_written_down(office: Office) -> None:
    assert office.signed_in(Role.VIEWER).get("/calls/export").status_code == 403
    assert office.program(Role.VIEWER).get("/api/calls/export").status_code == 403
    assert "/calls/export" not in office.signed_in(Role.VIEWER).get("/calls").text
    office.signed_in(Role.SUPERVISOR).get("/calls/export", params={"intent": "billing"})
    (line,) = (
        office.program().get("/api/audit", params={"action": "calls_exported"}).json()["items"]
    )
    assert (line["by"], line["detail"]) == ("supervisor", "intent=billing")
