"""PDF, read with PDFium: pypdf loses the spaces between words of what LaTeX typesets."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, BinaryIO

from backend.agent.documents.section import Section, SectionWriter, one_line
from backend.core.errors import DocumentError

MOST_PAGES = 3000
_BULLET = re.compile(r"^\s*(?:[•◦▪‣–*]|\d{1,2}[.)])\s")
_LEADER = re.compile(r"(?:\. ?){5,}")
_MOST_LEADERS = 0.3
"""Share of a page's lines with dots leading to a page number: above, it is a table of contents."""
_PAGE_NUMBER = re.compile(r"^\s*(?:[ivxlc]{1,6}|\d{1,4})\s*$")
_LETTERS = re.compile(r"\W+")
_HYPHEN = re.compile(r"(?:\ufffe|\x02|\u00ad)\s*")
"""What PDFium writes where a word was hyphenated."""


def pdf_sections(file: BinaryIO) -> list[Section]:
    """Text page by page under the titles of its outline. Raises DocumentError."""
    import pypdfium2

    try:
        document: Any = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        raise _refusal(str(error)) from error
    if len(document) > MOST_PAGES:
        raise DocumentError(
            f"has {len(document)} pages; at most {MOST_PAGES} are read", fix="Split it."
        )
    titles = _titles(document)
    writer = SectionWriter()
    for index in range(len(document)):
        try:
            text = document[index].get_textpage().get_text_bounded()
        except pypdfium2.PdfiumError:
            continue  # one damaged page does not cost the others
        writer.page(index + 1)
        _write_page(writer, _HYPHEN.sub("", text), titles[index])
    sections = writer.sections()
    if not sections:
        raise DocumentError(
            "is a PDF without text, perhaps scanned pages", fix="Run text recognition (OCR) on it."
        )
    return sections


def _refusal(complaint: str) -> DocumentError:
    if "assword" in complaint or "ecurity" in complaint:
        return DocumentError("is a PDF locked with a password", fix="Save it without one.")
    return DocumentError("is no PDF, or a damaged one", fix="Save or copy it again.")


def _titles(document: Any) -> Mapping[int, Mapping[str, int]]:
    """For each page, from 0, the headings of the outline on it and their levels."""
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for bookmark in document.get_toc(max_depth=6):
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        if page is not None:
            found[page][_key(bookmark.get_title())] = bookmark.level
    return found


def _write_page(writer: SectionWriter, text: str, titles: Mapping[str, int]) -> None:
    """Lines become paragraphs where a list item begins or a line ends short of the others."""
    lines = [line for line in text.splitlines() if line.strip() and not _PAGE_NUMBER.match(line)]
    if sum(bool(_LEADER.search(line)) for line in lines) > len(lines) * _MOST_LEADERS:
        return
    if lines and lines[0].isupper() and len(lines) > 1:
        del lines[0]  # the running head
    longest = max((len(line) for line in lines), default=0)
    part: list[str] = []
    at = 0
    while at < len(lines):
        level, used = _heading(lines[at : at + 3], titles)
        if used:
            writer.paragraph(" ".join(part))
            part = []
            writer.heading(level + 1, " ".join(lines[at : at + used]))
            at += used
            continue
        if _BULLET.match(lines[at]):
            writer.paragraph(" ".join(part))
            part = []
        part.append(lines[at])
        if len(lines[at]) < longest * 0.7 and lines[at].rstrip().endswith((".", "!", "?", ":")):
            writer.paragraph(" ".join(part))
            part = []
        at += 1
    writer.paragraph(" ".join(part))


def _heading(lines: list[str], titles: Mapping[str, int]) -> tuple[int, int]:
    """Level of a heading of the outline that these lines begin with, and how many lines it has."""
    for used in range(1, len(lines) + 1):
        key = _key(" ".join(lines[:used]))
        level = titles.get(key)
        if level is not None:
            return level, used
    return 0, 0


def _key(title: str) -> str:
    """Letters alone: the page has numbers and quotes that the outline has not."""
    return _LETTERS.sub("", re.sub(r"^[\s\d.]+|^(chapter|appendix)\s", "", one_line(title).lower()))
