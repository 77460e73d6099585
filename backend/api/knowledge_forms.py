"""Entries of the knowledge base as forms: filled in, checked against the schema, with findings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.agent.knowledge.checks import Problem
from backend.agent.knowledge.editor import Draft, KnowledgeEditor, mark_of, value_at
from backend.agent.knowledge.entries import (
    Section,
    Shape,
    changed_text,
    fields_of,
    from_form,
    keys_of,
    path_of,
    to_form,
)
from backend.agent.knowledge.locate import show
from backend.api.forms import WHOLE_FORM, Form

LONGEST_QUESTION = 300
"""Characters of a caller's question that an entry is begun with."""
LONGEST_ID = 40
FEW_PHRASES = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One entry in a list."""

    key: str
    title: str
    summary: str
    count: int
    """Phrases or wordings; 0 where there are none."""
    has_few: bool = False
    """Too few phrases to know by them what callers mean."""


def rows_of(section: Section, data: Mapping[str, Any], words: str) -> list[Row]:
    """The entries of a section that have `words` in them."""
    rows = []
    for key in keys_of(section, data):
        value = value_at(data, path_of(section, key, data))
        if words.casefold() in f"{key} {value}".casefold():
            rows.append(_row(key, value))
    return rows


def entry_form(section: Section, key: str, draft: Draft) -> tuple[Form, str]:
    """The form of an entry as it is, and the mark it is recognised by. Raises
    StaleKnowledgeError when it is gone."""
    value = value_at(draft.data, path_of(section, key, draft.data))
    return Form(to_form(section, key, value)), mark_of(value)


def new_form(section: Section, question: str, data: Mapping[str, Any]) -> Form:
    """An empty form, begun with a caller's question."""
    question = " ".join(question.split())[:LONGEST_QUESTION]
    if not question:
        return Form()
    return Form({"id": _free_id(section, question, data), "questions": question})


def findings(
    editor: KnowledgeEditor, draft: Draft, section: Section, key: str, form: Mapping[str, str]
) -> dict[str, str]:
    """What is wrong with a form, by field. Raises StaleKnowledgeError when the entry is gone."""
    wrong = {
        field.name: "Please fill this in."
        for field in fields_of(section, key)
        if field.is_required and not form.get(field.name, "").strip()
    }
    name = form.get(section.key, "").strip() if section.shape is Shape.LIST else key
    if name != key and name in keys_of(section, draft.data):
        wrong[section.key] = f"There is another “{name}” already."
    if wrong:
        return wrong
    path = path_of(section, key, draft.data)
    entry = from_form(section, key, form)
    text = changed_text(draft, section, key, entry)
    for problem in reversed(editor.check(text)):
        field_name, sentence = _finding(problem, path)
        wrong[field_name if field_name in form else WHOLE_FORM] = sentence
    return wrong


def named(section: Section, key: str, entry: Any) -> str:
    """What an entry is called in the list of versions."""
    name = key or (str(entry.get(section.key, "")) if section.shape is Shape.LIST else "")
    return f"{section.title}: {name}" if name else section.title


def _row(key: str, value: Any) -> Row:
    if isinstance(value, list):
        return Row(key, key.replace("_", " "), value[0] if value else "", len(value))
    entry = value or {}
    phrases: Sequence[str] = entry.get("questions") or entry.get("examples") or ()
    about = entry.get("about") or entry.get("name") or entry.get("choice") or ""
    price = ", ".join(filter(None, (entry.get("speed"), entry.get("price"))))
    summary = entry.get("answer") or entry.get("subject") or price or ", ".join(phrases[:3])
    return Row(
        key,
        about or key.replace("_", " "),
        summary or entry.get("intent", ""),
        len(phrases),
        has_few=0 < len(phrases) < FEW_PHRASES,
    )


def _finding(problem: Problem, entry: Sequence[str | int]) -> tuple[str, str]:
    """The field a mistake is in, and a whole sentence."""
    inside = problem.path[len(entry) :] if problem.path[: len(entry)] == tuple(entry) else None
    if inside is None:
        return WHOLE_FORM, f"{show(problem.path)} {problem.text}"
    if inside and isinstance(inside[0], str):
        line = f"Line {inside[1] + 1}" if len(inside) > 1 and isinstance(inside[1], int) else "This"
        return inside[0], f"{line} {problem.text}"
    if inside and isinstance(inside[0], int):  # an entry that is itself a list
        return "wordings", f"Line {inside[0] + 1} {problem.text}"
    return WHOLE_FORM, f"This {problem.text}"


def _free_id(section: Section, question: str, data: Mapping[str, Any]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", question.casefold()).strip("-")[:LONGEST_ID].strip("-")
    slug, taken = slug or "question", set(keys_of(section, data))
    number = 2
    free = slug
    while free in taken:
        free, number = f"{slug}-{number}", number + 1
    return free
