"""The knowledge base as entries with fields, as a form shows them. The schema says which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from backend.agent.knowledge.edit import put, remove
from backend.agent.knowledge.editor import Change, Draft, StaleKnowledgeError, mark_of, value_at
from backend.agent.knowledge.load import schema

Path = tuple[str | int, ...]


class Kind(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    AREA = "area"
    LINES = "lines"
    """A list of texts, one a line."""
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"


class Shape(StrEnum):
    """How a section keeps its entries."""

    LIST = "list"
    """Each has a field that names it; entries come and go."""
    MAP = "map"
    """By name; which names there are is fixed."""
    SINGLE = "single"
    """The section is one entry."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entry."""

    name: str
    kind: Kind
    hint: str
    is_required: bool
    """Whether it must be filled in."""
    choices: tuple[str, ...] = ()
    keeps_empty: bool = False
    """A list that is written even when nothing is in it."""


@dataclass(frozen=True, slots=True)
class Section:
    """One block of the file."""

    name: str
    title: str
    about: str
    shape: Shape
    key: str = ""
    """For LIST: the field that names an entry."""


SECTIONS = (
    Section("faq", "Questions", "Questions with a fixed answer.", Shape.LIST, "id"),
    Section("plans", "Plans", "What callers can order.", Shape.LIST, "id"),
    Section("intents", "Phrases", "What callers want, by example.", Shape.MAP),
    Section("troubleshooting", "Trouble", "Faults, and what to try.", Shape.LIST, "id"),
    Section("responses", "Answers", "Every sentence the bot can say.", Shape.MAP),
    Section("menu", "Keypad", "The menu when speech is not understood.", Shape.LIST, "key"),
    Section("company", "Company", "Who answers the phone.", Shape.SINGLE),
    Section("customer_number", "Customer number", "How long it is.", Shape.SINGLE),
)
WORDINGS = "wordings"
"""The one field of an entry of `responses`, which is a list rather than an object."""
_AREAS = frozenset({"answer"})


def section_of(name: str) -> Section | None:
    """The section with this name."""
    return next((section for section in SECTIONS if section.name == name), None)


def keys_of(section: Section, data: Mapping[str, Any]) -> list[str]:
    """Names of the entries, in the file's order; one empty name for a single one."""
    block = data[section.name]
    match section.shape:
        case Shape.LIST:
            return [str(entry[section.key]) for entry in block]
        case Shape.MAP:
            # What may be left out is shown all the same: it can be filled in.
            return list(block) + [name for name in _properties(section) if name not in block]
        case Shape.SINGLE:
            return [""]


def path_of(section: Section, key: str, data: Mapping[str, Any]) -> Path:
    """Where an entry is, or would be put. Raises StaleKnowledgeError when it is gone."""
    if section.shape is Shape.SINGLE:
        return (section.name,)
    if section.shape is Shape.LIST and not key:
        return (section.name, len(data[section.name]))
    keys = keys_of(section, data)
    if key not in keys:
        raise _gone(section, key)
    return (section.name, keys.index(key) if section.shape is Shape.LIST else key)


def fields_of(section: Section, key: str = "") -> tuple[Field, ...]:
    """The fields of an entry. Raises StaleKnowledgeError where names are fixed and this is none."""
    # Elsewhere they are the same for every name, and a name is whatever somebody sends.
    return _fields_of(section, key if section.shape is Shape.MAP else "")


@cache
def _fields_of(section: Section, key: str) -> tuple[Field, ...]:
    entry = _entry_schema(section, key)
    if entry.get("type") == "array":
        hint = "One wording a line; they take turns. "
        described = str(_properties(section).get(key, {}).get("description", ""))
        return (Field(WORDINGS, Kind.LINES, hint + described, True),)
    required = entry.get("required", ())
    return tuple(_field(name, part, name in required) for name, part in entry["properties"].items())


def to_form(section: Section, key: str, value: Any) -> dict[str, str]:
    """An entry as the text of its fields."""
    if isinstance(value, list):
        return {WORDINGS: "\n".join(value)}
    values = value or {}
    return {
        field.name: _shown(values.get(field.name), field.kind) for field in fields_of(section, key)
    }


