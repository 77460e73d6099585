"""Rendering pages: the Jinja environment, what every page gets, and how values are written."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.api.static_files import StaticFiles
from backend.config import ROOT

TEMPLATES = ROOT / "dashboard" / "templates"
STATIC = ROOT / "dashboard" / "static"

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "frontdesk_theme"

TONES = {
    "completed": "ok",
    "resolved": "ok",
    "ok": "ok",
    "transferred": "info",
    "in_progress": "info",
    "open": "warn",
    "high": "warn",
    "degraded": "warn",
    "time_up": "warn",
    "no_response": "warn",
    "operator_hung_up": "info",
    "interrupted": "bad",
    "failed": "bad",
    "urgent": "bad",
    "down": "bad",
}
"""Colour of a word in a badge; words that are not here are neutral."""

ABBREVIATIONS = {"ok", "pbx", "llm", "faq"}
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥"}


def make_environment(zone: tzinfo, static: StaticFiles) -> Environment:
    """Templates in which everything is escaped, a misspelt name is an error, and times are those
    of `zone`."""

    def when(moment: datetime | None) -> str:
        return f"{moment.astimezone(zone):%-d %b %Y, %H:%M}" if moment else "–"

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static.url
    environment.globals["has_static"] = static.has
    environment.globals["tone"] = tone
    environment.filters.update(
        day=day, duration=duration, label=label, money=money, ms=ms, percent=percent, when=when
    )
    for name in environment.list_templates():
        environment.get_template(name)  # compiled now rather than while a call is talking
    return environment


def page(
    request: Request,
    template: str,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Render a page for whoever is asking (`request.state.who`, None for strangers)."""
    environment: Environment = request.app.state.templates
    theme = request.cookies.get(THEME_COOKIE, "auto")
    html = environment.get_template(template).render(
        who=getattr(request.state, "who", None),
        path=request.url.path,
        theme=theme if theme in THEMES else "auto",
        **context,
    )
    return HTMLResponse(html, status_code=status, headers=dict(headers or {}))


def render(app: FastAPI, template: str, **context: Any) -> str:
    """A piece of a page, the same for everybody."""
    environment: Environment = app.state.templates
    return environment.get_template(template).render(context)


def tone(value: object) -> str:
    """Style class for a status word."""
    return TONES.get(str(value), "")


def label(value: object) -> str:
    """`in_progress` → “In progress”, `faq/opening-hours` → “FAQ: opening hours”; empty stays."""
    text = str(value.value if isinstance(value, Enum) else value).replace("_", " ").strip()
    head, _, rest = text.partition("/")
    if rest:
        return f"{label(head)}: {rest.replace('-', ' ')}"
    return text.upper() if text in ABBREVIATIONS else text[:1].upper() + text[1:]


def day(value: date | None) -> str:
    """A calendar day."""
    return f"{value:%-d %b %Y}" if value else "–"


def duration(seconds: float | None) -> str:
    """Minutes and seconds, `3:07`; hours when there are any."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ms(seconds: float | None) -> str:
    """A latency: milliseconds under a second, else seconds."""
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


def percent(fraction: float | None) -> str:
    """`0.873` → “87%”."""
    return "–" if fraction is None else f"{fraction:.0%}"


def money(amount: Decimal, currency: str) -> str:
    """An amount the way its currency is usually written."""
    symbol = SYMBOLS.get(currency)
    sign = "−" if amount < 0 else ""
    return f"{sign}{symbol}{abs(amount):,.2f}" if symbol else f"{sign}{abs(amount):,.2f} {currency}"
