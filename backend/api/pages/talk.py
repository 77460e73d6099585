"""Page: talk to the bot from the browser, by voice or by typing."""

from fastapi import APIRouter, Request, Response

from backend.api.access import PageSupervisor
from backend.api.services import services_of
from backend.api.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/talk")
async def talk_page(request: Request, _: PageSupervisor) -> Response:
    """The phone and the chat. Both need JavaScript: there is no voice without it."""
    return page(request, "talk.html", no_phone=_no_phone(request))


def _no_phone(request: Request) -> str:
    """Why a call cannot go through the PBX, in one sentence; empty when it can."""
    phones = services_of(request).bot_parts.phones
    if phones is None:
        return "The PBX is your own, so calls from here do not pass through it."
    return phones.trouble
