"""Pages: tickets."""

from http import HTTPStatus
from typing import Annotated, Any, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from backend.api import edits
from backend.api.access import PageSupervisor, PageViewer
from backend.api.clean_text import CustomerNumber, Prose
from backend.api.edits import TicketRequest
from backend.api.forms import VERSION, WHOLE_FORM, Form
from backend.api.routes.tickets import TicketNumber
from backend.api.schemas.tickets import Assignee, TicketNew
from backend.api.services import ApiServices, services_of
from backend.api.templating import label, page
from backend.core.records import TicketPriority, TicketStatus, TicketType
from backend.db.errors import ConflictError, InvalidError, NotFoundError
from backend.db.queries import customers, tickets
from backend.db.queries.paging import Page
from backend.db.queries.tickets import TicketChanges, TicketDetail, TicketFilter, TicketRecord

router = APIRouter(include_in_schema=False)

PAGE_LENGTH = 50
CHOICES: dict[str, Any] = {
    "statuses": list(TicketStatus),
    "priorities": list(TicketPriority),
    "types": list(TicketType),
}
FIELDS = ("status", "priority", "type", "assignee")
EDITABLE = (*FIELDS, VERSION)
ON_BOARD = 25
"""Cards in a column; the list has the rest."""
NOBODY = "nobody"


class TicketFilters(BaseModel):
    """What the filter form may hold."""

    status: TicketStatus | None = None
    priority: TicketPriority | None = None
    type: TicketType | None = None
    assignee: Assignee | None = None
    """`nobody`: no one's."""
    customer: CustomerNumber | None = None
    cursor: Annotated[str, Field(max_length=500)] | None = None


class TicketMove(BaseModel):
    """What a card on the board sends."""

    status: TicketStatus
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class TicketEdit(BaseModel):
    """What the form of one ticket holds."""

    status: TicketStatus
    priority: TicketPriority
    type: TicketType
    assignee: Assignee = ""
    note: Prose = ""
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


@router.get("/tickets")
async def show_tickets(request: Request, _: PageViewer) -> Response:
    """All tickets, newest first."""
    services, form = services_of(request), Form.asked(request)
    filters = form.read(TicketFilters)
    found: Page[TicketRecord] = await _find(services, filters) if filters else Page([], None)
    people = await services.database.read(tickets.list_assignees)
    return page(request, "tickets.html", tickets=found, form=form, people=people, **CHOICES)


@router.get("/tickets/board")
async def show_board(request: Request, _: PageViewer) -> Response:
    """Tickets in columns, by where they stand."""
    return await _board_page(request)


@router.post("/tickets/{number}/move")
async def move_ticket(request: Request, who: PageSupervisor, number: TicketNumber) -> Response:
    """To another column; not when somebody else changed the ticket since the board was opened."""
    form = await Form.sent(request)
    sent = form.read(TicketMove)
    if sent is None:
        raise InvalidError(" ".join(form.wrong.values()), fix="Go back to the board.")
    try:
        changes = TicketChanges(status=sent.status)
        await edits.change_ticket(request, who, number, changes, sent.version)
    except ConflictError as error:
        problem = f"{error.message} The board shows how it is now; move it again if you still want."
        return await _board_page(request, problem)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/tickets/board{query}", HTTPStatus.SEE_OTHER)


@router.get("/tickets/new")
async def show_new_ticket(request: Request, _: PageSupervisor) -> Response:
    """An empty form."""
    form = Form({"type": TicketType.OTHER, "priority": TicketPriority.NORMAL})
    return page(request, "ticket_new.html", form=form, **CHOICES)


@router.post("/tickets/new")
async def open_ticket(request: Request, who: PageSupervisor) -> Response:
    """Open a ticket."""
    form = await Form.sent(request)
    sent = form.read(TicketNew)
    if sent is not None:
        try:
            detail = await edits.open_ticket(request, who, TicketRequest(**sent.model_dump()))
        except NotFoundError as error:
            form.wrong["customer_number"] = error.message
        else:
            where = f"/tickets/{detail.ticket.number}"
            return RedirectResponse(where, HTTPStatus.SEE_OTHER)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page(request, "ticket_new.html", status=status, form=form, **CHOICES)


