"""Page: the audit log."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from backend.api.access import PageOwner
from backend.api.audit import Action
from backend.api.forms import Form
from backend.api.services import services_of
from backend.api.templating import page
from backend.db.queries import accounts, audit
from backend.db.queries.audit import AuditFilter, AuditRecord
from backend.db.queries.paging import Page

router = APIRouter(include_in_schema=False)

PAGE_LENGTH = 100


class AuditFilters(BaseModel):
    """What the filter form may hold."""

    by: Annotated[str, Field(max_length=110)] | None = None
    action: Action | None = None
    about: Annotated[str, Field(max_length=120)] | None = None
    cursor: Annotated[str, Field(max_length=500)] | None = None


@router.get("/settings/audit")
async def show_audit(request: Request, _: PageOwner) -> Response:
    """Who did what, newest first."""
    read, form = services_of(request).database.read, Form.asked(request)
    filters = form.read(AuditFilters)
    found: Page[AuditRecord] = Page([], None)
    if filters is not None:
        which = AuditFilter(by=filters.by, action=filters.action, about=filters.about)
        found = await read(audit.list_entries, which, cursor=filters.cursor, limit=PAGE_LENGTH)
    people = [user.name for user in await read(accounts.list_users)]
    keys = [f"key {key.name}" for key in await read(accounts.list_api_keys)]
    return page(
        request,
        "audit.html",
        entries=found,
        form=form,
        people=[*people, *dict.fromkeys(keys)],
        actions=sorted(Action),
    )
