"""Where in a JSON text a value stands, so that an error can name the line."""

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def line_of(text: str, path: Sequence[str | int]) -> int:
    """1-based line of the value at `path` (keys and indexes) in valid JSON `text`.

    Where the path leads nowhere (a missing key), the line of the deepest value that exists.
    """
    position = _skip(text, 0)
    for step in path:
        inner = _member(text, position, step)
        if inner is None:
            break
        _, position = inner
    return text.count("\n", 0, position) + 1


def span_of(
    text: str, path: Sequence[str | int], *, with_key: bool = False
) -> tuple[int, int] | None:
    """Where the value at `path` begins and ends in valid JSON `text`; None when it is not there.

    `with_key`: of a member of an object, from its key on.
    """
    position = begins = _skip(text, 0)
    for step in path:
        if text[position] not in "[{":
            return None
        inner = _member(text, position, step)
        if inner is None:
            return None
        begins, position = inner
    _, end = _DECODER.raw_decode(text, position)
    return (begins if with_key else position), end


def show(path: Sequence[str | int]) -> str:
    """A path as an operator writes it: `faq[3].answer`."""
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return shown.removeprefix(".") or "the whole file"


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _member(text: str, position: int, step: str | int) -> tuple[int, int] | None:
    """The member `step` of the object or array that begins at `position`: where it begins, and
    where its value does (the same in an array)."""
    opening = text[position]
    if opening != ("[" if isinstance(step, int) else "{"):
        return None
    index = 0
    position = _skip(text, position + 1)
    while text[position] not in "]}":
        key: object = index
        begins = position
        if opening == "{":
            key, position = _DECODER.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)
        if key == step:
            return begins, position
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
        index += 1
    return None
