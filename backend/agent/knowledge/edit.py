"""Changing one value in the knowledge base's text: every other line stays as it was written."""

import json
from collections.abc import Sequence
from typing import Any

from backend.agent.knowledge.layout import STEP, WIDTH, layout, member
from backend.agent.knowledge.locate import span_of
from backend.core.errors import KnowledgeError

Path = Sequence[str | int]


def put(text: str, path: Path, value: Any) -> str:
    """The valid JSON `text` with the value at `path` replaced. The last step may be new: a key an
    object does not have yet, or the length of a list.

    Raises KnowledgeError when what is around it is not there either.
    """
    span = span_of(text, path)
    if span is not None:
        start, end = span
        if json.loads(text[start:end]) == value:
            return text
        line_start = text.rfind("\n", 0, start) + 1
        line = text[line_start:start]
        indent = len(line) - len(line.lstrip())
        written = layout(value, indent, _room(start - line_start))
        return text[:start] + written + text[end:]
    return _insert(text, path[:-1], path[-1], value)


def remove(text: str, path: Path) -> str:
    """The valid JSON `text` without the member at `path`. Raises KnowledgeError when it is not
    there."""
    span = span_of(text, path, with_key=True)
    if span is None:
        raise _not_there(path)
    start, end = span
    after = _skip_space(text, end)
    if text[after] == ",":  # its comma and the blank up to the next member go with it
        return text[:start] + text[_skip_space(text, after + 1) :]
    before = text[:start].rstrip()
    return before.removesuffix(",") + text[end:]


def _insert(text: str, path: Path, step: str | int, value: Any) -> str:
    """A new last member of the list or object at `path`."""
    span = span_of(text, path)
    if span is None:
        raise _not_there(path)
    start, end = span
    line = text[text.rfind("\n", 0, start) + 1 : start]
    indent = len(line) - len(line.lstrip()) + STEP
    if isinstance(step, str):
        written = member(step, value, indent)
    else:
        written = layout(value, indent, _room(indent))
    inside = text[start + 1 : end - 1].rstrip()
    comma = "," if inside.strip() else ""
    closing = " " * (indent - STEP) + text[end - 1]
    return f"{text[: start + 1]}{inside}{comma}\n{' ' * indent}{written}\n{closing}{text[end:]}"


def _room(column: int) -> int:
    return WIDTH - column - 1


def _skip_space(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def _not_there(path: Path) -> KnowledgeError:
    place = ".".join(map(str, path))
    return KnowledgeError(
        f"The knowledge base has no {place} any more.", fix="Reload the page to see what there is."
    )
