"""How every part is, for `/health`, the pages and `frontdesk doctor`."""

import shutil
from collections.abc import Callable, Sequence

import httpx

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
OLLAMA_S = 0.5


class HealthCheck:
    """Looks at every part; a call of it takes a second at most."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        recogniser: Recogniser,
        voice: LadderVoice,
        streaming_trouble: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._store = store
        self._recogniser = recogniser
        self._voice = voice
        self._streaming_trouble = streaming_trouble

    async def __call__(self) -> Sequence[PartHealth]:
        """One line a part."""
        return [
            self._database(),
            await self._pbx(),
            self._streaming(),
            self._recognition(),
            self._synthesis(),
            await self._llm(),
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

    async def _llm(self) -> PartHealth:
        model, url = self._settings.ollama_model, self._settings.ollama_url
        if not model:
            return PartHealth("llm", PartState.OFF, "None is set; the knowledge base answers.")
        try:
            async with httpx.AsyncClient(base_url=url, timeout=OLLAMA_S) as client:
                tags = (await client.get("/api/tags")).raise_for_status().json()
            names = {str(entry["name"]) for entry in tags["models"]}
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            detail = f"Ollama does not answer on {url}; calls go on without it."
            return PartHealth("llm", PartState.DEGRADED, detail, "Start it: ollama serve")
        if model not in names and f"{model}:latest" not in names:
            detail = f"Ollama has no model {model}; calls go on without it."
            return PartHealth("llm", PartState.DEGRADED, detail, f"ollama pull {model}")
        return PartHealth("llm", PartState.OK, model)

    def _disk(self) -> PartHealth:
        free_mb = shutil.disk_usage(self._settings.data_dir).free // 2**20
        if free_mb < LITTLE_DISK_MB:
            detail = f"{free_mb} MB are left; recordings will stop."
            return PartHealth("disk", PartState.DEGRADED, detail, "Delete old recordings.")
        return PartHealth("disk", PartState.OK, f"{free_mb / 1024:.0f} GB free")
