"""A document's bytes to its sections, by the ending of its name."""

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import BinaryIO

from backend.agent.documents.section import Section
from backend.core.errors import DocumentError

Reader = Callable[[BinaryIO], list[Section]]


def _text(file: BinaryIO) -> list[Section]:
    from backend.agent.documents.plain_text import decode, text_sections

    return text_sections(decode(file.read()))


def _markdown(file: BinaryIO) -> list[Section]:
    from backend.agent.documents.html import markdown_sections
    from backend.agent.documents.plain_text import decode

    return markdown_sections(decode(file.read()))


def _html(file: BinaryIO) -> list[Section]:
    from backend.agent.documents.html import html_sections

    return html_sections(file.read())


def _word(file: BinaryIO) -> list[Section]:
    from backend.agent.documents.html import word_sections

    return word_sections(file)


def _pdf(file: BinaryIO) -> list[Section]:
    from backend.agent.documents.pdf import pdf_sections

    return pdf_sections(file)


READERS: Mapping[str, Reader] = {
    ".txt": _text,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".docx": _word,
    ".pdf": _pdf,
}
"""Each imports its library when it runs: a process reads one document."""


def read_sections(name: str, file: BinaryIO) -> list[Section]:
    """Everything that is said in a document. Raises DocumentError, and whatever a parser raises.

    `file` must be seekable; reading takes as long and as much memory as a hostile file wants.
    """
    reader = READERS.get(PurePath(name).suffix.lower())
    if reader is None:
        endings = ", ".join(sorted(READERS))
        raise DocumentError("is of a kind that is not read", fix=f"Make it one of {endings}.")
    sections = reader(file)
    if not sections:
        raise DocumentError("has no text in it", fix="Write something in it, or take it out.")
    return sections
