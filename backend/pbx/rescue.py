"""Looking after the callers of a bot that died."""

import structlog

from backend.config import Settings
from backend.core.errors import PbxError
from backend.pbx.ami import Ami, Message, ami
from backend.pbx.render import BOT_CONTEXT, FALLBACK_CONTEXT
from backend.pbx.secrets_file import PbxSecrets

log = structlog.get_logger(__name__)


async def rescue_calls(settings: Settings, secrets: PbxSecrets) -> int:
    """Send every call that is with the bot to the fallback, in the middle of whatever it is doing.

    By itself Asterisk notices a dead bot only when its prompt has been played or its recording
    has ended. Callers who are talking or being put through to a person stay where they are.
    Returns how many were sent. Raises PbxError when Asterisk cannot be asked.
    """
    async with ami(settings.ami_port, secrets.ami) as client:
        channels = await client.listing("CoreShowChannels")
        with_bot = [channel for channel in channels if _is_with_bot(channel)]
        return sum([await _redirect(client, channel) for channel in with_bot])


def _is_with_bot(channel: Message) -> bool:
    return channel.get("context") == BOT_CONTEXT and not channel.get("bridgeid")


async def _redirect(client: Ami, channel: Message) -> bool:
    try:
        await client.action(
            "Redirect",
            Channel=channel["channel"],
            Context=FALLBACK_CONTEXT,
            Exten="s",
            Priority="1",
        )
    except PbxError as error:  # most likely the caller has just left
        log.info("call-not-rescued", pbx_id=channel.get("uniqueid"), reason=error.message)
        return False
    return True
