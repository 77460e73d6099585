"""Sessions of signed-in people: a signed cookie, and the form tokens that belong to it."""

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass, replace

from itsdangerous import BadData, URLSafeSerializer

IDLE_S = 12 * 3600
"""A session nobody uses ends after a working day."""
LONGEST_S = 7 * 24 * 3600
"""However busy it is, a week later the password is asked for again."""
RENEW_AFTER_S = 15 * 60
"""How often activity is written back into the cookie."""


@dataclass(frozen=True, slots=True)
class Session:
    """One person signed in at one browser. Times are seconds since the epoch."""

    user_id: int
    nonce: str
    """Random; form tokens are derived from it."""
    credential: str
    """Changes with the user's password: see `SessionSigner.credential`."""
    signed_in_at_s: int
    seen_at_s: int

    def needs_renewal(self, now_s: float) -> bool:
        """Whether the cookie should be written again with a fresh `seen_at_s`."""
        return now_s - self.seen_at_s >= RENEW_AFTER_S


class SessionSigner:
    """Issues and reads session cookies and form tokens with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._cookies = URLSafeSerializer(
            secret, salt="frontdesk.session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._secret = secret

    def issue(self, user_id: int, password_hash: str, now_s: float) -> Session:
        """A fresh session for somebody who has just proved who they are."""
        return Session(
            user_id=user_id,
            nonce=secrets.token_urlsafe(16),
            credential=self.credential(password_hash),
            signed_in_at_s=int(now_s),
            seen_at_s=int(now_s),
        )

    def credential(self, password_hash: str) -> str:
        """What ties a session to a password: a new password ends every session made before."""
        return self._mac("credential", password_hash)[:32]

    def encode(self, session: Session) -> str:
        """The cookie's value."""
        return str(self._cookies.dumps(asdict(session)))

    def decode(self, cookie: str, now_s: float) -> Session | None:
        """The session in a cookie; None when it is forged, damaged or too old."""
        try:
            session = Session(**self._cookies.loads(cookie))
        except (BadData, TypeError):
            return None
        idle_s, age_s = now_s - session.seen_at_s, now_s - session.signed_in_at_s
        return session if idle_s < IDLE_S and age_s < LONGEST_S else None

    def renew(self, session: Session, now_s: float) -> Session:
        """The same session, seen now."""
        return replace(session, seen_at_s=int(now_s))

    def form_token(self, nonce: str) -> str:
        """The token every form of the session with this nonce carries."""
        return self._mac("form", nonce)

    def form_token_fits(self, nonce: str, token: str) -> bool:
        """Whether a form sent with this nonce was made by us for it."""
        return hmac.compare_digest(
            self.form_token(nonce).encode(), token.encode("utf-8", "replace")
        )

    def _mac(self, purpose: str, text: str) -> str:
        return hmac.new(self._secret, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
