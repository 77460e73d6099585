"""REST: tickets. A ticket's id is the number the caller was told."""

from typing import Annotated, cast

from fastapi import APIRouter, Path, Query, Request, Response

from backend.api import edits
from backend.api.access import ApiSupervisor, ApiViewer
from backend.api.edits import TicketRequest
from backend.api.schemas.paging import Cursor, Limit, PageAnswer
from backend.api.schemas.tickets import (
    TicketAnswer,
    TicketChange,
    TicketDetailAnswer,
    TicketNew,
)
from backend.api.services import services_of
from backend.core.records import TicketPriority, TicketStatus, TicketType
from backend.db.queries import tickets
from backend.db.queries.paging import Page
from backend.db.queries.tickets import TicketChanges, TicketDetail, TicketFilter, TicketRecord

router = APIRouter(prefix="/api/tickets", tags=["tickets"])

TicketNumber = Annotated[str, Path(pattern=r"^[0-9]{1,12}(-[0-9]{1,6})?$", examples=["482913"])]


@router.get("", response_model=PageAnswer[TicketAnswer])
async def list_tickets(
    request: Request,
    _: ApiViewer,
    status: TicketStatus | None = None,
    priority: TicketPriority | None = None,
    type: TicketType | None = None,  # noqa: A002 - the parameter's name in the API
    assignee: Annotated[str | None, Query(max_length=100, description="Empty: nobody's.")] = None,
    customer_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TicketRecord]:
    """Tickets, newest first."""
    which = TicketFilter(
        status=status, priority=priority, type=type, assignee=assignee, customer_id=customer_id
    )
    database = services_of(request).database
    return await database.read(tickets.list_tickets, which, cursor=cursor, limit=limit)


@router.post("", response_model=TicketDetailAnswer, status_code=201)
async def open_ticket(
    request: Request, response: Response, who: ApiSupervisor, body: TicketNew
) -> TicketDetailAnswer:
    """Open a ticket."""
    detail = await edits.open_ticket(request, who, TicketRequest(**body.model_dump()))
    response.headers["location"] = f"/api/tickets/{detail.ticket.number}"
    return _answer(detail)


@router.get("/{number}", response_model=TicketDetailAnswer)
async def get_ticket(request: Request, _: ApiViewer, number: TicketNumber) -> TicketDetailAnswer:
    """One ticket with its history."""
    return _answer(await services_of(request).database.read(tickets.get_ticket, number))


@router.patch("/{number}", response_model=TicketDetailAnswer)
async def change_ticket(
    request: Request, who: ApiSupervisor, number: TicketNumber, body: TicketChange
) -> TicketDetailAnswer:
    """Work on a ticket; every change becomes a line of its history.

    409 when somebody else changed it since you read `version`.
    """
    changes = cast(TicketChanges, body.changes())
    return _answer(await edits.change_ticket(request, who, number, changes, body.version))


def _answer(detail: TicketDetail) -> TicketDetailAnswer:
    ticket = TicketAnswer.model_validate(detail.ticket)
    others = {"history": detail.history, "opened_at_s": detail.opened_at_s}
    return TicketDetailAnswer.model_validate(ticket.model_dump() | others)
