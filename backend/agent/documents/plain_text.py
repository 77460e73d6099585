"""Text files: their encoding, and where their headings and paragraphs are."""

import re

from charset_normalizer import from_bytes

from backend.agent.documents.section import Section, SectionWriter
from backend.core.errors import DocumentError

_UNDERLINE = re.compile(r"^\s*([=\-~*#_])\1{2,}\s*$")
_NUMBERED = re.compile(r"^\s*(?:chapter |section |§ ?)?(\d{1,2}(?:\.\d{1,2})*)[.)]?\s+\S", re.I)
_LIST_ITEM = re.compile(r"^\s*(?:[-*•+]|\(?\w{1,3}[.)])\s+")
_SENTENCE_END = (".", "!", "?", ";", ",", ":")
LONGEST_HEADING_WORDS = 12
_MOST_ODD = 0.02
"""Share of control characters above which a file is no text."""


def decode(raw: bytes) -> str:
    """The text of a file in whatever encoding it has. Raises DocumentError for what is no text."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = from_bytes(raw).best()
        if best is None:
            raise DocumentError(
                "is no text in any known encoding", fix="Save it as UTF-8."
            ) from None
        text = str(best)
    odd = sum(not (c.isprintable() or c.isspace()) for c in text)
    if odd > len(text) * _MOST_ODD:
        raise DocumentError(
            "is no text: it has too many control characters",
            fix="Give it the ending of what it is, or take it out.",
        )
    return text


def text_sections(text: str) -> list[Section]:
    """Paragraphs stand between blank lines; a short line that ends no sentence is a heading."""
    writer = SectionWriter()
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = [line for line in block.split("\n") if line.strip()]
        while len(lines) > 1 and _UNDERLINE.match(lines[1]):
            level = 1 if lines[1].strip()[0] in "=#*" else 2
            writer.heading(level, lines[0])
            lines = lines[2:]
        lines = [line for line in lines if not _UNDERLINE.match(line)]
        if len(lines) == 1 and is_heading(lines[0]):
            writer.heading(_level(lines[0]), lines[0])
        else:
            for paragraph in paragraphs(lines):
                writer.paragraph(paragraph)
    return writer.sections()


def is_heading(line: str) -> bool:
    """Whether a line that stands by itself looks like a heading."""
    words = line.split()
    return (
        0 < len(words) <= LONGEST_HEADING_WORDS
        and not line.rstrip().endswith(_SENTENCE_END)
        and bool(re.search(r"[^\W\d_]{2}", line))
        and not re.match(r"\s*[-*•+]\s", line)
    )


def _level(line: str) -> int:
    numbered = _NUMBERED.match(line)
    return 3 + numbered[1].count(".") if numbered else 3


def paragraphs(lines: list[str]) -> list[str]:
    """Lines joined again into paragraphs; each item of a list is one of its own."""
    joined: list[list[str]] = []
    for line in lines:
        if not joined or _LIST_ITEM.match(line):
            joined.append([line])
        else:
            joined[-1].append(line)
    return [" ".join(line.strip() for line in part) for part in joined]