def from_form(section: Section, key: str, form: Mapping[str, str]) -> Any:
    """The entry a form describes; what is not filled in is left out, for the schema to judge."""
    fields = fields_of(section, key)
    values = {field.name: _read(form.get(field.name, ""), field) for field in fields}
    if [field.name for field in fields] == [WORDINGS]:
        return values[WORDINGS]
    return {name: value for name, value in values.items() if value is not None}


def changed_text(draft: Draft, section: Section, key: str, entry: Any) -> str:
    """The file with this entry in it; of an entry that is there, only what differs is written."""
    path = path_of(section, key, draft.data)
    old = value_at(draft.data, path)
    if not isinstance(old, dict) or not isinstance(entry, dict):
        return put(draft.text, path, entry)
    text = draft.text
    for name in [name for name in old if name not in entry]:
        text = remove(text, (*path, name))
    for name, value in entry.items():
        if name not in old or old[name] != value:
            text = put(text, (*path, name), value)
    return text


def saving(section: Section, key: str, entry: Any, mark: str) -> Change:
    """The change of one entry; `mark` is that of the entry the form was made from. It raises
    StaleKnowledgeError when the entry is another one by now."""

    def change(draft: Draft) -> str:
        _require_unchanged(section, key, draft, mark)
        return changed_text(draft, section, key, entry)

    return change


def removing(section: Section, key: str, mark: str) -> Change:
    """Likewise without the entry."""

    def change(draft: Draft) -> str:
        _require_unchanged(section, key, draft, mark)
        return remove(draft.text, path_of(section, key, draft.data))

    return change


def _require_unchanged(section: Section, key: str, draft: Draft, mark: str) -> None:
    if section.shape is Shape.LIST and not key:
        return  # a new one
    if mark_of(value_at(draft.data, path_of(section, key, draft.data))) != mark:
        raise StaleKnowledgeError(
            "Somebody else has changed this since you opened it; nothing was saved.",
            fix="What it is now is shown beside your text. Save again to replace it.",
        )


def _gone(section: Section, key: str) -> StaleKnowledgeError:
    return StaleKnowledgeError(
        f"There is no “{key[:100]}” in {section.title.lower()} any more.",
        fix="Somebody may have removed or renamed it.",
    )


def _properties(section: Section) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema()["properties"][section.name].get("properties", {})
    return found


def _entry_schema(section: Section, key: str) -> Mapping[str, Any]:
    block = schema()["properties"][section.name]
    match section.shape:
        case Shape.LIST:
            return _resolved(block["items"])
        case Shape.MAP:
            if key not in _properties(section):
                raise _gone(section, key)
            return _resolved(_properties(section)[key])
        case Shape.SINGLE:
            return _resolved(block)


def _resolved(part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    name = str(part["$ref"]).rpartition("/")[2]
    return {**schema()["$defs"][name], **part}


def _field(name: str, part: Mapping[str, Any], is_required: bool) -> Field:
    part = _resolved(part)
    kinds = {"array": Kind.LINES, "integer": Kind.NUMBER, "boolean": Kind.FLAG}
    kind = kinds.get(part.get("type", ""), Kind.AREA if name in _AREAS else Kind.LINE)
    choices: Sequence[str] = part.get("enum", ())
    hint = str(part.get("description", ""))
    if kind is Kind.LINES:
        hint = f"{hint} One a line.".strip()
    if kind is Kind.LINES and not part.get("minItems"):
        return Field(name, kind, hint, False, keeps_empty=is_required)
    return Field(name, Kind.CHOICE if choices else kind, hint, is_required, tuple(choices))


def _shown(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind is Kind.LINES:
        return "\n".join(map(str, value))
    if kind is Kind.FLAG:
        return "1" if value else ""
    return str(value)


def _read(text: str, field: Field) -> Any:
    text = text.replace("\r\n", "\n").strip()
    match field.kind:
        case Kind.LINES:
            lines = [line.strip() for line in text.split("\n") if line.strip()]
            return lines if lines or field.keeps_empty or field.is_required else None
        case Kind.FLAG:
            return True if text else None
        case Kind.NUMBER:
            return int(text) if text.isdecimal() and len(text) < 10 else text or None
        case _:
            return " ".join(text.split()) or None
