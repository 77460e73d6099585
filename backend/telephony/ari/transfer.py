"""Putting a caller through to a person, by the dialplan's own list of who may be reached."""

import asyncio
import re

import structlog

from backend.core.errors import HungUp
from backend.pbx.render import BLIND_CONTEXT, MAX_TRANSFER_S, NOT_ALLOWED_CAUSE, PERSON_CONTEXT
from backend.telephony.ari.call import AriCall, enters
from backend.telephony.ari.connection import Event
from backend.telephony.ari.errors import AriError
from backend.telephony.line import TransferResult

log = structlog.get_logger(__name__)

RING_MARGIN_S = 10.0
"""Beyond the dialplan's own ringing time, in case it does not end it."""

_BY_CAUSE = {  # Q.850
    NOT_ALLOWED_CAUSE: TransferResult.NOT_ALLOWED,
    17: TransferResult.BUSY,
    18: TransferResult.NO_ANSWER,
    19: TransferResult.NO_ANSWER,
}
_BY_STATUS = {
    "NOT_ALLOWED": TransferResult.NOT_ALLOWED,
    "BUSY": TransferResult.BUSY,
    "NOANSWER": TransferResult.NO_ANSWER,
}


async def attended_transfer(call: AriCall, extension: str, ring_s: float) -> TransferResult:
    """Call the person while the caller hears music; bring them together when they answer.

    Returns when their conversation is over, or (the caller is back with us) when there was none.
    Raises HungUp when the caller leaves before the person has answered.
    """
    if not _can_be_dialled(extension):
        return TransferResult.NOT_ALLOWED
    person = call.next_person()
    await call.hold()
    try:
        result = await _call_person(call, person, extension, ring_s + RING_MARGIN_S)
    except AriError as error:
        log.warning("transfer-failed", pbx_id=call.pbx_id, code=error.code, reason=error.message)
        result = TransferResult.FAILED
    except BaseException:
        await call.unmake(f"channels/{person}")  # nobody should pick up to silence
        raise
    if result is not TransferResult.CONNECTED:
        await call.unmake(f"channels/{person}")
        await call.unhold()
        return result
    return await _conversation(call, person)


async def blind_transfer(call: AriCall, extension: str) -> TransferResult:
    """Hand the caller to the dialplan, which rings the person; we are out of the way.

    Returns when their conversation is over, or when the dialplan has sent the caller back to us.
    """
    if not _can_be_dialled(extension):
        return TransferResult.NOT_ALLOWED
    channel, app = f"channels/{call.channel_id}", call.client.address.app
    source = {"eventSource": f"channel:{call.channel_id}"}
    # Otherwise its events end with its stay in our application.
    await call.ask("POST", f"applications/{app}/subscription", source)
    connected = call.watch(
        lambda event: event["type"] == "Dial" and event.get("dialstatus") == "ANSWER"
    )
    back = call.watch(lambda event: enters(event, call.channel_id))
    call.be_away(True)
    try:
        where = {"context": BLIND_CONTEXT, "extension": extension, "priority": "1"}
        await call.ask("POST", f"{channel}/continue", where)
        event = await call.arrives(back, MAX_TRANSFER_S)
    except HungUp:
        if connected.done() and not connected.cancelled():
            return TransferResult.CONNECTED
        raise
    finally:
        connected.cancel()
        call.be_away(False)
    await call.ask("DELETE", f"applications/{app}/subscription", source)
    await call.bring_together(call.channel_id)
    return _BY_STATUS.get("".join(event.get("args", [])[1:2]), TransferResult.FAILED)


async def _call_person(
    call: AriCall, person: str, extension: str, within_s: float
) -> TransferResult:
    def answered_or_over(event: Event) -> bool:
        ours = event.get("channel", {}).get("id") == person
        return ours and event["type"] in ("StasisStart", "ChannelDestroyed")

    outcome = call.watch(answered_or_over)
    await call.make(
        f"channels/{person}",
        "channels",
        {
            "endpoint": f"Local/{extension}@{PERSON_CONTEXT}/n",
            "app": call.client.address.app,
            "appArgs": "person",
            "channelId": person,
            "originator": call.channel_id,
            "callerId": call.caller,
            "timeout": str(round(within_s)),
        },
    )
    try:
        event = await call.arrives(outcome, within_s)
    except TimeoutError:
        return TransferResult.NO_ANSWER
    if event["type"] == "StasisStart":
        return TransferResult.CONNECTED
    return _BY_CAUSE.get(event.get("cause", 0), TransferResult.FAILED)


async def _conversation(call: AriCall, person: str) -> TransferResult:
    channel = f"channels/{call.channel_id}"
    over = call.watch(
        lambda event: (
            event["type"] in ("StasisEnd", "ChannelDestroyed") and event["channel"]["id"] == person
        )
    )
    longest = {"variable": "TIMEOUT(absolute)", "value": str(MAX_TRANSFER_S)}
    try:
        await asyncio.gather(
            call.ask("DELETE", f"{channel}/moh"),
            call.ask("POST", f"{channel}/variable", longest),
            call.bring_together(person),
        )
        await call.arrives(over, MAX_TRANSFER_S)
    except (HungUp, TimeoutError):  # they have talked: whoever hung up first, it went well
        pass
    return TransferResult.CONNECTED


def _can_be_dialled(extension: str) -> bool:
    """What the dialplan's list could have at all."""
    return re.fullmatch(r"\+?[0-9*#]{1,40}", extension) is not None
