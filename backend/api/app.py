"""Putting the API and the pages together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from backend.api.audit import Noticed
from backend.api.errors import ErrorAnswer, add_error_handlers
from backend.api.gate import Gate
from backend.api.guard import Guard
from backend.api.health import Health
from backend.api.live_feed import LiveFeed
from backend.api.metrics import Metrics
from backend.api.pages import analytics as analytics_pages
from backend.api.pages import audit as audit_pages
from backend.api.pages import calls as call_pages
from backend.api.pages import configuration as configuration_pages
from backend.api.pages import customers as customer_pages
from backend.api.pages import knowledge as knowledge_pages
from backend.api.pages import knowledge_file, now, reference, replay, settings, signing_in
from backend.api.pages import people as people_pages
from backend.api.pages import talk as talk_pages
from backend.api.pages import tickets as ticket_pages
from backend.api.pages.now import keep_status_fresh
from backend.api.routes import (
    analytics,
    calls,
    customers,
    knowledge,
    latency,
    live,
    monitoring,
    people,
    talk,
    tickets,
    voices,
)
from backend.api.secret_file import load_or_create_secret
from backend.api.services import ApiServices
from backend.api.sockets import sip, talking
from backend.api.static_files import StaticFiles
from backend.api.templating import STATIC, make_environment
from backend.api.trying import Trials

DESCRIPTION = (
    "Calls, customers, tickets and numbers of this Frontdesk, as JSON. Send an API key "
    "(“Authorization: Bearer …”, made under Settings); a viewer's key reads, a supervisor's also "
    "changes. Errors are {“error”: {“code”, “message”, “fix”}}."
)
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer}
    for status in (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
}

_start = APIRouter(include_in_schema=False)


def create_app(services: ApiServices) -> FastAPI:
    """The application, ready for uvicorn in the bot's event loop.

    Reads or creates the secret that signs sessions; raises ConfigError when that cannot be kept.
    Takes a fifth of a second: with calls in progress, run it on a thread.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        status = asyncio.create_task(keep_status_fresh(app), name="status")
        yield
        status.cancel()
        await asyncio.gather(status, return_exceptions=True)
        app.state.metrics.close()

    app = FastAPI(
        title="Frontdesk",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    secret = load_or_create_secret(services.settings.data_dir / "secrets" / "session.key")
    app.state.services = services
    app.state.gate = Gate(services, secret)
    app.state.noticed = Noticed()
    app.state.trials = Trials()
    app.state.health = Health(services)
    app.state.metrics = Metrics(services.events, services.live)
    app.state.feed = LiveFeed(services.events)
    static = StaticFiles(STATIC)
    app.state.templates = make_environment(services.zone, static)
    add_error_handlers(app)
    _add_routes(app)
    app.mount("/static", static.app)
    app.add_middleware(Guard, allowed_names=services.settings.web_hosts)
    return app


def _add_routes(app: FastAPI) -> None:
    for module in (
        live,
        calls,
        latency,
        customers,
        tickets,
        analytics,
        people,
        monitoring,
        talk,
        knowledge,
        voices,
    ):
        app.include_router(module.router, responses=_ERRORS)
    app.include_router(_start)
    for pages in (
        signing_in,
        now,
        call_pages,
        replay,
        customer_pages,
        ticket_pages,
        analytics_pages,
        settings,
        configuration_pages,
        people_pages,
        audit_pages,
        reference,
        talk_pages,
        knowledge_pages,
        knowledge_file,
        talking,
        sip,
    ):
        app.include_router(pages.router)


@_start.get("/")
async def start_page(_: Request) -> Response:
    """What is going on is what everybody wants to see first."""
    return RedirectResponse("/now", HTTPStatus.SEE_OTHER)
