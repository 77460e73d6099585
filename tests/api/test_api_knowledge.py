"""The knowledge base's pages: who may change what, and what bad input gets."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.agent.knowledge.load import LARGEST_BYTES
from backend.api.trying import Trials
from backend.db.models import Role
from tests.support.office import Office, open_office, send, token_in, words_of
from tests.support.office_bot import bots

HOURS = "/knowledge/edit?section=faq&key=opening-hours"


@pytest.fixture
def desk(tmp_path: Path, seeded: Path, models: Path) -> Iterator[Office]:
    with open_office(tmp_path, seeded, bots(models)) as office:
        yield office


def fields(office: Office, **changes: str) -> dict[str, str]:
    """The form of the opening hours, filled in as it is, with some fields changed."""
    (entry,) = [one for one in kb(office)["faq"] if one["id"] == "opening-hours"]
    entry["questions"] = "\n".join(entry["questions"])
    return {**entry, **changes}


def kb(office: Office) -> dict[str, list[dict[str, str]]]:
    path = office.services.bot_parts.editor.path
    found: dict[str, list[dict[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def answer(office: Office) -> str:
    return next(one["answer"] for one in kb(office)["faq"] if one["id"] == "opening-hours")


def mark_on(page_text: str) -> str:
    return page_text.partition('name="mark" value="')[2].partition('"')[0]


def test_every_section_and_entry_has_a_page(desk: Office) -> None:
    browser = desk.signed_in(Role.VIEWER)
    for section in ("faq", "plans", "intents", "troubleshooting", "responses", "menu"):
        listed = browser.get("/knowledge", params={"section": section})
        assert listed.status_code == 200
        first = listed.text.partition('row-link" href="')[2].partition('"')[0]
        assert browser.get(first.replace("&amp;", "&")).status_code == 200, section
    for section in ("company", "customer_number"):
        assert browser.get("/knowledge", params={"section": section}).status_code == 303
        assert browser.get("/knowledge/edit", params={"section": section}).status_code == 200


def test_an_answer_is_changed_and_used_at_once(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    mark = mark_on(browser.get(HOURS).text)
    saved = send(browser, HOURS, **fields(desk, answer="We never sleep.", mark=mark))
    assert saved.status_code == 303
    assert "Calls from now on use it" in words_of(browser.get(saved.headers["location"]))
    asked = {"text": "what are your opening hours"}
    tried = browser.get("/api/knowledge/try", params=asked).json()
    assert tried["intent"] == "faq/opening-hours"
    assert tried["answer"][0] == {"text": "We never sleep.", "source": "kb:faq/opening-hours"}


def test_trying_opens_no_ticket(desk: Office) -> None:
    program = desk.program(Role.VIEWER)
    before = program.get("/api/tickets").json()
    tried = program.get("/api/knowledge/try", params={"text": "i have a complaint"}).json()
    assert tried["intent"] == "complaint"
    assert program.get("/api/tickets").json() == before
    assert program.get("/api/calls").json()["items"][0]["line"] != "text"


def test_what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    sent = fields(desk, about="", answer="<b>We are open</b>", mark="x")
    page = send(browser, HOURS, **sent)
    assert page.status_code == 422
    assert "Please fill this in." in words_of(page)
    assert "&lt;b&gt;We are open&lt;/b&gt;" in page.text
    assert answer(desk) == "We are open {hours}."


def test_a_stale_edit_is_refused_with_the_reason_and_loses_nothing(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    mark = mark_on(browser.get(HOURS).text)
    send(browser, HOURS, **fields(desk, answer="Hers.", mark=mark))
    page = send(browser, HOURS, **fields(desk, answer="His.", mark=mark))
    assert page.status_code == 409
    assert "Somebody else has changed this since you opened it" in words_of(page)
    assert "It is now: Hers." in words_of(page)
    assert ">His.</textarea>" in page.text
    assert answer(desk) == "Hers."
    again = send(browser, HOURS, **fields(desk, answer="His.", mark=mark_on(page.text)))
    assert again.status_code == 303
    assert answer(desk) == "His."


def test_an_entry_removed_meanwhile_can_be_saved_as_a_new_one(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    mark, sent = mark_on(browser.get(HOURS).text), fields(desk, answer="Still here.")
    send(browser, HOURS.replace("edit", "remove"), form_on=HOURS, mark=mark)
    page = send(browser, HOURS, form_on="/knowledge/file", **sent, mark=mark)
    assert page.status_code == 409
    assert 'action="/knowledge/edit?section=faq&amp;key="' in page.text
    assert "Still here." in page.text


def test_a_question_of_callers_begins_a_new_entry(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    page = browser.get("/knowledge/new", params={"question": "Do you <i>sell</i> bicycles?"})
    assert "Do you &lt;i&gt;sell&lt;/i&gt; bicycles?" in page.text
    assert 'value="do-you-i-sell-i-bicycles"' in page.text
    sent = {"id": "bicycles", "about": "bicycles", "answer": "No.", "mark": ""}
    sent["questions"] = "do you rent out bicycles\ncan i buy a bicycle from you"
    saved = send(browser, "/knowledge/edit?section=faq&key=", **sent)
    assert saved.status_code == 303
    assert kb(desk)["faq"][-1]["id"] == "bicycles"


def test_a_form_is_checked_as_it_is_typed(desk: Office) -> None:
    program = desk.program(Role.SUPERVISOR)
    draft = {"section": "faq", "key": "opening-hours"}

    def wrong(**changes: str) -> dict[str, str]:
        asked = {**draft, "fields": fields(desk, **changes)}
        found: dict[str, str] = program.post("/api/knowledge/check", json=asked).json()["wrong"]
        return found

    assert wrong() == {}
    assert "{open}, which is not filled here" in wrong(answer="We are {open}.")["answer"]
    assert wrong(id="how-to-pay")["id"] == "There is another “how-to-pay” already."
    assert wrong(id="Not An Id")["id"].startswith("This is")
    assert wrong(questions="when\nwhat's my balance")["questions"].startswith("Line 2 is")
    assert answer(desk) == "We are open {hours}."


def test_hundreds_of_example_phrases_are_checked_like_a_few(desk: Office) -> None:
    program = desk.program(Role.SUPERVISOR)
    phrases = "\n".join(f"is there anything special about day number {day}" for day in range(300))
    draft = {"section": "intents", "key": "unknown", "fields": {"examples": phrases}}
    answer = program.post("/api/knowledge/check", json=draft)
    assert answer.status_code == 200
    assert answer.json() == {"wrong": {}}


@pytest.mark.parametrize("section", ["intents", "responses"])
def test_names_that_are_not_there_say_so(desk: Office, section: str) -> None:
    where = f"/knowledge/edit?section={section}&key=zeppelin"
    browser = desk.signed_in(Role.SUPERVISOR)
    form = {"form_token": token_in(browser.get(HOURS)), "examples": "one"}
    saved = browser.post(where, data=form)
    assert saved.status_code == 409
    assert "There is no “zeppelin”" in words_of(saved)
    draft = {"section": section, "key": "zeppelin", "fields": {}}
    answer = desk.program(Role.SUPERVISOR).post("/api/knowledge/check", json=draft)
    assert answer.status_code == 409


def test_undo_brings_the_earlier_version_back(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    mark = mark_on(browser.get(HOURS).text)
    send(browser, HOURS, **fields(desk, answer="Oops.", mark=mark))
    changed = browser.get("/knowledge/versions/2")
    assert "Oops." in changed.text
    assert "supervisor" in words_of(changed)
    undone = send(browser, "/knowledge/versions/1/restore", form_on="/knowledge/versions/2")
    assert undone.status_code == 303
    assert answer(desk) == "We are open {hours}."


def test_a_broken_file_is_shown_with_its_mistake_and_can_be_corrected(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    path = desk.services.bot_parts.editor.path
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("{hours}", "{opening}"), encoding="utf-8")
    listed = words_of(browser.get("/knowledge"))
    assert "which is not filled here" in listed
    assert "Calls go on with the last good version" in listed
    entry = browser.get(HOURS)
    assert entry.status_code == 422
    assert "which is not filled here" in words_of(entry)
    page = browser.get("/knowledge/file")
    based_on = page.text.partition('name="based_on" value="')[2].partition('"')[0]
    saved = send(browser, "/knowledge/file", text=good, based_on=based_on)
    assert saved.status_code == 303
    assert path.read_text(encoding="utf-8") == good


def test_a_whole_file_with_a_mistake_is_given_back_as_it_was_typed(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    page = send(browser, "/knowledge/file", text='{"faq": [}', based_on="")
    assert page.status_code == 422
    assert "line 1 column 10 is not JSON" in words_of(page)
    assert "{&#34;faq&#34;: [}" in page.text


def test_a_knowledge_base_of_ten_megabytes_is_refused_in_a_sentence(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    token = token_in(browser.get("/knowledge/file"))
    page = browser.post(
        "/knowledge/upload",
        data={"form_token": token},
        files={"file": ("big.json", b"x" * (2 * LARGEST_BYTES), "application/json")},
    )
    assert page.status_code == 422
    assert "big.json is 10.0 MB large. Keep it under 5 MB." in words_of(page)
    assert answer(desk) == "We are open {hours}."


def test_a_file_can_be_downloaded_and_uploaded_again(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    file = browser.get("/knowledge/download").content
    changed = file.replace(b"We are open {hours}.", b"Never.")
    token = token_in(browser.get("/knowledge/file"))
    sent = {"file": ("kb.json", changed, "application/json")}
    saved = browser.post("/knowledge/upload", data={"form_token": token}, files=sent)
    assert saved.status_code == 303
    assert answer(desk) == "Never."


def test_viewers_read_and_change_nothing(desk: Office) -> None:
    browser = desk.signed_in(Role.VIEWER)
    page = browser.get(HOURS)
    assert "Supervisors and owners can change this." in words_of(page)
    token = token_in(browser.get("/settings"))
    sent = fields(desk, answer="Mine.", mark=mark_on(page.text), form_token=token)
    assert browser.post(HOURS, data=sent).status_code == 403
    for path in ("/knowledge/remove?section=faq&key=opening-hours", "/knowledge/file"):
        assert browser.post(path, data=sent).status_code == 403
    assert browser.post("/knowledge/versions/1/restore", data=sent).status_code == 403
    assert answer(desk) == "We are open {hours}."


@pytest.mark.parametrize(
    "path",
    [
        "/knowledge?section=secrets",
        "/knowledge/edit?section=faq&key=nothing",
        "/knowledge/edit?section=responses&key=nothing",
    ],
)
def test_what_is_not_there_says_so(desk: Office, path: str) -> None:
    page = desk.signed_in().get(path)
    assert page.status_code == 404
    assert "There is no" in words_of(page)


def test_who_tries_things_out_leaves_room_for_the_callers(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.app.state.trials, "WAITING", -Trials.AT_ONCE)
    refused = desk.program(Role.VIEWER).get("/api/knowledge/try", params={"text": "hello"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "busy")


def test_a_change_is_undone_where_it_was_made(desk: Office) -> None:
    browser, before = desk.signed_in(Role.SUPERVISOR), answer(desk)
    mark = mark_on(browser.get(HOURS).text)
    saved = send(browser, HOURS, **fields(desk, answer="We never sleep.", mark=mark))
    listed = browser.get(saved.headers["location"]).text
    undo = listed.partition('action="/knowledge/versions/')[2].partition('"')[0]
    send(browser, f"/knowledge/versions/{undo}", form_on="/knowledge")
    assert answer(desk) == before


def test_an_entry_with_few_phrases_is_pointed_out(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    mark = mark_on(browser.get(HOURS).text)
    form = fields(desk, questions="when are you open", mark=mark)
    listed = words_of(browser.get(send(browser, HOURS, **form).headers["location"]))
    assert "There are few ways to say it" in listed


def test_callers_say_no_slots(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    mark = mark_on(browser.get(HOURS).text)
    refused = send(browser, HOURS, **fields(desk, questions="are you open {hourz}", mark=mark))
    assert refused.status_code == 422
    assert "write what callers say" in words_of(refused)
