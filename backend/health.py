"""How every part is, for `/health`, the pages and `frontdesk doctor`."""

import shutil
from collections.abc import Callable, Sequence

import httpx

from backend.agent.retrieval.library import Library
from backend.api.services import PartHealth, PartState
from backend.asr.base import Recogniser
from backend.asr.deaf import DEAF
from backend.config import Settings
from backend.db.store import Store
from backend.pbx import probe
from backend.tts.voice import LadderVoice

LITTLE_DISK_MB = 500
"""A few hundred calls' recordings: time to act, not yet trouble."""
PBX_S = 0.5
LLM_S = 0.5


class HealthCheck:
    """Looks at every part; a call of it takes a second at most."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        recogniser: Recogniser,
        voice: LadderVoice,
        streaming_trouble: Callable[[], str],
        knowledge_trouble: Callable[[], str],
        library: Library,
    ) -> None:
        self._settings = settings
        self._store = store
        self._recogniser = recogniser
        self._voice = voice
        self._streaming_trouble = streaming_trouble
        self._knowledge_trouble = knowledge_trouble
        self._library = library

    async def __call__(self) -> Sequence[PartHealth]:
        """One line a part."""
        return [
            self._database(),
            await self._pbx(),
            self._streaming(),
            self._recognition(),
            self._synthesis(),
            await llm_health(self._settings),
            self._knowledge(),
            self._documents(),
            self._disk(),
        ]

    def _database(self) -> PartHealth:
        health = self._store.health
        if not health.is_up:
            detail = f"{health.message} Records wait on the disk."
            return PartHealth("database", PartState.DOWN, detail)
        if health.is_waiting:
            return PartHealth("database", PartState.DEGRADED, "Storing records that had to wait.")
        return PartHealth("database", PartState.OK, "Records are stored as they come.")

    async def _pbx(self) -> PartHealth:
        if self._settings.pbx == "external":
            return PartHealth("pbx", PartState.OFF, "Your own PBX; it calls us.")
        where = f"SIP {self._settings.sip_host}:{self._settings.sip_port}"
        if await probe.answers(self._settings, PBX_S):
            return PartHealth("pbx", PartState.OK, f"Asterisk answers on {where}.")
        return PartHealth(
            "pbx", PartState.DOWN, f"Nothing answers on {where}.", "Is `frontdesk up` running?"
        )

    def _streaming(self) -> PartHealth:
        trouble = self._streaming_trouble()
        if not trouble:
            return PartHealth("streaming", PartState.OK, "Streaming calls are taken over ARI.")
        if self._settings.pbx == "external" and not self._settings.ari_password:
            return PartHealth("streaming", PartState.OFF, "No ARI password: calls in turns only.")
        return PartHealth("streaming", PartState.DOWN, trouble, "Calls in turns are still taken.")

    def _recognition(self) -> PartHealth:
        name = self._recogniser.name
        if name == DEAF:
            detail = "Callers are offered the keypad: no recogniser works."
            return PartHealth("recogniser", PartState.DEGRADED, detail, "frontdesk doctor")
        return PartHealth("recogniser", PartState.OK, name)

    def _synthesis(self) -> PartHealth:
        engines = self._voice.engines()
        broken = [engine for engine in engines if engine.trouble]
        if len(broken) == len(engines):
            detail = "; ".join(engine.trouble for engine in broken) or "No voice is installed."
            return PartHealth("synthesiser", PartState.DOWN, detail, "frontdesk doctor")
        if broken:
            return PartHealth("synthesiser", PartState.DEGRADED, broken[0].trouble)
        return PartHealth("synthesiser", PartState.OK, self._voice.name)

    def _knowledge(self) -> PartHealth:
        if trouble := self._knowledge_trouble():
            return PartHealth(
                "knowledge base", PartState.DEGRADED, trouble, "Correct it on the page Knowledge."
            )
        return PartHealth("knowledge base", PartState.OK, self._settings.kb_path.name)

    def _documents(self) -> PartHealth:
        read = [document for document in self._library.documents if document.facts]
        passages = sum(len(document.facts) for document in read)
        detail = (
            f"{len(read)} documents with {passages} passages, found by {self._library.found_by}."
        )
        if complaints := self._library.complaints:
            return PartHealth("documents", PartState.DEGRADED, f"{detail} {' '.join(complaints)}")
        if not read:
            where = self._settings.documents_path
            return PartHealth("documents", PartState.OFF, f"There are none in {where}.")
        return PartHealth("documents", PartState.OK, detail)

    def _disk(self) -> PartHealth:
        free_mb = shutil.disk_usage(self._settings.data_dir).free // 2**20
        if free_mb < LITTLE_DISK_MB:
            detail = f"{free_mb} MB are left; recordings will stop."
            return PartHealth("disk", PartState.DEGRADED, detail, "Delete old recordings.")
        return PartHealth("disk", PartState.OK, f"{free_mb / 1024:.0f} GB free")


async def llm_health(settings: Settings) -> PartHealth:
    """Whether the language model that is set can be asked."""
    if settings.openai_model:
        return await _openai(settings)
    if settings.ollama_model:
        return await _ollama(settings)
    return PartHealth("llm", PartState.OFF, "None is set; the knowledge base answers.")


async def _openai(settings: Settings) -> PartHealth:
    model, url = settings.openai_model, settings.openai_url.rstrip("/")
    key = settings.openai_key
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=LLM_S, trust_env=False) as client:
            response = await client.get(f"{url}/models", headers=headers)
        listed = response.raise_for_status().json()
        names = {str(entry["id"]) for entry in listed["data"]}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        detail = f"The LLM server does not list its models on {url}; calls go on without it."
        fix = "Start it, or check FRONTDESK_OPENAI_URL and FRONTDESK_OPENAI_KEY."
        return PartHealth("llm", PartState.DEGRADED, detail, fix)
    if model not in names:
        detail = f"The LLM server on {url} does not list a model {model}."
        known = ", ".join(sorted(names)[:5]) or "none"
        fix = f"Set FRONTDESK_OPENAI_MODEL to one it has: {known}."
        return PartHealth("llm", PartState.DEGRADED, detail, fix)
    return PartHealth("llm", PartState.OK, model)


async def _ollama(settings: Settings) -> PartHealth:
    model, url = settings.ollama_model, settings.ollama_url
    try:
        async with httpx.AsyncClient(base_url=url, timeout=LLM_S, trust_env=False) as client:
            tags = (await client.get("/api/tags")).raise_for_status().json()
        names = {str(entry["name"]) for entry in tags["models"]}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        detail = f"Ollama does not answer on {url}; calls go on without it."
        return PartHealth("llm", PartState.DEGRADED, detail, "Start it: ollama serve")
    if model not in names and f"{model}:latest" not in names:
        detail = f"Ollama has no model {model}; calls go on without it."
        fix = f"Fetch it: frontdesk models fetch ollama:{model}"
        return PartHealth("llm", PartState.DEGRADED, detail, fix)
    return PartHealth("llm", PartState.OK, model)
