"""Changing the knowledge base: one value at a time, with every other line left as it was."""

import errno
import json
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.knowledge import entries
from backend.agent.knowledge.edit import put, remove
from backend.agent.knowledge.editor import (
    Draft,
    KnowledgeEditor,
    StaleKnowledgeError,
    mark_of,
    value_at,
)
from backend.agent.knowledge.entries import SECTIONS, Section, section_of
from backend.agent.knowledge.history import KEPT, History
from backend.agent.knowledge.layout import WIDTH, layout
from backend.agent.knowledge.load import LARGEST_BYTES
from backend.config import ROOT
from backend.core.errors import KnowledgeError

KB = ROOT / "kb" / "company_kb.json"
TEXT = KB.read_text(encoding="utf-8")
DATA = json.loads(TEXT)

names = st.text(st.characters(codec="utf-8"), max_size=30)
atoms = st.none() | st.booleans() | st.integers() | names
values = st.recursive(
    atoms,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
    max_leaves=25,
)
objects = st.dictionaries(names, values, min_size=1, max_size=6)


def changed_lines(before: str, after: str) -> int:
    """Lines of the longer one that the other has not."""
    old, new = before.splitlines(), after.splitlines()
    return max(len(set(old) - set(new)), len(set(new) - set(old)))


@given(values)
def test_what_is_laid_out_reads_back_the_same(value: Any) -> None:
    assert json.loads(layout(value)) == value


@given(st.lists(st.text("abc ", min_size=1, max_size=30), max_size=60))
def test_lists_of_words_fill_lines_that_fit(items: list[str]) -> None:
    assert all(len(line) <= WIDTH for line in layout(items).splitlines())


@given(objects, values, st.data(), st.sampled_from([None, 1, 2, "\t"]))
def test_a_value_is_replaced_whatever_the_files_own_style(
    data: dict[str, Any], value: Any, draw: st.DataObject, indent: int | None
) -> None:
    key = draw.draw(st.sampled_from(sorted(data)))
    text = json.dumps(data, indent=indent)
    assert json.loads(put(text, (key,), value)) == {**data, key: value}


@given(objects, st.data(), st.sampled_from([None, 1, 2]))
def test_a_member_is_removed_whatever_the_files_own_style(
    data: dict[str, Any], draw: st.DataObject, indent: int | None
) -> None:
    key = draw.draw(st.sampled_from(sorted(data)))
    text = json.dumps(data, indent=indent)
    assert json.loads(remove(text, (key,))) == {k: v for k, v in data.items() if k != key}


@given(st.lists(values, max_size=4), values, st.sampled_from([None, 2]))
def test_an_item_is_appended_and_taken_back(
    items: list[Any], value: Any, indent: int | None
) -> None:
    text = json.dumps({"list": items}, indent=indent)
    longer = put(text, ("list", len(items)), value)
    assert json.loads(longer) == {"list": [*items, value]}
    assert json.loads(remove(longer, ("list", len(items)))) == {"list": items}


def test_one_answer_changes_one_line() -> None:
    assert changed_lines(TEXT, put(TEXT, ("faq", 3, "answer"), "Another one.")) == 1


def test_an_entry_that_was_added_and_removed_leaves_no_trace() -> None:
    place = ("faq", len(DATA["faq"]))
    entry = {"id": "x", "about": "x", "questions": ["is there an x"], "answer": "Yes."}
    assert remove(put(TEXT, place, entry), place) == TEXT


def test_what_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(KnowledgeError, match=r"has no plans\.17 any more"):
        put(TEXT, ("plans", 17, "name"), "x")
    with pytest.raises(KnowledgeError, match="any more"):
        remove(TEXT, ("plans", 17))


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_entry_goes_through_its_form_unchanged(section: Section) -> None:
    draft = Draft(TEXT, DATA, "")
    for key in entries.keys_of(section, DATA):
        value = value_at(DATA, entries.path_of(section, key, DATA))
        form = entries.to_form(section, key, value)
        again = entries.from_form(section, key, form)
        if value is not None:  # of an answer that may be left out
            assert again == value, key
            assert entries.changed_text(draft, section, key, again) == TEXT, key


# The editor


@pytest.fixture
def editor(tmp_path: Path) -> KnowledgeEditor:
    path = tmp_path / "kb.json"
    shutil.copy(KB, path)
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    return KnowledgeEditor(path, History(tmp_path / "versions", lambda: moment))


def faq() -> Section:
    section = section_of("faq")
    assert section is not None
    return section


def new_answer(editor: KnowledgeEditor, answer: str) -> Callable[[Draft], str]:
    """A change of the first answer, made from the file as it is now."""
    entry = editor.read().data["faq"][0]
    return entries.saving(faq(), entry["id"], {**entry, "answer": answer}, mark_of(entry))


def answer_of(editor: KnowledgeEditor) -> str:
    return str(editor.read().data["faq"][0]["answer"])


