"""Page: settings that belong to people: appearance, users, API keys."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from backend.api.access import PageAnybody, PageOwner, PageViewer
from backend.api.api_keys import create_api_key
from backend.api.clean_text import OneLine
from backend.api.first_user import reset_password
from backend.api.forms import WHOLE_FORM, Form
from backend.api.gate import gate_of
from backend.api.health import health_of
from backend.api.passwords import one_time_password
from backend.api.principal import Principal
from backend.api.services import services_of
from backend.api.templating import THEME_COOKIE, THEMES, page
from backend.db.errors import DuplicateError, InvalidError
from backend.db.models import Role
from backend.db.queries import accounts

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/settings", include_in_schema=False)

RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]
ROLES = (Role.VIEWER, Role.SUPERVISOR, Role.OWNER)
A_YEAR_S = 365 * 24 * 3600


class NewUser(BaseModel):
    """Somebody who shall sign in."""

    user_name: Annotated[str, Field(pattern=r"^[\w.@-]{1,100}$")]
    user_role: Role


class NewKey(BaseModel):
    """A program that shall use the API."""

    key_name: Annotated[OneLine, Field(min_length=1, max_length=100)]
    key_role: Role


@dataclass(frozen=True, slots=True)
class Secret:
    """Something shown once."""

    words: str
    value: str


@router.get("")
async def show_settings(request: Request, who: PageViewer) -> Response:
    """Everything on one page."""
    return await _settings_page(request, who, Form())


@router.post("/theme")
async def choose_theme(request: Request, _: PageAnybody) -> Response:
    """Light, dark, or like the device; kept in this browser."""
    theme = (await Form.sent(request)).value("theme")
    answer = RedirectResponse("/settings", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        THEME_COOKIE,
        theme if theme in THEMES else THEMES[0],
        max_age=A_YEAR_S,
        httponly=True,
        samesite="lax",
        secure=services_of(request).settings.web_secure_cookies,
    )
    return answer


@router.post("/users")
async def add_user(request: Request, who: PageOwner) -> Response:
    """Add a user with a one-time password."""
    services, form = services_of(request), await Form.sent(request)
    sent = form.read(NewUser)
    if sent is None:
        return await _settings_page(request, who, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    password = one_time_password()
    password_hash = await gate_of(request).passwords.hash(password)
    try:
        user = await services.store.write(
            accounts.create_user,
            sent.user_name,
            password_hash,
            sent.user_role,
            now=services.now(),
            must_change_password=True,
        )
    except DuplicateError as error:
        form.wrong["user_name"] = error.message
        return await _settings_page(request, who, form, status=HTTPStatus.CONFLICT)
    log.info("user-added", user_id=user.id, by=who.user_id, role=user.role)
    secret = Secret(f"{user.name} can sign in once with this password:", password)
    return await _settings_page(request, who, Form(), secret)


@router.post("/users/{user_id}/access")
async def set_access(request: Request, who: PageOwner, user_id: RowId) -> Response:
    """Lock somebody out, or let them in again. Takes effect at their next click."""
    services, form = services_of(request), await Form.sent(request)
    is_let_in = form.value("active") == "1"
    user = await services.database.read(accounts.get_user, user_id)
    try:
        await services.store.write(accounts.set_access, user_id, user.role, active=is_let_in)
    except InvalidError as error:
        form.wrong[WHOLE_FORM] = str(error)
        return await _settings_page(request, who, form, status=HTTPStatus.CONFLICT)
    log.info("access-changed", user_id=user_id, by=who.user_id, active=is_let_in)
    return RedirectResponse("/settings", HTTPStatus.SEE_OTHER)


@router.post("/users/{user_id}/password")
async def give_password(request: Request, who: PageOwner, user_id: RowId) -> Response:
    """A new one-time password for somebody who forgot theirs."""
    services = services_of(request)
    user = await services.database.read(accounts.get_user, user_id)
    password = await reset_password(services.store, user.name)
    log.info("password-reset", user_id=user_id, by=who.user_id)
    secret = Secret(f"{user.name} can sign in once with this password:", password)
    return await _settings_page(request, who, Form(), secret)


@router.post("/keys")
async def add_key(request: Request, who: PageOwner) -> Response:
    """Create an API key, shown once."""
    services, form = services_of(request), await Form.sent(request)
    sent = form.read(NewKey)
    if sent is None:
        return await _settings_page(request, who, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    key, record = await create_api_key(
        services.store, sent.key_name, sent.key_role, now=services.now()
    )
    log.info("api-key-created", key_id=record.id, by=who.user_id, role=record.role)
    secret = Secret(f"The key “{record.name}”. It is not shown again:", key)
    return await _settings_page(request, who, Form(), secret)


@router.post("/keys/{key_id}/revoke")
async def revoke_key(request: Request, who: PageOwner, key_id: RowId) -> Response:
    """Make a key useless at once."""
    services = services_of(request)
    await services.store.write(accounts.revoke_api_key, key_id, services.now())
    log.info("api-key-revoked", key_id=key_id, by=who.user_id)
    return RedirectResponse("/settings", HTTPStatus.SEE_OTHER)


async def _settings_page(
    request: Request,
    who: Principal,
    form: Form,
    secret: Secret | None = None,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    read = services_of(request).database.read
    return page(
        request,
        "settings.html",
        status=status,
        form=form,
        secret=secret,
        health=await health_of(request),
        users=await read(accounts.list_users) if who.may_manage else [],
        keys=await read(accounts.list_api_keys) if who.may_manage else [],
        roles=ROLES,
    )
