"""The API's side of the browser phone."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from backend.api.access import ApiSupervisor
from backend.api.errors import ApiError
from backend.api.services import services_of
from backend.core.errors import LineError
from backend.pbx.render import STREAM_EXTENSION
from backend.telephony.ari.accounts import UNUSED_S

router = APIRouter(prefix="/api/talk", tags=["talk"])

DOMAIN = "frontdesk.invalid"
"""Only a name in SIP addresses; nothing is looked up or sent there (RFC 2606)."""


class PhoneLogin(BaseModel):
    """What a browser registers with, once."""

    account: str
    password: str
    domain: str
    extension: str = Field(description="What to dial for the bot.")
    socket: str = Field(description="Path of the websocket that SIP is spoken over.")
    unused_s: float = Field(description="It is gone when nobody has connected within this time.")


@router.post("/phone")
async def make_phone(request: Request, who: ApiSupervisor) -> PhoneLogin:
    """A telephone account for one call, made for whoever asks and gone with the connection."""
    phones = services_of(request).bot_parts.phones
    if phones is None:
        raise ApiError(
            HTTPStatus.CONFLICT,
            "no-pbx",
            "WebRTC needs Frontdesk's own PBX; this one is yours.",
            fix="The page speaks over its own connection instead.",
        )
    try:
        account = await phones.make(who.name)
    except LineError as error:
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE, error.code, error.message, fix=error.fix
        ) from error
    return PhoneLogin(
        account=account.name,
        password=account.password,
        domain=DOMAIN,
        extension=STREAM_EXTENSION,
        socket=f"/talk/sip/{account.name}",
        unused_s=UNUSED_S,
    )
