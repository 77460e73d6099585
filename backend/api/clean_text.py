"""Text as it may come in: no control characters, no half characters, bounded."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

LONGEST_PROSE = 5000


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise ValueError("must be one line without control characters")
    return text


def _prose(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text):
        raise ValueError("must not contain control characters")
    return text


OneLine = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_one_line)]
"""A single line; add a length with `Field`."""

Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_PROSE),
    AfterValidator(_prose),
]
"""Several lines."""

CustomerNumber = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{1,20}$")]
"""Digits as a caller says them; leading zeros count."""
