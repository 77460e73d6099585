"""Sections cut into passages: as much as answers one question."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from backend.agent.documents.section import Section
from backend.agent.knowledge.facts import DOCUMENTS, Fact
from backend.agent.sentences import split_sentences

PASSAGE_WORDS = 130
"""What a language model can be given five of. Of 220 spoken questions 91% find their passage among
the first three; 90% with 90 or 180 words."""
FEWEST_WORDS = 4
"""What is shorter ("Chapter 2", a stray page number) answers nothing."""
LONGEST_SOURCE = 200
"""Characters; what is stored with a turn has a limit."""
PASSAGES_VERSION = 2
"""Part of the key of kept passages: raise it when the same file would give others."""


def passages(name: str, sections: Sequence[Section]) -> list[Fact]:
    """Passages in the document's order; `name` is its path below the folder of documents."""
    found = []
    for section in sections:
        for text in _cut(section.paragraphs):
            if len(text.split()) < FEWEST_WORDS:
                continue
            about = ". ".join((*section.headings, PurePath(name).stem.replace("-", " ")))
            found.append(Fact(text, _source(name, section), about))
    return found


def _source(name: str, section: Section) -> str:
    place = f"page {section.page}" if section.page else ""
    heading = section.headings[-1] if section.headings else ""
    where = ": ".join(part for part in (place, heading) if part)
    # The sources of an answer are stored with commas between them.
    source = (f"{DOCUMENTS}{name}" + (f"#{where}" if where else "")).replace(",", "")
    return source if len(source) <= LONGEST_SOURCE else source[: LONGEST_SOURCE - 1] + "…"


def _cut(paragraphs: Sequence[str]) -> Iterator[str]:
    """Whole paragraphs up to `PASSAGE_WORDS`; longer ones between sentences."""
    part: list[str] = []
    length = 0
    for piece in _pieces(paragraphs):
        words = len(piece.split())
        if part and length + words > PASSAGE_WORDS:
            yield " ".join(part)
            part, length = [], 0
        part.append(piece)
        length += words
    if part:
        yield " ".join(part)


def _pieces(paragraphs: Sequence[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        if len(paragraph.split()) <= PASSAGE_WORDS:
            yield paragraph
        else:
            yield from split_sentences(paragraph)
