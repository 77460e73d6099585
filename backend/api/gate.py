"""The gate: recognising people by their session and programs by their key."""

from datetime import UTC, datetime

import structlog
from fastapi import Request, Response
from starlette.requests import HTTPConnection

from backend.api import api_keys
from backend.api.attempts import SignInAttempts
from backend.api.errors import NotSignedInError
from backend.api.passwords import Passwords
from backend.api.principal import Principal
from backend.api.services import ApiServices
from backend.api.sessions import LONGEST_S, Session, SessionSigner
from backend.core.errors import StoreError
from backend.db.errors import NotFoundError
from backend.db.queries import accounts
from backend.db.queries.accounts import USED_EVERY, ApiKeyRecord, UserRecord

log = structlog.get_logger(__name__)

BEARER = "bearer "


class Gate:
    """One for the whole app."""

    def __init__(self, services: ApiServices, secret: bytes) -> None:
        self._services = services
        self._secure = services.settings.web_secure_cookies
        self.signer = SessionSigner(secret)
        self.passwords = Passwords()
        self.attempts = SignInAttempts()
        self._ended: dict[str, float] = {}
        """Nonces of sessions signed out of, and when they would have ended anyway."""

    @property
    def cookie_name(self) -> str:
        """`__Host-` keeps other hosts of the domain from planting one; it needs HTTPS."""
        return "__Host-frontdesk" if self._secure else "frontdesk_session"

    async def person(self, request: HTTPConnection) -> tuple[Principal, Session] | None:
        """Who holds the session cookie of this request, if it is good."""
        cookie = request.cookies.get(self.cookie_name)
        session = self.signer.decode(cookie, self._services.clock()) if cookie else None
        if session is None or session.nonce in self._ended:
            return None
        try:
            user = await self._services.database.read(accounts.get_user, session.user_id)
        except NotFoundError:
            return None
        if not user.active or session.credential != self.signer.credential(user.password_hash):
            return None
        token = self.signer.form_token(session.nonce)
        return Principal(user.name, user.role, user.id, token, user.must_change_password), session

    async def program(self, request: Request) -> Principal | None:
        """Who holds the API key of this request; None without one.

        Raises NotSignedInError for a key that is not good: falling back to a cookie would hide it.
        """
        header = request.headers.get("authorization", "")
        if not header:
            return None
        key = header[len(BEARER) :].strip() if header.lower().startswith(BEARER) else ""
        prefix = api_keys.prefix_of(key)
        if prefix is None:
            raise NotSignedInError("The Authorization header holds no API key.")
        record = await self._services.database.read(accounts.find_api_key, prefix)
        if record is None or not api_keys.is_valid(record, key):
            raise NotSignedInError("This API key does not exist or was revoked.")
        await self._note_use(record)
        return Principal(f"key {record.name}", record.role)

    def open_session(self, user: UserRecord, response: Response) -> None:
        """Sign a user in: `response` brings the cookie."""
        session = self.signer.issue(user.id, user.password_hash, self._services.clock())
        self.set_cookie(response, session)

    def renew(self, session: Session, response: Response) -> None:
        """Remember activity in the cookie."""
        self.set_cookie(response, self.signer.renew(session, self._services.clock()))

    def set_cookie(self, response: Response, session: Session) -> None:
        """Write the session into `response`."""
        response.set_cookie(
            self.cookie_name,
            self.signer.encode(session),
            max_age=LONGEST_S,
            path="/",
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )

    def close_session(self, session: Session, response: Response) -> None:
        """Sign out: the cookie is taken back, and is no longer good where it was copied to."""
        now_s = self._services.clock()
        self._ended = {nonce: end_s for nonce, end_s in self._ended.items() if end_s > now_s}
        self._ended[session.nonce] = session.signed_in_at_s + LONGEST_S
        response.delete_cookie(
            self.cookie_name, path="/", httponly=True, samesite="lax", secure=self._secure
        )

    async def _note_use(self, record: ApiKeyRecord) -> None:
        now = datetime.fromtimestamp(self._services.clock(), UTC)
        if record.last_used_at is not None and now - record.last_used_at < USED_EVERY:
            return
        try:
            await self._services.store.write(accounts.note_api_key_use, record.id, now)
        except StoreError as error:
            log.warning("api-key-use-not-noted", reason=error.code)


def gate_of(request: HTTPConnection) -> Gate:
    """The gate of the app that handles this request."""
    gate: Gate = request.app.state.gate
    return gate
