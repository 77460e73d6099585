"""Writing down who did what. A change and its line are one transaction: neither without the other.

Whoever adds a way to change something, or to listen to somebody, adds an `Action` and goes through
`write` or `notice`.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from fastapi import Request
from sqlalchemy.orm import Session

from backend.api.principal import Principal
from backend.api.services import services_of
from backend.core.errors import StoreError
from backend.db.queries import audit

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

ONCE_IN_S = 10 * 60
"""Listening to a recording is many requests, one for each part of it, and one line."""
_MOST_REMEMBERED = 5000


class Action(StrEnum):
    """What is written down."""

    SIGNED_IN = "signed_in"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - an action
    RECORDING_PLAYED = "recording_played"
    RECORDING_DOWNLOADED = "recording_downloaded"
    CALL_LISTENED_TO = "call_listened_to"
    """While it happened."""
    CALL_HUNG_UP = "call_hung_up"
    CALL_TRANSFERRED = "call_transferred"
    CALL_NOTED = "call_noted"
    CALLS_EXPORTED = "calls_exported"
    CUSTOMER_ADDED = "customer_added"
    CUSTOMER_CHANGED = "customer_changed"
    TICKET_OPENED = "ticket_opened"
    TICKET_CHANGED = "ticket_changed"
    KNOWLEDGE_CHANGED = "knowledge_changed"
    SETTING_CHANGED = "setting_changed"
    QUESTION_SETTLED = "question_settled"
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - an action
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"


@dataclass(frozen=True, slots=True)
class Note:
    """What a line says besides who and when."""

    action: Action
    about: str
    """What it was done to, as `call 20261121-…`."""
    detail: str = ""
    """Names of fields, roles, filters. Never a secret, never what was said."""


class Noticed:
    """What was noted lately, in bounded memory."""

    def __init__(self) -> None:
        self._at_s: OrderedDict[tuple[str, Note], float] = OrderedDict()

    def is_new(self, who: str, note: Note, now_s: float) -> bool:
        """Whether this was not noted within `ONCE_IN_S`."""
        return now_s - self._at_s.get((who, note), float("-inf")) >= ONCE_IN_S

    def remember(self, who: str, note: Note, now_s: float) -> None:
        """It has been noted."""
        self._at_s[who, note] = now_s
        self._at_s.move_to_end((who, note))
        while len(self._at_s) > _MOST_REMEMBERED:
            self._at_s.popitem(last=False)


async def write(
    request: Request,
    who: Principal,
    note: Callable[[T], Note],
    work: Callable[Concatenate[Session, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run a change (see `Store.write`) and write down what `note` makes of its result."""
    entry = _Entry.of(request, who)

    def both(session: Session) -> T:
        result = work(session, *args, **kwargs)
        entry.add(session, note(result))
        return result

    return await services_of(request).store.write(both)


async def notice(request: Request, who: Principal, note: Note) -> None:
    """Write down that somebody listens or looks, once in `ONCE_IN_S`, before they may.

    Raises UnavailableError when it cannot be written: nobody listens unseen.
    """
    services = services_of(request)
    noticed: Noticed = request.app.state.noticed
    if noticed.is_new(who.name, note, services.clock()):
        await services.store.write(_Entry.of(request, who).add, note)
        noticed.remember(who.name, note, services.clock())


async def mention(request: Request, who: Principal, note: Note) -> None:
    """Write down what has been done and is kept elsewhere, too, as well as can be: to a call in
    progress, which a supervisor must be able to end while the database is down, or to the knowledge
    base. The call's events and the file's versions have it, too."""
    try:
        await services_of(request).store.write(_Entry.of(request, who).add, note)
    except StoreError as error:
        log.warning("not-in-the-audit-log", action=note.action, reason=error.code)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Who, when and from where, taken from the request before the writer's thread has it."""

    who: str
    address: str
    request: Request

    @classmethod
    def of(cls, request: Request, who: Principal) -> "_Entry":
        return cls(who.name, request.client.host if request.client else "", request)

    def add(self, session: Session, note: Note) -> None:
        audit.add_entry(
            session,
            at=services_of(self.request).now(),
            by=self.who,
            address=self.address,
            action=note.action,
            about=note.about,
            detail=note.detail,
        )
