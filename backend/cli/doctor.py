"""`frontdesk doctor`: every part, and what to do about it."""

import asyncio
import sys

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
        parts = await HealthCheck(settings, store, recogniser, voice, lambda: "", library)()
    finally:
        await asyncio.gather(recogniser.aclose(), voice.aclose(), store.aclose())
        database.close()
    well = {PartState.OK, PartState.OFF}
    # Whether the PBX runs, and takes streaming calls, is told by its own findings.
    findings = [
        Finding(part.part, part.state in well, part.detail, part.fix)
        for part in parts
        if part.part not in ("pbx", "streaming")
    ]
    return [*findings, *(Finding("note", True, message) for message in warnings)]
