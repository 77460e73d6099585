"""What every reader makes of a document, whatever its format."""

import re
from dataclasses import dataclass

_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Section:
    """Consecutive paragraphs under one heading, in the document's order."""

    headings: tuple[str, ...]
    """From the document's title down; empty where there are none."""
    paragraphs: tuple[str, ...]
    """Without line breaks; never empty strings."""
    page: int | None = None
    """From 1, where the format has pages."""


class SectionWriter:
    """Collects paragraphs and headings as they come and keeps the path of headings."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._paragraphs: list[str] = []
        self._page: int | None = None
        self._sections: list[Section] = []

    def heading(self, level: int, title: str) -> None:
        """A heading; lower levels stand above higher ones."""
        title = one_line(title)
        if not title:
            return
        self._flush()
        self._path = [*((n, text) for n, text in self._path if n < level), (level, title)]

    def page(self, number: int) -> None:
        """What follows stands on this page."""
        self._flush()
        self._page = number

    def paragraph(self, text: str) -> None:
        """One paragraph, list item or row of a table."""
        text = one_line(text)
        if text:
            self._paragraphs.append(text)

    def sections(self) -> list[Section]:
        """Everything written; call it once."""
        self._flush()
        return self._sections

    def _flush(self) -> None:
        if self._paragraphs:
            titles = dict.fromkeys(title for _, title in self._path)
            self._sections.append(Section(tuple(titles), tuple(self._paragraphs), self._page))
            self._paragraphs = []


def one_line(text: str) -> str:
    """Without line breaks, doubled spaces and characters nobody can say."""
    shown = "".join(c if c.isprintable() or c.isspace() else "" for c in text)
    return _SPACES.sub(" ", shown).strip()
