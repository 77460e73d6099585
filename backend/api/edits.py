"""Changes people make: one place for pages and API, each written down."""

from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.orm import Session

from backend.api import audit
from backend.api.audit import Action, Note
from backend.api.principal import Principal
from backend.api.services import services_of
from backend.core.ids import new_ticket_number
from backend.core.records import TicketDraft, TicketPriority, TicketType
from backend.db.queries import customers, questions, tickets
from backend.db.queries.customers import CustomerChanges, CustomerDraft, CustomerRecord
from backend.db.queries.questions import QuestionRecord
from backend.db.queries.tickets import TicketChanges, TicketDetail


@dataclass(frozen=True, slots=True)
class TicketRequest:
    """A ticket somebody wants opened."""

    type: TicketType
    subject: str
    description: str
    priority: TicketPriority
    customer_number: str | None


async def add_customer(request: Request, who: Principal, draft: CustomerDraft) -> CustomerRecord:
    """Raises DuplicateError when the number is taken, InvalidError."""
    return await audit.write(
        request,
        who,
        lambda made: Note(Action.CUSTOMER_ADDED, f"customer {made.number}"),
        customers.create_customer,
        draft,
        now=services_of(request).now(),
    )


async def change_customer(
    request: Request,
    who: Principal,
    customer_id: int,
    changes: CustomerChanges,
    version: int | None,
) -> CustomerRecord:
    """Raises what `customers.update_customer` raises."""
    now = services_of(request).now()

    def work(session: Session) -> tuple[CustomerRecord, str]:
        before = customers.get_customer(session, customer_id)
        after = customers.update_customer(session, customer_id, changes, now=now, version=version)
        different = [name for name in changes if getattr(before, name) != getattr(after, name)]
        return after, ", ".join(different)

    after, _ = await audit.write(
        request,
        who,
        lambda done: Note(Action.CUSTOMER_CHANGED, f"customer {done[0].number}", done[1]),
        work,
    )
    return after


async def open_ticket(request: Request, who: Principal, wanted: TicketRequest) -> TicketDetail:
    """Raises NotFoundError when there is no such customer."""
    services = services_of(request)
    draft = TicketDraft(
        number=new_ticket_number(),
        type=wanted.type,
        subject=wanted.subject,
        description=wanted.description,
        priority=wanted.priority,
        customer_number=wanted.customer_number,
    )
    return await audit.write(
        request,
        who,
        lambda made: Note(Action.TICKET_OPENED, f"ticket {made.ticket.number}"),
        tickets.create_ticket,
        draft,
        by=who.name,
        now=services.now(),
        zone=services.zone,
    )


async def change_ticket(
    request: Request,
    who: Principal,
    number: str,
    changes: TicketChanges,
    version: int | None,
) -> TicketDetail:
    """Raises what `tickets.update_ticket` raises."""
    now = services_of(request).now()

    def work(session: Session) -> tuple[TicketDetail, str]:
        known = len(tickets.get_ticket(session, number).history)
        after = tickets.update_ticket(
            session, number, changes, by=who.name, now=now, version=version
        )
        return after, ", ".join(change.field for change in after.history[known:])

    after, _ = await audit.write(
        request,
        who,
        lambda done: Note(Action.TICKET_CHANGED, f"ticket {number}", done[1]),
        work,
    )
    return after


async def settle_question(request: Request, who: Principal, key: str) -> QuestionRecord:
    """Raises NotFoundError."""
    return await audit.write(
        request,
        who,
        # Its words are a caller's.
        lambda settled: Note(Action.QUESTION_SETTLED, f"question of call {settled.call_id}"),
        questions.settle_question,
        key,
        now=services_of(request).now(),
    )
