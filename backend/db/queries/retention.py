"""What is kept no longer: old recordings' names, old calls with all that was said in them, and
questions nobody has asked since.

The daily sums stay, and so do tickets and customers.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.db.models import Call, UnansweredQuestion


def calls_before(
    session: Session, before: datetime, limit: int, *, recorded: bool = False
) -> list[tuple[str, str]]:
    """Ids and recordings (file name or empty) of the oldest calls that started before then and
    have ended. `recorded`: only those that have a recording."""
    old = select(Call.id, Call.recording).where(
        Call.started_at < before, Call.ended_at.is_not(None)
    )
    if recorded:
        old = old.where(Call.recording != "")
    rows = session.execute(old.order_by(Call.started_at, Call.id).limit(limit))
    return [(row.id, row.recording) for row in rows]


def forget_recordings(session: Session, call_ids: Sequence[str]) -> None:
    """Their files are gone."""
    session.execute(update(Call).where(Call.id.in_(call_ids)).values(recording=""))


def delete_calls(session: Session, call_ids: Sequence[str]) -> None:
    """With turns, events and what search knows of them; tickets stay, without their call."""
    session.execute(delete(Call).where(Call.id.in_(call_ids)))


def delete_questions(session: Session, before: datetime) -> None:
    """Unanswered questions that were asked last before then: they are callers' words, too."""
    session.execute(delete(UnansweredQuestion).where(UnansweredQuestion.last_at < before))