def test_a_change_is_written_and_kept_with_who_made_it(editor: KnowledgeEditor) -> None:
    editor.save(new_answer(editor, "We never sleep."), "anna", "Questions: opening-hours")
    assert answer_of(editor) == "We never sleep."
    newest, first = editor.history.versions()
    assert (newest.number, newest.who, newest.what) == (2, "anna", "Questions: opening-hours")
    assert (first.number, first.who) == (1, "")
    changes = [(line.kind, line.text.strip()) for line in editor.history.diff(2)]
    assert ("removed", '"answer": "We are open {hours}."') in changes
    assert ("added", '"answer": "We never sleep."') in changes


def test_of_two_who_change_the_same_entry_the_second_is_told(editor: KnowledgeEditor) -> None:
    hers, his = new_answer(editor, "Hers."), new_answer(editor, "His.")
    editor.save(hers, "anna", "")
    with pytest.raises(StaleKnowledgeError, match="Somebody else has changed this"):
        editor.save(his, "bob", "")
    assert answer_of(editor) == "Hers."


def test_two_who_change_different_entries_do_not_disturb_each_other(
    editor: KnowledgeEditor,
) -> None:
    other = editor.read().data["faq"][1]
    change = entries.saving(faq(), other["id"], {**other, "answer": "His."}, mark_of(other))
    editor.save(new_answer(editor, "Hers."), "anna", "")
    editor.save(change, "bob", "")
    assert [entry["answer"] for entry in editor.read().data["faq"][:2]] == ["Hers.", "His."]


def test_an_entry_that_was_removed_meanwhile_is_not_brought_back(editor: KnowledgeEditor) -> None:
    entry = editor.read().data["faq"][0]
    change = new_answer(editor, "Too late.")
    editor.save(entries.removing(faq(), entry["id"], mark_of(entry)), "anna", "")
    with pytest.raises(StaleKnowledgeError, match="opening-hours"):
        editor.save(change, "bob", "")


def test_a_mistake_is_not_written(editor: KnowledgeEditor) -> None:
    before = editor.path.read_bytes()
    with pytest.raises(KnowledgeError, match=r"\{open\}, which is not filled here"):
        editor.save(new_answer(editor, "We are {open}."), "anna", "")
    assert editor.path.read_bytes() == before


def test_an_earlier_version_comes_back_byte_for_byte(editor: KnowledgeEditor) -> None:
    before = editor.path.read_bytes()
    editor.save(new_answer(editor, "Oops."), "anna", "")
    editor.restore(1, "anna")
    assert editor.path.read_bytes() == before
    assert editor.history.versions()[0].what == "Back to version 1"


def test_an_edit_in_the_file_itself_is_a_version_too(editor: KnowledgeEditor) -> None:
    editor.note_outside_changes()
    editor.path.write_text(put(TEXT, ("faq", 0, "answer"), "By hand."), encoding="utf-8")
    editor.save(new_answer(editor, "By anna."), "anna", "")
    assert [version.who for version in editor.history.versions()] == ["anna", "", ""]
    assert b"By hand." in editor.history.text(2)


def test_a_whole_file_made_from_an_older_one_is_refused(editor: KnowledgeEditor) -> None:
    based_on = editor.read().fingerprint
    editor.save(new_answer(editor, "Hers."), "anna", "")
    with pytest.raises(StaleKnowledgeError, match="since you opened it"):
        editor.replace(TEXT, based_on, "bob", "")
    assert answer_of(editor) == "Hers."


def test_a_file_that_is_much_too_large_is_refused_in_a_sentence(editor: KnowledgeEditor) -> None:
    large = json.dumps({"x": "y" * (2 * LARGEST_BYTES)})
    with pytest.raises(KnowledgeError, match=r"kb\.json is 10\.0 MB large"):
        editor.replace(large, "", "anna", "")
    assert answer_of(editor) == "We are open {hours}."


def test_the_files_permissions_stay(editor: KnowledgeEditor) -> None:
    editor.path.chmod(0o640)
    editor.save(new_answer(editor, "We never sleep."), "anna", "")
    assert editor.path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_written_changes_nothing(
    editor: KnowledgeEditor, tmp_path: Path
) -> None:
    (tmp_path / "versions").write_text("in the way")
    with pytest.raises(KnowledgeError, match="nothing was"):
        editor.save(new_answer(editor, "Lost?"), "anna", "")
    assert answer_of(editor) == "We are open {hours}."


def test_what_could_not_be_written_is_no_version(
    editor: KnowledgeEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    editor.note_outside_changes()
    before = editor.history.versions()
    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(KnowledgeError):
        editor.save(new_answer(editor, "Lost?"), "anna", "")
    assert editor.history.versions() == before
    assert answer_of(editor) == "We are open {hours}."


def test_old_versions_are_forgotten(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number in range(KEPT + 5):
        history.add(str(number).encode(), "anna", "")
    assert [version.number for version in history.versions()][-1] == 6
    with pytest.raises(KnowledgeError, match="Version 5 is not kept"):
        history.text(5)


def test_a_version_whose_record_is_damaged_is_left_out(tmp_path: Path) -> None:
    history = History(tmp_path)
    for text in (b"one", b"two"):
        history.add(text, "anna", "")
    (tmp_path / "000002.about").write_text("{")
    assert [version.number for version in history.versions()] == [1]
