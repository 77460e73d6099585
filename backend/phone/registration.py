"""Telling a PBX where an account can be reached (RFC 3261 §10)."""

from backend.core.errors import LineError
from backend.phone.results import NO_ANSWER, DialError, refused
from backend.phone.sip_auth import Credentials, authorization
from backend.phone.sip_dialog import Dialog, new_branch
from backend.phone.sip_endpoint import SipEndpoint
from backend.phone.sip_message import SipResponse
from backend.phone.udp import Address

REGISTER_S = 5.0
"""How long a PBX may take to answer."""


class Registration:
    """One account at one PBX."""

    def __init__(
        self, endpoint: SipEndpoint, dialog: Dialog, peer: Address, credentials: Credentials
    ) -> None:
        self._endpoint = endpoint
        self._dialog = dialog
        self._peer = peer
        self._credentials = credentials

    async def register(self, expires_s: int) -> None:
        """Be reachable for so long; 0 takes it back. Raises DialError, LineError."""
        expires = ("Expires", str(expires_s))
        response = await self._request((expires,))
        if response.status in {401, 407}:
            answer = authorization(response, self._credentials, "REGISTER", self._dialog.target)
            response = await self._request((expires, answer))
        if response.status >= 300:
            raise refused(self._credentials.user, response.status, response.reason)

    async def _request(self, extra: tuple[tuple[str, str], ...]) -> SipResponse:
        branch = new_branch()
        request = self._dialog.request("REGISTER", branch=branch, extra=extra)
        transaction = self._endpoint.begin(request, self._peer, branch=branch)
        try:
            return await self._endpoint.final_response(transaction, REGISTER_S)
        except OSError as error:
            host, port = self._peer
            raise DialError(
                f"Registering {self._credentials.user}: nothing answers SIP at {host}:{port}.",
                status=NO_ANSWER,
                fix="Is the PBX running (`./scripts/up`), and is this its SIP port?",
            ) from error
        finally:
            self._endpoint.retire(transaction)

    async def withdraw(self) -> None:
        """Be unreachable again; a PBX that is gone does not mind."""
        try:
            await self.register(0)
        except LineError:
            return
