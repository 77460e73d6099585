"""What callers asked and got no answer to, grouped: what the knowledge base lacks."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.core.speech import UNSUPPORTED_SOURCE
from backend.db.models import UnansweredQuestion

ADMISSIONS = ("kb:responses/unknown", UNSUPPORTED_SOURCE)
"""Sources of answers that say that there is none."""
FEWEST_WORDS = 3
"""Fewer are no question but something misheard; the agent draws the same line."""
_MOST_WORDS = 12

_SAY_LITTLE = frozenset(
    "a about an and any are at be can could did do does for from get give got have hello hey hi how"
    " i if in is it its just know like may me might my need of oh on one or our please shall should"
    " so some tell that the their them there they this to uh um us want was we well were what when"
    " where which who why will with would yes you your".split()
)
"""Words that say nothing about what is asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One time somebody asked."""

    words: str
    at: datetime
    call_id: str


def key_of(words: str) -> str:
    """What different wordings of a question have in common: the words that matter, without case,
    accents, plural and order. Empty for what is no question."""
    plain = unicodedata.normalize("NFKD", words).casefold()
    spoken = re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c)))
    if len(spoken) < FEWEST_WORDS:
        return ""
    telling = {_singular(word) for word in spoken if word not in _SAY_LITTLE}
    return " ".join(sorted(telling or set(spoken))[:_MOST_WORDS])[:200]


def is_admission(source: str) -> bool:
    """Whether an answer from these sources says that there is no answer."""
    return any(part.strip() in ADMISSIONS for part in source.split(","))


def add(session: Session, asked: Iterable[tuple[Asked, int]]) -> None:
    """Count every question up (1) or down (-1)."""
    # Always in the same order: two bots adding at once must not wait for each other.
    keyed = sorted((key, sign, one.at, one) for one, sign in asked if (key := key_of(one.words)))
    for key, sign, at, one in keyed:
        row = session.get(UnansweredQuestion, key)
        if row is None and sign < 0:
            continue  # retention has forgotten it
        if row is None:
            row = UnansweredQuestion(
                key=key, example=one.words, asked=0, first_at=at, last_at=at, call_id=one.call_id
            )
            session.add(row)
        row.asked += sign
        if sign > 0:
            row.first_at = min(row.first_at, at)
            if at >= row.last_at:
                row.last_at, row.call_id, row.example = at, one.call_id, one.words
            if row.settled_at is not None and at > row.settled_at:
                row.settled_at = None
    session.flush()


def forget_counts(session: Session) -> None:
    """Before everything is counted anew; what was settled stays so."""
    session.execute(update(UnansweredQuestion).values(asked=0))
    session.expire_all()


def most_asked(session: Session, since: datetime, limit: int) -> Sequence[UnansweredQuestion]:
    """Unsettled questions that came up since, those asked most often first."""
    query = select(UnansweredQuestion).where(
        UnansweredQuestion.asked > 0,
        UnansweredQuestion.settled_at.is_(None),
        UnansweredQuestion.last_at >= since,
    )
    order = UnansweredQuestion.asked.desc(), UnansweredQuestion.key.desc()
    return session.scalars(query.order_by(*order).limit(limit)).all()


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
