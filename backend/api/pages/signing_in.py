"""Signing in and out, and changing one's password."""

import math
import re
import secrets
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from backend.api import audit
from backend.api.access import FORM_TOKEN_FIELD, PageAnybody
from backend.api.audit import Action, Note
from backend.api.errors import ApiError
from backend.api.forms import WHOLE_FORM, Form
from backend.api.gate import Gate, gate_of
from backend.api.passwords import password_problem
from backend.api.principal import Principal
from backend.api.services import services_of
from backend.api.templating import page
from backend.core.errors import StoreError
from backend.db.queries import accounts
from backend.db.queries.accounts import UserRecord

log = structlog.get_logger(__name__)

router = APIRouter(include_in_schema=False)

FORM_COOKIE = "frontdesk_form"
"""Ties the sign-in form to the browser it was given to, before there is a session."""
HOME = "/now"


@router.get("/sign-in")
async def show_sign_in(request: Request) -> Response:
    """The form; who is signed in already goes on."""
    form = Form.asked(request)
    if await gate_of(request).person(request) is not None:
        return _go(form.value("next"))
    return _sign_in_page(request, Form({"next": form.value("next")}))


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Check name and password; open a session."""
    gate, form = gate_of(request), await Form.sent(request)
    nonce = request.cookies.get(FORM_COOKIE, "")
    if not nonce or not gate.signer.form_token_fits(nonce, form.value(FORM_TOKEN_FIELD)):
        form.wrong[WHOLE_FORM] = "This form was out of date. Please try again."
        return _sign_in_page(request, form, HTTPStatus.FORBIDDEN)
    try:
        user = await _prove(request, form.value("name"), form.value("password"))
    except ApiError as error:
        form.wrong[WHOLE_FORM] = f"{error.message} {error.fix}".strip()
        return _sign_in_page(request, form, error.status)
    services = services_of(request)
    who = Principal(user.name, user.role, user.id)
    try:
        note = Note(Action.SIGNED_IN, f"user {user.name}")
        signed_in = accounts.note_sign_in
        await audit.write(request, who, lambda _: note, signed_in, user.id, services.now())
    except StoreError as error:
        log.warning("sign-in-not-noted", reason=error.code)
    log.info("signed-in", user_id=user.id, role=user.role)
    answer = _go("/password" if user.must_change_password else form.value("next"))
    gate.open_session(user, answer)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, _: PageAnybody) -> Response:
    """End the session, here and wherever its cookie was copied to."""
    answer = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    gate_of(request).close_session(request.state.session, answer)
    return answer


@router.get("/password")
async def show_password(request: Request, _: PageAnybody) -> Response:
    """The form to change one's password."""
    return page(request, "password.html", form=Form.asked(request))


@router.post("/password")
async def change_password(request: Request, who: PageAnybody) -> Response:
    """Change one's password; every session made with the old one ends."""
    gate, form = gate_of(request), await Form.sent(request)
    old, new = form.value("old"), form.value("new")
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        user = await _prove(request, who.name, old)
    except ApiError as error:
        form.wrong["old"] = error.message
        return page(request, "password.html", status=error.status, form=form)
    if problem := password_problem(new, user_name=who.name, old=old):
        form.wrong["new"] = problem
    elif new != form.value("again"):
        form.wrong["again"] = "The two new passwords differ."
    if form.wrong:
        return page(request, "password.html", status=status, form=form)
    password_hash = await gate.passwords.hash(new)
    note = Note(Action.PASSWORD_CHANGED, f"user {user.name}")
    user = await audit.write(
        request, who, lambda _: note, accounts.set_password, user.id, password_hash
    )
    log.info("password-changed", user_id=user.id)
    answer = _go(form.value("next"))
    gate.open_session(user, answer)
    return answer


async def _prove(request: Request, name: str, password: str) -> UserRecord:
    """The user with this name and password. Raises ApiError: 429 too often, 401 wrong."""
    gate, services = gate_of(request), services_of(request)
    address = request.client.host if request.client else ""
    wait_s = gate.attempts.attempt(name, address, services.clock())
    if wait_s > 0:
        log.warning("sign-in-rate-limited", wait_s=round(wait_s))
        minutes = math.ceil(wait_s / 60)
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too-many-attempts",
            f"Too many attempts. Please wait {minutes} minute{'s' if minutes > 1 else ''}.",
        )
    user = await services.database.read(accounts.find_user, name)
    usable = user.password_hash if user is not None and user.active else None
    if not await gate.passwords.verify(usable, password) or user is None:
        raise ApiError(
            HTTPStatus.UNAUTHORIZED, "wrong-password", "User name or password is not right."
        )
    gate.attempts.succeeded(name, address)
    return user


def _sign_in_page(request: Request, form: Form, status: HTTPStatus = HTTPStatus.OK) -> Response:
    gate: Gate = gate_of(request)
    nonce = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(16)
    answer = page(
        request, "sign_in.html", status=status, form=form, form_token=gate.signer.form_token(nonce)
    )
    answer.set_cookie(
        FORM_COOKIE,
        nonce,
        path="/sign-in",
        httponly=True,
        samesite="lax",
        secure=services_of(request).settings.web_secure_cookies,
    )
    return answer


def _go(where: str) -> RedirectResponse:
    """To a page of ours, never to another site."""
    is_ours = re.fullmatch(r"/(?![/\\])[^\s\\]*", where) is not None
    return RedirectResponse(where if is_ours else HOME, HTTPStatus.SEE_OTHER)
