"""`frontdesk doctor`: every part, and what to do about it."""

import asyncio
import socket
import sys

import httpx
import typer

from backend.agent.knowledge.load import load_knowledge
from backend.agent.retrieval.setup import open_library
from backend.api.services import PartState
from backend.asr.choose import choose_recogniser
from backend.config import Settings
from backend.core.errors import FrontdeskError
from backend.db.database import Database
from backend.db.store import Store
from backend.health import HealthCheck
from backend.parts.finder import find, part_findings
from backend.parts.program import Finding
from backend.pbx.check import pbx_findings
from backend.tts.choose import choose_voice

NOT_NEEDED = ("chromium", "postgresql")
"""Parts that only the tests use."""


async def run_doctor(settings: Settings) -> None:
    """Print one line a part; exit status 1 when a part that calls need is not well."""
    findings = [
        Finding("Python", True, sys.version.split()[0]),
        _knowledge(settings),
        *(await pbx_findings(settings)),
        await dashboard_finding(settings),
        *(found for found in part_findings(settings.data_dir) if found.part not in NOT_NEEDED),
        *(await _running_parts(settings)),
    ]
    for finding in findings:
        typer.echo(f"{'✓' if finding.ok else '✗'} {finding.part:<16}{finding.detail}")
        if finding.fix and not finding.ok:
            typer.echo(f"{'':<18}→ {finding.fix}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _knowledge(settings: Settings) -> Finding:
    try:
        knowledge = load_knowledge(settings.kb_path)
    except FrontdeskError as error:
        return Finding("knowledge base", False, error.message, error.fix)
    return Finding("knowledge base", True, f"{knowledge.company.name}, {settings.kb_path.name}")


async def dashboard_finding(settings: Settings) -> Finding:
    """Whether its port can be had, or is ours already."""
    host, port = settings.web_host, settings.web_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            return Finding("dashboard", True, f"{host}:{port} is free; Frontdesk is not running")
    try:
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            health = (await client.get(f"http://{host}:{port}/health")).json()
        if "status" in health:
            return Finding("dashboard", True, f"http://{host}:{port} answers")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError):
        pass
    return Finding(
        "dashboard",
        False,
        f"{host}:{port} cannot be had: {reason}",
        "End what uses it, or set FRONTDESK_WEB_PORT to another one.",
    )


async def _running_parts(settings: Settings) -> list[Finding]:
    """Engines and database, tried for real."""
    warnings: list[str] = []

    def warn(_code: str, message: str) -> None:
        warnings.append(message)

    await asyncio.to_thread(settings.data_dir.mkdir, parents=True, exist_ok=True)
    database = Database(settings.db_url)
    store = await Store.open(database, settings.data_dir, warn=warn)
    recogniser = choose_recogniser(settings, warn)
    voice = choose_voice(settings, lambda name: find(name, settings.data_dir), warn)
    library = open_library(settings, warn)
    try:
        await asyncio.gather(recogniser.start(), voice.start(), library.read())
        parts = await HealthCheck(
            settings, store, recogniser, voice, lambda: "", lambda: "", library
        )()
    finally:
        await asyncio.gather(recogniser.aclose(), voice.aclose(), store.aclose())
        database.close()
    well = {PartState.OK, PartState.OFF}
    # The PBX, streaming calls and the knowledge base have findings of their own.
    findings = [
        Finding(part.part, part.state in well, part.detail, part.fix)
        for part in parts
        if part.part not in ("pbx", "streaming", "knowledge base")
    ]
    return [*findings, *(Finding("note", True, message) for message in warnings)]
