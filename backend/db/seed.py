"""Filling an empty database with believable data: the same for the same day, whoever runs it.

Calls are seeded as the events they would have published, through the same code that stores real
calls: what the pages show of a seeded call, they show of a real one.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.core.events import CallEvent, EventType
from backend.core.records import TicketDraft, TicketStatus
from backend.core.speech import HeardKind
from backend.db import models, projection
from backend.db.operations import OpenTicket, Operation, RecordEvent
from backend.db.queries.customers import CustomerDraft, create_customer
from backend.db.queries.tickets import TicketChanges, update_ticket
from backend.db.seed_data import PEOPLE, SCENARIOS, Bot, Caller, Person, Scenario, TicketText

DAYS = 30
_SEED = 1004
_BOT = "seed"
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SECONDS_PER_WORD = 0.36
_STAFF = ("dana", "luis")


@dataclass(frozen=True, slots=True)
class Seeded:
    """How much is there now."""

    customers: int
    calls: int
    tickets: int


def count(session: Session) -> Seeded:
    """How much data the database holds."""
    kinds = (models.Customer, models.Call, models.Ticket)
    return Seeded(*(session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds))


def seed(session: Session, today: date, zone: tzinfo = UTC) -> Seeded:
    """Add customers, and calls and tickets of the 30 days before `today`.

    For an empty database only: check with `count`. The caller commits.
    """
    rng = random.Random(_SEED)
    begun_at = datetime.combine(today - timedelta(days=400), time(9), zone)
    for person in PEOPLE:
        create_customer(session, _customer(person, today), now=begun_at)
    tickets: list[OpenTicket] = []
    for started_at, scenario in _schedule(rng, today, zone):
        call = _SeededCall(rng, scenario, started_at, today)
        operations = list(call.operations())
        projection.apply(session, operations, zone)
        tickets += [item for item in operations if isinstance(item, OpenTicket)]
    _work_on(session, rng, tickets, datetime.combine(today, time(), zone))
    return count(session)


def _customer(person: Person, today: date) -> CustomerDraft:
    return CustomerDraft(
        number=person.number,
        name=person.name,
        balance=Decimal(person.balance),
        due_date=_due(person, today),
        plan=person.plan,
        email=person.email,
        phone=person.phone,
        address=person.address,
        notes=person.notes,
        status=person.status,
    )


def _due(person: Person, today: date) -> date | None:
    return None if person.due_in_days is None else today + timedelta(days=person.due_in_days)


def _schedule(rng: random.Random, today: date, zone: tzinfo) -> Iterator[tuple[datetime, Scenario]]:
    """When which call comes in, oldest first: between eight and six, no two at the same second."""
    kinds = [scenario for scenario in SCENARIOS for _ in range(scenario.calls)]
    rng.shuffle(kinds)
    opening = time(8)
    seconds = sorted(rng.sample(range(DAYS * 10 * 3600), len(kinds)))
    for second, scenario in zip(seconds, kinds, strict=True):
        days, second_of_day = divmod(second, 10 * 3600)
        day = today - timedelta(days=DAYS - days)
        yield datetime.combine(day, opening, zone) + timedelta(seconds=second_of_day), scenario


class _SeededCall:
    """One call: plays a scenario and writes down the events it would have published."""

    def __init__(
        self, rng: random.Random, scenario: Scenario, started_at: datetime, today: date
    ) -> None:
        self._rng = rng
        self._scenario = scenario
        self._started_at = started_at.astimezone(UTC)
        self._id = f"{self._started_at:%Y%m%d-%H%M%S}-{rng.getrandbits(24):06x}"
        self._person = rng.choice([person for person in PEOPLE if person.status != "closed"])
        self._ticket_number = str(rng.randrange(100_000, 1_000_000))
        self._due = _due(self._person, today)
        self._seq = 0
        self._at_s = 0.0
        self._turn = 0
        self._intent = ""

    def operations(self) -> Iterator[Operation]:
        """Everything the call writes, in order."""
        yield self._event(
            EventType.CALL_STARTED,
            line="agi",
            caller=self._person.phone.replace("-", ""),
            called="100",
            pbx_id=f"{self._started_at.timestamp():.0f}.{self._turn}",
        )
        for turn in self._scenario.turns:
            if isinstance(turn, Caller):
                yield from self._caller(turn)
            else:
                yield from self._bot(turn)
        self._at_s += 0.4
        yield self._event(
            EventType.CALL_ENDED,
            outcome=self._scenario.outcome,
            duration_s=round(self._at_s, 3),
            recording="",
            intent=self._scenario.intent,
        )

    def _caller(self, turn: Caller) -> Iterator[Operation]:
        self._turn += 1
        self._intent = turn.intent
        is_keyed = turn.gives_number and self._rng.random() < 0.3
        digits = self._person.number if is_keyed else ""
        text = "" if is_keyed else self._words(turn)
        audio_s = round(0.3 + _SECONDS_PER_WORD * len(text.split()), 2)
        self._at_s += 0.8 + audio_s
        yield self._event(
            EventType.CALLER_SAID,
            turn=self._turn,
            kind=HeardKind.DIGITS if is_keyed else HeardKind.WORDS,
            text=text,
            digits=digits,
            confidence=1.0 if is_keyed else round(self._rng.uniform(0.74, 0.98), 3),
            audio_s=audio_s,
        )
        if turn.intent:
            confidence = round(self._rng.uniform(0.81, 0.99), 3)
            yield self._event(
                EventType.UNDERSTOOD, turn=self._turn, intent=turn.intent, confidence=confidence
            )
        if turn.gives_number:
            yield self._event(EventType.CUSTOMER_IDENTIFIED, customer_number=self._person.number)

    def _words(self, turn: Caller) -> str:
        if turn.gives_number:
            return " ".join(_DIGITS[int(digit)] for digit in self._person.number)
        return self._rng.choice(turn.wordings)

    def _bot(self, turn: Bot) -> Iterator[Operation]:
        timings = self._timings() if self._turn else {}
        self._at_s += sum(timings.values())
        text = self._filled(turn.text)
        if turn.opens_ticket and self._scenario.ticket is not None:
            yield from self._open_ticket(self._scenario.ticket)
        yield self._event(EventType.BOT_SAYS, turn=self._turn, text=text, source=turn.source)
        self._at_s += _SECONDS_PER_WORD * len(text.split()) * (0.6 if turn.interrupted else 1.0)
        yield self._event(
            EventType.BOT_SAID,
            turn=self._turn,
            text=text,
            intent=self._intent,
            source=turn.source,
            interrupted=turn.interrupted,
            **{f"{part}_s": seconds for part, seconds in timings.items()},
            total_s=round(sum(timings.values()), 4),
        )
        if turn.transfers:
            yield self._event(EventType.TRANSFER_STARTED, extension="2001")
            self._at_s += self._rng.uniform(40, 200)

    def _timings(self) -> dict[str, float]:
        """Where an answer's time goes in turn mode: most of it is waiting for silence."""
        rng = self._rng
        return {
            "endpoint_wait": round(rng.gauss(1.08, 0.02), 4),
            "recognition": round(rng.uniform(0.015, 0.06), 4),
            "thinking": round(rng.uniform(0.002, 0.012), 4),
            "first_audio": round(rng.uniform(0.001, 0.02), 4),
            "transport": round(rng.uniform(0.001, 0.004), 4),
        }

    def _open_ticket(self, ticket: TicketText) -> Iterator[Operation]:
        is_known = any(
            isinstance(turn, Caller) and turn.gives_number for turn in self._scenario.turns
        )
        draft = TicketDraft(
            number=self._ticket_number,
            type=ticket.type,
            subject=ticket.subject,
            description=ticket.description,
            priority=ticket.priority,
            customer_number=self._person.number if is_known else None,
        )
        yield OpenTicket(draft, self._id, self._now)
        yield self._event(
            EventType.TICKET_OPENED, number=draft.number, type=draft.type, priority=draft.priority
        )

    def _filled(self, text: str) -> str:
        person = self._person
        sign = "-" if person.balance.startswith("-") else ""
        due = f" It is due on {self._due:%B} {self._due.day}." if self._due else ""
        return text.format(
            name=person.name.split()[0],
            balance=f"{sign}${person.balance.removeprefix('-')}",
            due=due,
            plan=person.plan,
            ticket=self._ticket_number,
        )

    @property
    def _now(self) -> datetime:
        return self._started_at + timedelta(seconds=self._at_s)

    def _event(self, event_type: EventType, **data: Any) -> RecordEvent:
        event = CallEvent(self._id, self._seq, event_type, self._now, round(self._at_s, 3), data)
        self._seq += 1
        return RecordEvent(event, _BOT)


def _work_on(
    session: Session, rng: random.Random, tickets: list[OpenTicket], until: datetime
) -> None:
    """People have been at the older tickets: the newest quarter is still untouched."""
    for ticket in tickets[: len(tickets) * 3 // 4]:
        who = rng.choice(_STAFF)
        steps: list[TicketChanges] = [{"assignee": who, "status": TicketStatus.IN_PROGRESS}]
        if rng.random() < 0.75:
            steps.append({"status": TicketStatus.RESOLVED, "note": "Called back; solved."})
        at = ticket.at
        for step in steps:
            at += timedelta(hours=rng.uniform(1, 20))
            if at < until:
                update_ticket(session, ticket.draft.number, step, by=who, now=at)
