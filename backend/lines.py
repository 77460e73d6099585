"""How calls reach the call center: FastAGI for conversations in turns, ARI for streaming ones."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from backend.audio.energy import ENERGY, Energy
from backend.audio.vad import VoiceDetector, choose_detector
from backend.calls.center import CallCenter
from backend.config import Settings
from backend.core.errors import HungUp, LineError
from backend.core.ids import new_call_id
from backend.core.records import CallOutcome
from backend.pbx.render import account_names, run_folder
from backend.pbx.secrets_file import load_secrets
from backend.telephony.agi.line import AgiLine, SharedMedia, TurnSettings
from backend.telephony.agi.server import AgiServer
from backend.telephony.agi.session import AgiSession
from backend.telephony.ari.accounts import PhoneAccounts
from backend.telephony.ari.call import AriCall
from backend.telephony.ari.client import AriAddress, AriClient, AriDialler
from backend.telephony.ari.server import AriServer
from backend.telephony.ari.transfer import attended_transfer, blind_transfer
from backend.telephony.stream.asterisk import AsteriskControl, Transfer
from backend.telephony.stream.line import StreamLine, StreamParts
from backend.telephony.stream.recorder import Recorder
from backend.telephony.stream.ticker import Ticker
from backend.turns.settings import InterruptionSettings, WaitSettings
from backend.turns.settings import TurnSettings as TurnTakingSettings
from backend.turns.taker import FloorKeeper

log = structlog.get_logger(__name__)

Warn = Callable[[str, str], None]


class AgiCalls:
    """Calls that come over FastAGI."""

    def __init__(self, settings: Settings, center: CallCenter) -> None:
        self._settings = settings
        self._center = center
        self._server = AgiServer(self._take, settings.agi_allowed)

    async def start(self) -> None:
        """Take calls. Raises LineError when the port is in use."""
        await self._server.start(self._settings.agi_host, self._settings.agi_port)

    def stop_listening(self) -> None:
        """Take no new calls; those in progress go on."""
        self._server.stop_listening()

    async def aclose(self) -> None:
        """End what is left."""
        await self._server.aclose()

    async def _take(self, session: AgiSession) -> None:
        """One call of the PBX. Left without FRONTDESK_DONE, the dialplan looks after it."""
        if self._center.is_full:
            with suppress(HungUp):
                await session.set_variable("FRONTDESK_BUSY", "1")
            return
        settings = self._settings
        line = AgiLine(
            session,
            new_call_id(datetime.now(UTC)),
            SharedMedia(settings.media_dir.absolute(), settings.agi_media_dir_on_pbx),
            TurnSettings(
                answer_wait_s=settings.answer_wait_s,
                max_utterance_s=settings.max_utterance_s,
                end_silence_s=settings.end_silence_s,
                number_silence_s=settings.number_silence_s,
            ),
        )
        _note_failure(await self._center.take(line), line.info.call_id)


class StreamCalls:
    """Calls that come over ARI with their audio on a websocket."""

    def __init__(self, settings: Settings, center: CallCenter, warn: Warn) -> None:
        self._settings = settings
        self._center = center
        self._transfer = manner_of_transfer(settings)
        self._warn = warn
        self._stack = AsyncExitStack()
        self._server: AriServer | None = None
        self._client: AriClient | None = None
        self.parts: StreamParts
        """What other streaming lines may share. Only after `start`."""
        self.phones: PhoneAccounts | None = None
        """Accounts for browser phones; None where the PBX is not ours."""

    @property
    def trouble(self) -> str:
        """Why streaming calls cannot come, in one sentence; empty when they can."""
        return self._client.trouble if self._client is not None else "Not started."

    async def start(self) -> None:
        """Take calls as soon as Asterisk is there; does not wait for it. Raises FrontdeskError."""
        settings = self._settings
        detector, problem = await asyncio.to_thread(voice_detector, settings)
        if problem:
            self._warn("engine", problem)
        ticker = Ticker(detector)
        self._stack.push_async_callback(ticker.aclose)
        recorder = Recorder(settings.media_dir / "recordings")
        recorder.start()
        self._stack.push_async_callback(recorder.aclose)
        taking = turn_taking(settings)
        self.parts = StreamParts(ticker, recorder, lambda: FloorKeeper(taking))
        self._client = await asyncio.to_thread(_client, settings)
        self._server = AriServer(self._client, self._take)
        await self._server.start()
        self._stack.push_async_callback(self._server.aclose)
        if settings.pbx == "own":
            self.phones = PhoneAccounts(self._client)
            self._stack.push_async_callback(self.phones.aclose)

    async def wait_ready(self, within_s: float) -> None:
        """Until Asterisk sends us calls; a warning when it takes longer than that."""
        if self._client is None:
            return
        try:
            await self._client.wait_up(within_s)
        except LineError as error:
            self._warn(error.code, str(error))

    def stop_listening(self) -> None:
        """Take no new calls; those in progress go on."""
        if self._server is not None:
            self._server.stop_listening()

    async def aclose(self) -> None:
        """End what is left."""
        await self._stack.aclose()

    async def _take(self, call: AriCall) -> None:
        """One caller. Who is still there when we return goes to the dialplan's fallback."""
        if self._center.is_full:
            await call.to_fallback(busy=True)
            return
        control = AsteriskControl(call, new_call_id(datetime.now(UTC)), self._transfer)
        line = StreamLine(control, self.parts)
        try:
            _note_failure(await self._center.take(line), control.info.call_id)
        finally:
            await line.close()
            await control.close()


def manner_of_transfer(settings: Settings) -> Transfer:
    """How callers on the streaming line are put through."""
    if settings.transfer == "blind":
        return blind_transfer
    return partial(attended_transfer, ring_s=settings.transfer_ring_s)


def voice_detector(settings: Settings) -> tuple[VoiceDetector, str]:
    """The detector, and a sentence when it is not the one intended. Loads a model."""
    loudness = replace(
        ENERGY,
        minimum_dbfs=settings.energy_minimum_dbfs,
        baseline_factor=settings.energy_baseline_factor,
        debounce_s=settings.energy_debounce_s,
    )
    if settings.voice_detector == "energy":
        return Energy(loudness), ""
    return choose_detector(fallback=Energy(loudness))


def turn_taking(settings: Settings) -> TurnTakingSettings:
    """The settings of turn-taking that operators may change, among those they may not."""
    return TurnTakingSettings(
        waits=WaitSettings(
            complete_wait_s=settings.complete_wait_s,
            unknown_wait_s=settings.unknown_wait_s,
            unfinished_wait_s=settings.unfinished_wait_s,
            number_wait_s=settings.unfinished_wait_s,
        ),
        interruption=InterruptionSettings(barge_in_voiced_s=settings.barge_in_voiced_s),
        answer_wait_s=settings.answer_wait_s,
        max_utterance_s=settings.max_utterance_s,
        start_voiced_s=settings.minimum_speech_s,
    )


def _client(settings: Settings) -> AriClient:
    password = settings.ari_password
    if settings.pbx == "own":
        password = load_secrets(run_folder(settings), account_names(settings)).ari
    address = AriAddress(
        settings.ari_host, settings.ari_port, settings.ari_user, password, settings.bot_app
    )
    if settings.ari_connection == "from-pbx":
        from backend.telephony.ari.listener import AriListener

        return AriListener(
            address, settings.ari_listen_host, settings.ari_listen_port, settings.ari_allowed
        )
    return AriDialler(address)


def _note_failure(outcome: CallOutcome, call_id: str) -> None:
    if outcome is CallOutcome.FAILED:
        log.error("call-left-to-fallback", call_id=call_id)
