"""What callers asked in vain, and what can be done about it."""

import pytest

from backend.db.models import Role
from tests.support.call_events import Script
from tests.support.office import Office, send, words_of

QUESTION = "do you sell <b>batteries</b>"
KEY = "b batterie sell"


def ask_in_vain(office: Office) -> None:
    script = Script().started().asked(QUESTION, "unknown")
    office.happens(script.answered("I am sorry.", source="kb:responses/unknown").ended().events)


def test_a_question_leads_to_the_editor_with_its_words_filled_in(office: Office) -> None:
    ask_in_vain(office)
    for path in ("/analytics", "/analytics/questions"):
        page = office.signed_in(Role.SUPERVISOR).get(path)
        assert QUESTION not in page.text
        assert f"“{QUESTION}”" in words_of(page)
        assert "/knowledge/new?question=do+you+sell+%3Cb%3Ebatteries%3C%2Fb%3E" in page.text


def test_a_question_is_settled_on_the_page_and_that_is_written_down(office: Office) -> None:
    ask_in_vain(office)
    supervisor = office.signed_in(Role.SUPERVISOR)
    path = "/analytics/questions"
    assert send(supervisor, f"{path}/settle", form_on=path, key=KEY).status_code == 303
    assert "Nothing is waiting." in words_of(supervisor.get(path))
    lines = office.program().get("/api/audit", params={"action": "question_settled"}).json()
    (line,) = lines["items"]
    assert line["about"].startswith("question of call 2026")
    assert "batterie" not in str(line)  # the log never has what was said


def test_viewers_read_questions_and_settle_none(office: Office) -> None:
    ask_in_vain(office)
    page = office.signed_in(Role.VIEWER).get("/analytics/questions").text
    assert "/knowledge/new" not in page
    assert "/settle" not in page


def test_programs_read_and_settle_them_too(office: Office) -> None:
    ask_in_vain(office)
    program = office.program(Role.SUPERVISOR)
    (question,) = program.get("/api/analytics/questions").json()
    assert (question["key"], question["example"], question["asked"]) == (KEY, QUESTION, 1)
    path = "/api/analytics/questions/settle"
    assert program.post(path, json={"key": "never asked"}).status_code == 404
    assert program.post(path, json={"key": KEY}).json()["key"] == KEY
    assert program.get("/api/analytics/questions").json() == []


def test_hours_and_confidence_add_up_to_the_calls(shared_office: Office) -> None:
    program = shared_office.program(Role.VIEWER)
    hours = program.get("/api/analytics/hours").json()
    whole = program.get("/api/analytics").json()["totals"]
    assert len(hours) == 24
    assert sum(hour["calls"] for hour in hours) == whole["calls"]
    heard = program.get("/api/analytics/confidence").json()
    assert sum(heard["steps"]) == heard["turns"] > 0
    assert 0.7 < heard["median"] <= 1.0


@pytest.mark.parametrize("query", ["period=century", "on=soon", "period=day&on=9999-12-31"])
def test_a_period_that_makes_no_sense_is_explained(shared_office: Office, query: str) -> None:
    page = shared_office.signed_in().get(f"/analytics?{query}")
    assert page.status_code == 200
    assert 'role="alert"' in page.text


def test_one_can_go_back_and_forth_in_time(shared_office: Office) -> None:
    browser = shared_office.signed_in()
    page = browser.get("/analytics?period=month&on=2026-10-05").text
    assert "/analytics?period=month&amp;on=2026-09-30" in page
    assert "/analytics?period=month&amp;on=2026-11-30" in page
    assert "The period after" not in browser.get("/analytics?period=month").text
