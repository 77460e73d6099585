"""What routes depend on: who may come in, checked before anything else happens.

Every route has exactly one of these dependencies; the tests walk all routes and hold them to it.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Response, WebSocket, WebSocketException, status

from backend.api.errors import ApiError, NotSignedInError, PasswordChangeDueError
from backend.api.gate import Gate, gate_of
from backend.api.principal import Principal
from backend.api.sessions import Session
from backend.db.models import Role

FORM_TOKEN_FIELD = "form_token"  # noqa: S105 - a field's name
FORM_TOKEN_HEADER = "x-form-token"  # noqa: S105 - a header's name
RECHECK_S = 15.0
"""How long who was locked out or signed out goes on with what was open already."""
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """What a program, or a page's script, needs to use a route of the API."""

    role: Role

    async def __call__(self, request: Request) -> Principal:
        """Who is asking. Raises ApiError when they may not."""
        principal = await identify(request)
        if principal is None:
            raise NotSignedInError()
        if principal.must_change_password:
            raise PasswordChangeDueError()
        principal.require(self.role)
        return principal


@dataclass(frozen=True, slots=True)
class PageAccess:
    """What somebody needs to open a page or send its form."""

    role: Role
    password_may_be_due: bool = False

    async def __call__(self, request: Request) -> Principal:
        """Who is asking. Raises ApiError when they may not."""
        gate = gate_of(request)
        found = await gate.person(request)
        if found is None:
            raise NotSignedInError()
        principal, session = found
        request.state.who, request.state.session = found
        await _check_form(request, gate, session)
        if principal.must_change_password and not self.password_may_be_due:
            raise PasswordChangeDueError()
        principal.require(self.role)
        _keep_session_alive(request, gate, session)
        return principal


@dataclass(frozen=True, slots=True)
class SocketAccess:
    """What somebody needs to open a websocket. Only our own pages get here: see the guard."""

    role: Role

    async def __call__(self, websocket: WebSocket) -> Principal:
        """Who is asking. Raises WebSocketException when they may not."""
        found = await gate_of(websocket).person(websocket)
        try:
            if found is None:
                raise NotSignedInError()
            if found[0].must_change_password:
                raise PasswordChangeDueError()
            found[0].require(self.role)
        except ApiError as error:
            raise WebSocketException(status.WS_1008_POLICY_VIOLATION, error.message) from error
        return found[0]


async def may_stay(connection: Request | WebSocket, role: Role) -> bool:
    """Whether who came in would still be let in, now that something goes on for long.

    Raises StoreError when that cannot be found out.
    """
    try:
        if isinstance(connection, WebSocket):
            await SocketAccess(role)(connection)
        else:
            await ApiAccess(role)(connection)
    except (ApiError, WebSocketException):
        return False
    return True


async def identify(request: Request) -> Principal | None:
    """Who calls the API: a program with its key, or a person's page. None for strangers.

    Raises NotSignedInError for a bad key, ApiError for a page's change without its form token.
    """
    gate = gate_of(request)
    principal = await gate.program(request)
    if principal is not None:
        return principal
    found = await gate.person(request)
    if found is None:
        return None
    if request.method not in _SAFE_METHODS:
        token = request.headers.get(FORM_TOKEN_HEADER, "")
        _check_token(gate, found[1].nonce, token)
    return found[0]


async def _check_form(request: Request, gate: Gate, session: Session) -> None:
    if request.method in _SAFE_METHODS:
        return
    token = (await request.form()).get(FORM_TOKEN_FIELD, "")
    _check_token(gate, session.nonce, token if isinstance(token, str) else "")


def _check_token(gate: Gate, nonce: str, token: str) -> None:
    if not gate.signer.form_token_fits(nonce, token):
        raise stale_form()


def stale_form() -> ApiError:
    """The form was not made by us for this session, or for an earlier one."""
    return ApiError(
        HTTPStatus.FORBIDDEN,
        "stale-form",
        "This form is out of date; nothing was changed.",
        fix="Go back, reload the page and send it again. Programs send X-Form-Token or an API key.",
    )


def _keep_session_alive(request: Request, gate: Gate, session: Session) -> None:
    # Only what a person opens counts as activity, not what a page fetches by itself.
    by_hand = request.headers.get("sec-fetch-dest", "document") == "document"
    if by_hand and session.needs_renewal(request.app.state.services.clock()):
        carrier = Response()
        gate.renew(session, carrier)
        request.state.fresh_cookie = carrier.headers["set-cookie"]


ApiViewer = Annotated[Principal, Depends(ApiAccess(Role.VIEWER))]
ApiSupervisor = Annotated[Principal, Depends(ApiAccess(Role.SUPERVISOR))]
ApiOwner = Annotated[Principal, Depends(ApiAccess(Role.OWNER))]
PageViewer = Annotated[Principal, Depends(PageAccess(Role.VIEWER))]
PageSupervisor = Annotated[Principal, Depends(PageAccess(Role.SUPERVISOR))]
PageOwner = Annotated[Principal, Depends(PageAccess(Role.OWNER))]
SocketSupervisor = Annotated[Principal, Depends(SocketAccess(Role.SUPERVISOR))]
PageAnybody = Annotated[Principal, Depends(PageAccess(Role.VIEWER, password_may_be_due=True))]
"""For the password page itself, and for signing out."""
