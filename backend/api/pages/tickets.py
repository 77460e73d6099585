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
from backend.api.forms import WHOLE_FORM, Form
from backend.api.routes.tickets import TicketNumber
from backend.api.schemas.tickets import Assignee, TicketNew
from backend.api.services import ApiServices, services_of
from backend.api.templating import page
from backend.core.records import TicketPriority, TicketStatus, TicketType
from backend.db.errors import ConflictError, NotFoundError
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
EDITABLE = ("status", "priority", "type", "assignee", "version")


class TicketFilters(BaseModel):
    """What the filter form may hold."""

    status: TicketStatus | None = None
    priority: TicketPriority | None = None
    type: TicketType | None = None
    customer: CustomerNumber | None = None
    cursor: Annotated[str, Field(max_length=500)] | None = None


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
    return page(request, "tickets.html", tickets=found, form=form, **CHOICES)


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
    return _ticket_page(request, detail, Form.of(detail.ticket, EDITABLE), saved=saved)


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
        except ConflictError as error:
            form.wrong[WHOLE_FORM] = f"{error} What you typed is still in the form."
            status = HTTPStatus.CONFLICT
        else:
            return RedirectResponse(f"/tickets/{number}?saved=1", HTTPStatus.SEE_OTHER)
    detail = await services.database.read(tickets.get_ticket, number)
    return _ticket_page(request, detail, form, status=status)


def _ticket_page(
    request: Request,
    detail: TicketDetail,
    form: Form,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    saved: bool = False,
) -> Response:
    return page(
        request,
        "ticket.html",
        status=status,
        ticket=detail.ticket,
        history=detail.history,
        form=form,
        saved=saved,
        **CHOICES,
    )


async def _find(services: ApiServices, filters: TicketFilters) -> Page[TicketRecord]:
    customer_id = None
    if filters.customer is not None:
        customer = await services.database.read(customers.find_customer, filters.customer)
        if customer is None:
            return Page([], None)
        customer_id = customer.id
    which = TicketFilter(
        status=filters.status,
        priority=filters.priority,
        type=filters.type,
        customer_id=customer_id,
    )
    return await services.database.read(
        tickets.list_tickets, which, cursor=filters.cursor, limit=PAGE_LENGTH
    )
