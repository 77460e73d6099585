"""How a value is written into the knowledge base: as its author's file is, one idea a line."""

import json
from typing import Any

WIDTH = 100
STEP = 2


def layout(value: Any, indent: int = 0, room: int = WIDTH) -> str:
    """JSON text of `value`. Its first line has `room` columns; the others begin at `indent`."""
    short = _on_one_line(value)
    if short is not None and len(short) <= room:
        return short
    inner = indent + STEP
    pad = " " * inner
    if isinstance(value, list):
        if all(not isinstance(item, dict | list) for item in value):
            return f"[\n{_filled(value, inner)}\n{' ' * indent}]"
        items = [pad + layout(item, inner, WIDTH - inner - 1) for item in value]
        return "[\n" + ",\n".join(items) + f"\n{' ' * indent}]"
    if isinstance(value, dict):
        members = [pad + member(key, item, inner) for key, item in value.items()]
        return "{\n" + ",\n".join(members) + f"\n{' ' * indent}}}"
    return _atom(value)


def member(key: str, value: Any, indent: int) -> str:
    """`"key": value` as a member of an object whose members begin at `indent`."""
    name = f"{_atom(key)}: "
    return name + layout(value, indent, WIDTH - indent - len(name) - 1)


def _on_one_line(value: Any) -> str | None:
    """Lists and objects of plain values, and what is empty; None for what needs lines."""
    if isinstance(value, list):
        if any(isinstance(item, dict | list) for item in value):
            return None
        return "[" + ", ".join(map(_atom, value)) + "]"
    if isinstance(value, dict):
        if any(isinstance(item, dict | list) for item in value.values()):
            return None
        if not value:
            return "{}"
        return "{ " + ", ".join(f"{_atom(k)}: {_atom(v)}" for k, v in value.items()) + " }"
    return _atom(value)


def _filled(items: list[Any], indent: int) -> str:
    """As many plain values a line as fit."""
    lines: list[str] = []
    for place, item in enumerate(items):
        text = _atom(item) + ("," if place < len(items) - 1 else "")
        if lines and len(lines[-1]) + 1 + len(text) <= WIDTH:
            lines[-1] += f" {text}"
        else:
            lines.append(" " * indent + text)
    return "\n".join(lines)


def _atom(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
