"""REST: people, API keys, and the audit log. For owners."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from backend.api import people
from backend.api.access import ApiOwner
from backend.api.schemas.audit import AuditAnswer
from backend.api.schemas.paging import Cursor, Limit, PageAnswer
from backend.api.schemas.people import (
    KeyAnswer,
    KeyNew,
    KeySecretAnswer,
    UserAnswer,
    UserChange,
    UserNew,
    UserSecretAnswer,
)
from backend.api.services import services_of
from backend.db.queries import accounts, audit
from backend.db.queries.accounts import ApiKeyRecord, UserRecord
from backend.db.queries.audit import AuditFilter, AuditRecord
from backend.db.queries.paging import Page

router = APIRouter(prefix="/api", tags=["people"])

RowId = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[2])]


@router.get("/users", response_model=list[UserAnswer])
async def list_users(request: Request, _: ApiOwner) -> list[UserRecord]:
    """Everybody who can sign in, by name."""
    return await services_of(request).database.read(accounts.list_users)


@router.post("/users", response_model=UserSecretAnswer, status_code=201)
async def add_user(request: Request, who: ApiOwner, body: UserNew) -> UserSecretAnswer:
    """Add somebody, with a one-time password. 409 when the name is taken."""
    user, password = await people.add_user(request, who, body.name, body.role)
    return _with_password(user, password)


@router.patch("/users/{user_id}", response_model=UserAnswer)
async def change_user(
    request: Request, who: ApiOwner, user_id: RowId, body: UserChange
) -> UserRecord:
    """Another role, locked out, or let in again: from their next request on.

    422 for the last owner: somebody has to be able to do this.
    """
    return await people.set_access(request, who, user_id, body.role, body.active)


@router.post("/users/{user_id}/password", response_model=UserSecretAnswer)
async def reset_password(request: Request, who: ApiOwner, user_id: RowId) -> UserSecretAnswer:
    """A new one-time password; the old one and every session end."""
    return _with_password(*await people.reset_password(request, who, user_id))


@router.get("/keys", response_model=list[KeyAnswer])
async def list_keys(request: Request, _: ApiOwner) -> list[ApiKeyRecord]:
    """Every API key, revoked ones included, newest first."""
    return await services_of(request).database.read(accounts.list_api_keys)


@router.post("/keys", response_model=KeySecretAnswer, status_code=201)
async def add_key(request: Request, who: ApiOwner, body: KeyNew) -> KeySecretAnswer:
    """Make an API key."""
    record, key = await people.add_key(request, who, body.name, body.role)
    return KeySecretAnswer.model_validate(asdict(record) | {"key": key})


@router.delete("/keys/{key_id}", response_model=KeyAnswer)
async def revoke_key(request: Request, who: ApiOwner, key_id: RowId) -> ApiKeyRecord:
    """Make an API key useless at once; it stays in the list."""
    return await people.revoke_key(request, who, key_id)


@router.get("/audit", response_model=PageAnswer[AuditAnswer])
async def list_audit(
    request: Request,
    _: ApiOwner,
    by: Annotated[str | None, Query(max_length=110, examples=["dana"])] = None,
    action: Annotated[str | None, Query(max_length=40, examples=["recording_played"])] = None,
    about: Annotated[str | None, Query(max_length=120, examples=["ticket 482913"])] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AuditRecord]:
    """Who listened to what and who changed what, newest first."""
    which = AuditFilter(by=by, action=action, about=about)
    database = services_of(request).database
    return await database.read(audit.list_entries, which, cursor=cursor, limit=limit)


def _with_password(user: UserRecord, password: str) -> UserSecretAnswer:
    answer = UserAnswer.model_validate(user).model_dump()
    return UserSecretAnswer.model_validate(answer | {"one_time_password": password})
