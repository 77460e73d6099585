"""Looking after the callers of a bot that died."""

import structlog

from backend.config import Settings
from backend.core.errors import PbxError
from backend.pbx.ami import Ami, Message, ami
from backend.pbx.render import (
    BLIND_CONTEXT,
    BOT_CONTEXT,
    FALLBACK_CONTEXT,
    PERSON_CONTEXT,
    STREAM_CONTEXT,
)
from backend.pbx.secrets_file import PbxSecrets

log = structlog.get_logger(__name__)


async def rescue_calls(settings: Settings, secrets: PbxSecrets) -> int:
    """Send every call that is with the bot to the fallback, in the middle of whatever it is doing.

    By itself Asterisk notices a dead bot only when its prompt has been played or its recording
    has ended, and in a streaming call never. Callers who are talking or being put through to a
    person by the dialplan stay where they are; a person whom the bot was still ringing is let go.
    Returns how many were sent. Raises PbxError when Asterisk cannot be asked.
    """
    async with ami(settings.ami_port, secrets.ami) as client:
        channels = await client.listing("CoreShowChannels")
        talking = {
            channel.get("bridgeid")
            for channel in channels
            if channel.get("context") == PERSON_CONTEXT and _is_in_stasis(channel, settings.bot_app)
        } - {None, ""}
        rescued = 0
        for channel in channels:
            if channel.get("bridgeid") in talking:
                continue
            if _is_in_turns(channel) or _is_streaming(channel, settings.bot_app):
                rescued += await _try(client, channel, "Redirect", **_FALLBACK)
            elif _is_being_rung(channel, settings.bot_app):
                await _try(client, channel, "Hangup")
        return rescued


_FALLBACK = {"Context": FALLBACK_CONTEXT, "Exten": "s", "Priority": "1"}


def _is_in_turns(channel: Message) -> bool:
    return channel.get("context") == BOT_CONTEXT and not channel.get("bridgeid")


def _is_streaming(channel: Message, app: str) -> bool:
    """Bridged with our media channel, or about to be; not those that other bots serve."""
    ours = channel.get("context") in (STREAM_CONTEXT, BLIND_CONTEXT)
    return ours and _is_in_stasis(channel, app)


def _is_being_rung(channel: Message, app: str) -> bool:
    ours = channel.get("uniqueid", "").startswith(f"{app}~")
    return ours and channel.get("context") == PERSON_CONTEXT and not channel.get("bridgeid")


def _is_in_stasis(channel: Message, app: str) -> bool:
    application = channel.get("applicationdata", "").partition(",")[0]
    return channel.get("application") == "Stasis" and application == app


async def _try(client: Ami, channel: Message, action: str, **headers: str) -> bool:
    try:
        await client.action(action, Channel=channel["channel"], **headers)
    except PbxError as error:  # most likely the caller has just left
        log.info("call-not-rescued", pbx_id=channel.get("uniqueid"), reason=error.message)
        return False
    return True
