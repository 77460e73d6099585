"""Questions the bot had no answer to: what the knowledge base lacks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backend.db import unanswered
from backend.db.errors import NotFoundError
from backend.db.models import Call, UnansweredQuestion
from backend.db.queries.records import as_record


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """One question in all its wordings; fields as in `models.UnansweredQuestion`."""

    key: str
    example: str
    asked: int
    first_at: datetime
    last_at: datetime
    call_id: str
    """Empty when the call was deleted."""


def list_questions(session: Session, since: datetime, limit: int = 50) -> list[QuestionRecord]:
    """Those asked since and not settled, the most frequent first; counts are of all time."""
    rows = unanswered.most_asked(session, since, limit)
    return [
        as_record(
            QuestionRecord,
            row,
            call_id=row.call_id if session.get(Call, row.call_id) is not None else "",
        )
        for row in rows
    ]


def settle_question(session: Session, key: str, *, now: datetime) -> QuestionRecord:
    """Nothing is left to do about it; if it is asked again, it is back. Raises NotFoundError."""
    row = session.get(UnansweredQuestion, key)
    if row is None:
        raise NotFoundError("There is no such question.")
    row.settled_at = now
    session.flush()
    return as_record(QuestionRecord, row)