@router.get("/tickets/{number}")
async def show_ticket(request: Request, _: PageViewer, number: TicketNumber) -> Response:
    """One ticket."""
    detail = await services_of(request).database.read(tickets.get_ticket, number)
    saved = request.query_params.get("saved") == "1"
    return await _ticket_page(request, detail, Form.of(detail.ticket, EDITABLE), saved=saved)


@router.post("/tickets/{number}")
async def change_ticket(request: Request, who: PageSupervisor, number: TicketNumber) -> Response:
    """Work on a ticket."""
    services, form = services_of(request), await Form.sent(request)
    sent = form.read(TicketEdit)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if sent is not None:
        unsaid = {"version"} if sent.note else {"version", "note"}
        changes = cast(TicketChanges, sent.model_dump(exclude=unsaid))
        try:
            await edits.change_ticket(request, who, number, changes, sent.version)
        except ConflictError:
            status = HTTPStatus.CONFLICT
        else:
            return RedirectResponse(f"/tickets/{number}?saved=1", HTTPStatus.SEE_OTHER)
    detail = await services.database.read(tickets.get_ticket, number)
    if status is HTTPStatus.CONFLICT:
        _explain_conflict(form, detail)
    return await _ticket_page(request, detail, form, status=status)


def _explain_conflict(form: Form, detail: TicketDetail) -> None:
    """What was typed stays; beside it, what somebody else has made of the field meanwhile."""
    by = detail.history[-1].by if detail.history else "Somebody else"
    for name, now in form.differences(detail.ticket, FIELDS).items():
        form.wrong[name] = f"It is “{label(now) if name != 'assignee' else now or 'nobody'}” now."
    form.wrong[WHOLE_FORM] = (
        f"{by} changed this ticket meanwhile, so nothing was saved. What you typed is"
        " still in the form; saving again makes it so."
    )
    form.based_on(detail.ticket)


async def _board_page(request: Request, problem: str = "") -> Response:
    services, form = services_of(request), Form.asked(request)
    filters = form.read(TicketFilters)
    which = await _which(services, filters) if filters else None
    columns: dict[TicketStatus, Page[TicketRecord]] = {}
    if which is not None:
        columns = await services.database.read(tickets.list_board, which, ON_BOARD)
    return page(
        request,
        "ticket_board.html",
        status=HTTPStatus.CONFLICT if problem else HTTPStatus.OK,
        columns=columns,
        form=form,
        problem=problem,
        people=await services.database.read(tickets.list_assignees),
        **CHOICES,
    )


async def _ticket_page(
    request: Request,
    detail: TicketDetail,
    form: Form,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    saved: bool = False,
) -> Response:
    people = await services_of(request).database.read(tickets.list_assignees)
    return page(
        request,
        "ticket.html",
        status=status,
        ticket=detail.ticket,
        history=detail.history,
        opened_at_s=detail.opened_at_s,
        people=people,
        form=form,
        saved=saved,
        **CHOICES,
    )


async def _which(services: ApiServices, filters: TicketFilters) -> TicketFilter | None:
    """None when no ticket can fit: nobody has the customer number."""
    customer_id = None
    if filters.customer is not None:
        customer = await services.database.read(customers.find_customer, filters.customer)
        if customer is None:
            return None
        customer_id = customer.id
    return TicketFilter(
        status=filters.status,
        priority=filters.priority,
        type=filters.type,
        assignee="" if filters.assignee == NOBODY else filters.assignee,
        customer_id=customer_id,
    )


async def _find(services: ApiServices, filters: TicketFilters) -> Page[TicketRecord]:
    which = await _which(services, filters)
    if which is None:
        return Page([], None)
    return await services.database.read(
        tickets.list_tickets, which, cursor=filters.cursor, limit=PAGE_LENGTH
    )
