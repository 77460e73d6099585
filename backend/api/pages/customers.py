"""Pages: customers."""

from http import HTTPStatus
from typing import Annotated, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from backend.api import edits
from backend.api.access import PageSupervisor, PageViewer
from backend.api.forms import VERSION, WHOLE_FORM, Form
from backend.api.routes.customers import CustomerId
from backend.api.schemas.customers import CustomerNew
from backend.api.services import services_of
from backend.api.templating import page
from backend.db.errors import ConflictError, DuplicateError
from backend.db.queries import calls, customers, tickets
from backend.db.queries.calls import CallFilter
from backend.db.queries.customers import CustomerChanges, CustomerDraft, CustomerRecord
from backend.db.queries.paging import Page
from backend.db.queries.tickets import TicketFilter

router = APIRouter(include_in_schema=False)

PAGE_LENGTH = 50
SHOWN_WITH_CUSTOMER = 20
EDITABLE = (*CustomerNew.model_fields, VERSION)


class CustomerSearch(BaseModel):
    """What the search form may hold."""

    search: Annotated[str, Field(max_length=100)] = ""
    cursor: Annotated[str, Field(max_length=500)] | None = None


class CustomerEdit(CustomerNew):
    """The form of one customer: everything, and the version it was made from."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


@router.get("/customers")
async def show_customers(request: Request, _: PageViewer) -> Response:
    """All customers, by name."""
    services, form = services_of(request), Form.asked(request)
    asked = form.read(CustomerSearch)
    found: Page[CustomerRecord] = Page([], None)
    if asked is not None:
        found = await services.database.read(
            customers.list_customers, asked.search, cursor=asked.cursor, limit=PAGE_LENGTH
        )
    return page(request, "customers.html", customers=found, form=form)


@router.get("/customers/new")
async def show_new_customer(request: Request, _: PageSupervisor) -> Response:
    """An empty form."""
    form = Form({"currency": "USD", "status": "active", "balance": "0.00"})
    return page(request, "customer_edit.html", customer=None, form=form)


@router.post("/customers/new")
async def create_customer(request: Request, who: PageSupervisor) -> Response:
    """Add a customer."""
    form = await Form.sent(request)
    sent = form.read(CustomerNew)
    if sent is not None:
        try:
            made = await edits.add_customer(request, who, CustomerDraft(**sent.model_dump()))
        except DuplicateError as error:
            form.wrong["number"] = error.message
        else:
            return _saved(made.id)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page(request, "customer_edit.html", status=status, customer=None, form=form)


@router.get("/customers/{customer_id}")
async def show_customer(request: Request, _: PageViewer, customer_id: CustomerId) -> Response:
    """One customer with calls and tickets."""
    database = services_of(request).database
    return page(
        request,
        "customer.html",
        customer=await database.read(customers.get_customer, customer_id),
        calls=await database.read(
            calls.list_calls, CallFilter(customer_id=customer_id), limit=SHOWN_WITH_CUSTOMER
        ),
        tickets=await database.read(
            tickets.list_tickets, TicketFilter(customer_id=customer_id), limit=SHOWN_WITH_CUSTOMER
        ),
        saved=request.query_params.get("saved") == "1",
    )


@router.get("/customers/{customer_id}/edit")
async def show_edit(request: Request, _: PageSupervisor, customer_id: CustomerId) -> Response:
    """The form with what is known."""
    customer = await services_of(request).database.read(customers.get_customer, customer_id)
    form = Form.of(customer, EDITABLE)
    return page(request, "customer_edit.html", customer=customer, form=form)


@router.post("/customers/{customer_id}/edit")
async def change_customer(
    request: Request, who: PageSupervisor, customer_id: CustomerId
) -> Response:
    """Change a customer."""
    services, form = services_of(request), await Form.sent(request)
    sent = form.read(CustomerEdit)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if sent is not None:
        changes = cast(CustomerChanges, sent.model_dump(exclude={"version"}))
        try:
            await edits.change_customer(request, who, customer_id, changes, sent.version)
        except DuplicateError as error:
            form.wrong["number"] = error.message
        except ConflictError:
            status = HTTPStatus.CONFLICT
        else:
            return _saved(customer_id)
    customer = await services.database.read(customers.get_customer, customer_id)
    if status is HTTPStatus.CONFLICT:
        _explain_conflict(form, customer)
    return page(request, "customer_edit.html", status=status, customer=customer, form=form)


def _explain_conflict(form: Form, customer: CustomerRecord) -> None:
    """What was typed stays; beside it, what somebody else has made of the field meanwhile."""
    for name, now in form.differences(customer, tuple(CustomerNew.model_fields)).items():
        form.wrong[name] = f"It is “{now}” now." if now else "It is empty now."
    form.wrong[WHOLE_FORM] = (
        "Somebody else changed this customer meanwhile, so nothing was saved. What you"
        " typed is still in the form; saving again makes it so."
    )
    form.based_on(customer)


def _saved(customer_id: int) -> Response:
    return RedirectResponse(f"/customers/{customer_id}?saved=1", HTTPStatus.SEE_OTHER)
