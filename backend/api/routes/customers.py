"""REST: customers."""

from typing import Annotated, cast

from fastapi import APIRouter, Path, Query, Request, Response

from backend.api import edits
from backend.api.access import ApiSupervisor, ApiViewer
from backend.api.schemas.customers import CustomerAnswer, CustomerChange, CustomerNew
from backend.api.schemas.paging import Cursor, Limit, PageAnswer
from backend.api.services import services_of
from backend.db.queries import customers
from backend.db.queries.customers import CustomerChanges, CustomerDraft, CustomerRecord
from backend.db.queries.paging import Page

router = APIRouter(prefix="/api/customers", tags=["customers"])

CustomerId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[1])]
Search = Annotated[
    str,
    Query(
        max_length=100,
        description="Every word must occur in the name, number, e-mail or telephone number.",
        examples=["lovelace"],
    ),
]


@router.get("", response_model=PageAnswer[CustomerAnswer])
async def list_customers(
    request: Request, _: ApiViewer, search: Search = "", cursor: Cursor = None, limit: Limit = 50
) -> Page[CustomerRecord]:
    """Customers, by name."""
    database = services_of(request).database
    return await database.read(customers.list_customers, search, cursor=cursor, limit=limit)


@router.post("", response_model=CustomerAnswer, status_code=201)
async def create_customer(
    request: Request, response: Response, who: ApiSupervisor, body: CustomerNew
) -> CustomerRecord:
    """Add a customer. 409 when the number is taken."""
    customer = await edits.add_customer(request, who, CustomerDraft(**body.model_dump()))
    response.headers["location"] = f"/api/customers/{customer.id}"
    return customer


@router.get("/{customer_id}", response_model=CustomerAnswer)
async def get_customer(request: Request, _: ApiViewer, customer_id: CustomerId) -> CustomerRecord:
    """One customer."""
    return await services_of(request).database.read(customers.get_customer, customer_id)


@router.patch("/{customer_id}", response_model=CustomerAnswer)
async def change_customer(
    request: Request, who: ApiSupervisor, customer_id: CustomerId, body: CustomerChange
) -> CustomerRecord:
    """Change a customer. 409 when somebody else did since you read `version`."""
    changes = cast(CustomerChanges, body.changes())
    return await edits.change_customer(request, who, customer_id, changes, body.version)
