"""A speakable text cut where an engine may start anew, so that speech begins before all is made."""

import re
from dataclasses import dataclass

SENTENCE_PAUSE_S = 0.35
CLAUSE_PAUSE_S = 0.15
"""What engines leave at these marks, since each piece's own silence is trimmed."""

LONG_CLAUSES = 160
"""Characters. Shorter sentences stay whole: a cut costs the melody of the sentence."""

_SENTENCES = re.compile(r"(?<=[.!?]) ")
_CLAUSES = re.compile(r"(?<=[,;:]) ")


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to be synthesised in one go, and the silence that follows it."""

    text: str
    pause_s: float


def pieces(text: str) -> list[Piece]:
    """The sentences of a speakable text; very long ones cut at clauses. No pause after the last."""
    found: list[Piece] = []
    for sentence in filter(None, _SENTENCES.split(text)):
        *clauses, last = _clauses(sentence)
        found += [Piece(clause, CLAUSE_PAUSE_S) for clause in clauses]
        found.append(Piece(last, SENTENCE_PAUSE_S))
    if found:
        found[-1] = Piece(found[-1].text, 0.0)
    return found


def _clauses(sentence: str) -> list[str]:
    """Clauses gathered up to `LONG_CLAUSES` characters each."""
    gathered: list[str] = []
    for clause in _CLAUSES.split(sentence):
        if gathered and len(gathered[-1]) + len(clause) < LONG_CLAUSES:
            gathered[-1] += f" {clause}"
        else:
            gathered.append(clause)
    return gathered
