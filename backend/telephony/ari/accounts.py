"""Short-lived SIP accounts for browser phones, put into Asterisk's memory through ARI.

Making one took 3 ms and removing it 1 ms (Asterisk 22.10); nothing is written and nothing reloaded.
`asterisk/sorcery.conf` has Asterisk look there.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from backend.core.errors import LineError
from backend.pbx.render import IN_CONTEXT
from backend.telephony.ari.client import AriClient
from backend.telephony.ari.errors import AriError

log = structlog.get_logger(__name__)

UNUSED_S = 60.0
"""An account nobody has connected with by then is removed."""
MOST = 100
"""Accounts at once; more than ever talk."""
_OPUS = "codec_opus_open_source.so"
_KINDS = ("endpoint", "aor", "auth")
"""In the order in which they can be removed: what refers to another goes first."""
NOT_FOUND = 404
_NOT_KEPT = r"[^A-Za-z0-9]"
"""Asterisk takes dashes and the like out of a caller's number."""


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """What a browser registers with."""

    name: str
    """Also the number its calls come from."""
    password: str
    owner: str
    """Who it was made for."""


class PhoneAccounts:
    """All accounts this bot has made. Names begin with the bot's own, so that bots that share an
    Asterisk leave each other's alone."""

    def __init__(self, client: AriClient) -> None:
        self._client = client
        self._prefix = f"browser_{re.sub(_NOT_KEPT, '', client.address.app)}_"
        self._accounts: dict[str, PhoneAccount] = {}
        self._unused: dict[str, asyncio.TimerHandle] = {}
        self._removing: set[asyncio.Task[None]] = set()
        self._codecs = ""
        self._making = asyncio.Lock()

    @property
    def trouble(self) -> str:
        """Why there can be no account now, in one sentence; empty when there can."""
        return self._client.trouble

    async def make(self, owner: str) -> PhoneAccount:
        """A new account; it goes after `UNUSED_S` unless it is used. Raises LineError."""
        async with self._making:
            return await self._make(owner)

    async def _make(self, owner: str) -> PhoneAccount:
        if len(self._accounts) >= MOST:
            raise LineError("Too many browser phones are in use.", fix="Try again in a minute.")
        if not self._codecs:
            await self._prepare()
        name = self._prefix + secrets.token_hex(4)
        account = PhoneAccount(name, secrets.token_urlsafe(24), owner)
        try:
            await self._put("auth", name, _auth(account))
            await self._put("aor", name, _AOR)
            await self._put("endpoint", name, self._endpoint(name))
        except AriError:
            await self._delete(name)
            raise
        self._accounts[name] = account
        loop = asyncio.get_running_loop()
        self._unused[name] = loop.call_later(UNUSED_S, self._give_up, name)
        log.info("phone-account-made", account=name)
        return account

    def belongs(self, name: str, owner: str) -> bool:
        """Whether this is an account of theirs."""
        account = self._accounts.get(name)
        return account is not None and account.owner == owner

    def use(self, name: str, owner: str) -> None:
        """Its owner connects with it: it stays until `remove`. Raises LineError for strangers, and
        the second time."""
        if not self.belongs(name, owner):
            raise LineError("This telephone account is not there any more.", fix="Call again.")
        if (waiting := self._unused.pop(name, None)) is None:
            raise LineError("This telephone account is in use already.", fix="Call again.")
        waiting.cancel()

    async def remove(self, name: str) -> None:
        """Its call ends, and nobody can register with it. Never raises: Asterisk may be gone."""
        if handle := self._unused.pop(name, None):
            handle.cancel()
        if self._accounts.pop(name, None) is not None:
            await self._hang_up(name)
            await self._delete(name)
            log.info("phone-account-removed", account=name)

    async def aclose(self) -> None:
        """Remove what is left."""
        await asyncio.gather(*(self.remove(name) for name in tuple(self._accounts)))
        await asyncio.gather(*self._removing)

    async def _prepare(self) -> None:
        """Once: what a bot that was killed has left goes, and the codecs are asked for."""
        left = await self._client.request("GET", "endpoints/PJSIP")
        for one in left:
            name = str(one.get("resource", ""))
            if name.startswith(self._prefix):
                await self._delete(name)
        try:
            opus = await self._client.request("GET", f"asterisk/modules/{_OPUS}")
        except AriError as error:
            if error.status != NOT_FOUND:
                raise
            opus = {}
        # Opus first: over Wi-Fi it conceals what is lost.
        self._codecs = "opus,ulaw" if opus.get("status") == "Running" else "ulaw"

    async def _hang_up(self, name: str) -> None:
        """A browser that was closed says no goodbye; Asterisk would wait for its audio."""
        try:
            endpoint = await self._client.request("GET", f"endpoints/PJSIP/{name}")
            calls = [f"channels/{channel_id}" for channel_id in endpoint.get("channel_ids", ())]
        except AriError as error:
            self._not_done("phone-call-not-ended", name, error)
            return
        await self._delete_each(calls, "phone-call-not-ended", name)

    def _endpoint(self, name: str) -> dict[str, str]:
        return {
            "transport": "transport-browser",
            "webrtc": "yes",
            "context": IN_CONTEXT,
            "disallow": "all",
            "allow": self._codecs,
            "dtmf_mode": "rfc4733",
            "identify_by": "username",
            "auth": name,
            "aors": name,
            "callerid": f"Browser <{name}>",
            "rtp_timeout": "30",
            "allow_transfer": "no",
            "allow_subscribe": "no",
        }

    async def _put(self, kind: str, name: str, values: Mapping[str, str]) -> None:
        fields = [{"attribute": key, "value": value} for key, value in values.items()]
        await self._client.request("PUT", _path(kind, name), body={"fields": fields})

    async def _delete(self, name: str) -> None:
        parts = [_path(kind, name) for kind in _KINDS]
        await self._delete_each(parts, "phone-account-not-removed", name)

    async def _delete_each(self, paths: Sequence[str], trouble: str, name: str) -> None:
        """Each of them, though another may be gone already."""
        for path in paths:
            try:
                await self._client.request("DELETE", path)
            except AriError as error:
                self._not_done(trouble, name, error)

    @staticmethod
    def _not_done(trouble: str, name: str, error: AriError) -> None:
        if error.status != NOT_FOUND:
            log.warning(trouble, account=name, code=error.code)

    def _give_up(self, name: str) -> None:
        task = asyncio.create_task(self.remove(name), name="phone account expires")
        self._removing.add(task)
        task.add_done_callback(self._removing.discard)


_AOR = {"max_contacts": "1", "remove_existing": "yes", "maximum_expiration": "120"}


def _auth(account: PhoneAccount) -> dict[str, str]:
    return {"auth_type": "digest", "username": account.name, "password": account.password}


def _path(kind: str, name: str) -> str:
    return f"asterisk/config/dynamic/res_pjsip/{kind}/{name}"
