"""Page: who may come in: people and API keys."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from backend.api import people
from backend.api.access import PageOwner
from backend.api.forms import WHOLE_FORM, Form
from backend.api.schemas.people import KeyName, UserName
from backend.api.services import services_of
from backend.api.templating import page
from backend.db.errors import DuplicateError, InvalidError
from backend.db.models import Role
from backend.db.queries import accounts

router = APIRouter(prefix="/settings", include_in_schema=False)

RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]
ROLES = (Role.VIEWER, Role.SUPERVISOR, Role.OWNER)
HERE = "/settings/people"


class NewUser(BaseModel):
    """Somebody who shall sign in."""

    user_name: UserName
    user_role: Role


class Access(BaseModel):
    """What one person's row sends: a role, or in or out."""

    role: Role | None = None
    active: bool | None = None


class NewKey(BaseModel):
    """A program that shall use the API."""

    key_name: KeyName
    key_role: Role


@dataclass(frozen=True, slots=True)
class Secret:
    """Something shown once."""

    words: str
    value: str


@router.get("/people")
async def show_people(request: Request, _: PageOwner) -> Response:
    """Everybody, and every key."""
    return await _people_page(request, Form())


@router.post("/users")
async def add_user(request: Request, who: PageOwner) -> Response:
    """Add a user with a one-time password."""
    form = await Form.sent(request)
    sent = form.read(NewUser)
    if sent is None:
        return await _people_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        user, password = await people.add_user(request, who, sent.user_name, sent.user_role)
    except DuplicateError as error:
        form.wrong["user_name"] = error.message
        return await _people_page(request, form, status=HTTPStatus.CONFLICT)
    return await _people_page(request, Form(), _one_time(user.name, password))


@router.post("/users/{user_id}/access")
async def set_access(request: Request, who: PageOwner, user_id: RowId) -> Response:
    """Another role, locked out, or let in again. Takes effect at their next click."""
    form = await Form.sent(request)
    sent = form.read(Access)
    if sent is None:
        form.wrong[WHOLE_FORM] = " ".join(form.wrong.values())
        return await _people_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        await people.set_access(request, who, user_id, sent.role, sent.active)
    except InvalidError as error:
        form.wrong[WHOLE_FORM] = str(error)
        return await _people_page(request, form, status=HTTPStatus.CONFLICT)
    return RedirectResponse(HERE, HTTPStatus.SEE_OTHER)


@router.post("/users/{user_id}/password")
async def give_password(request: Request, who: PageOwner, user_id: RowId) -> Response:
    """A new one-time password for somebody who forgot theirs."""
    user, password = await people.reset_password(request, who, user_id)
    return await _people_page(request, Form(), _one_time(user.name, password))


@router.post("/keys")
async def add_key(request: Request, who: PageOwner) -> Response:
    """Create an API key, shown once."""
    form = await Form.sent(request)
    sent = form.read(NewKey)
    if sent is None:
        return await _people_page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    record, key = await people.add_key(request, who, sent.key_name, sent.key_role)
    secret = Secret(f"The key “{record.name}”. It is not shown again:", key)
    return await _people_page(request, Form(), secret)


@router.post("/keys/{key_id}/revoke")
async def revoke_key(request: Request, who: PageOwner, key_id: RowId) -> Response:
    """Make a key useless at once."""
    await people.revoke_key(request, who, key_id)
    return RedirectResponse(HERE, HTTPStatus.SEE_OTHER)


def _one_time(name: str, password: str) -> Secret:
    return Secret(f"{name} can sign in once with this password:", password)


async def _people_page(
    request: Request,
    form: Form,
    secret: Secret | None = None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    read = services_of(request).database.read
    return page(
        request,
        "people.html",
        status=status,
        form=form,
        secret=secret,
        users=await read(accounts.list_users),
        keys=await read(accounts.list_api_keys),
        roles=ROLES,
    )
