"""Page: settings that belong to whoever is looking, and how the parts are."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from backend.api.access import PageAnybody, PageViewer
from backend.api.forms import Form
from backend.api.health import health_of
from backend.api.services import services_of
from backend.api.templating import THEME_COOKIE, THEMES, page

router = APIRouter(prefix="/settings", include_in_schema=False)

A_YEAR_S = 365 * 24 * 3600


@router.get("")
async def show_settings(request: Request, _: PageViewer) -> Response:
    """What belongs to whoever is looking, and how the parts are."""
    return page(request, "settings.html", health=await health_of(request))


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
