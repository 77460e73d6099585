"""What is kept no longer: old recordings' names, old calls with all that was said in them, and
questions nobody has asked since.

The daily sums stay, and so do tickets and customers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.db.models import Call, UnansweredQuestion
from backend.db.queries.paging import Order, Page

_OLDEST_FIRST = Order((Call.started_at, Call.id), (datetime, str))


@dataclass(frozen=True, slots=True)
class OldCall:
    """A call that may be due."""

    id: str
    recording: str
    """File name, or empty."""


def calls_before(
    session: Session,
    before: datetime,
    limit: int,
    *,
    recorded: bool = False,
    cursor: str | None = None,
) -> Page[OldCall]:
    """The oldest calls that started before then and have ended. `recorded`: only those that have a
    recording."""
    old = select(Call.id, Call.recording).where(
        Call.started_at < before, Call.ended_at.is_not(None)
    )
    if recorded:
        old = old.where(Call.recording != "")
    return _OLDEST_FIRST.page(
        session, old, lambda row: OldCall(row.id, row.recording), cursor, limit
    )


def forget_recordings(session: Session, call_ids: Sequence[str]) -> None:
    """Their files are gone."""
    session.execute(update(Call).where(Call.id.in_(call_ids)).values(recording=""))


def delete_calls(session: Session, call_ids: Sequence[str]) -> None:
    """With turns, events and what search knows of them; tickets stay, without their call."""
    session.execute(delete(Call).where(Call.id.in_(call_ids)))


def delete_questions(session: Session, before: datetime) -> None:
    """Unanswered questions that were asked last before then: they are callers' words, too."""
    session.execute(delete(UnansweredQuestion).where(UnansweredQuestion.last_at < before))
