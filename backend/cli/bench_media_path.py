"""The way to the PBX and back, without any bot: what every figure at the caller's ear contains."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from backend.audio.pcm import Pcm
from backend.cli.caller_voice import RATE_HZ
from backend.core.errors import LineError
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone
from backend.phone.results import CallOverError

_BEEP_S = 0.04
_BEEP_HZ = 1000
_BEEP_AMPLITUDE = 8000
_LONGEST_S = 1.0
_PAUSES_S = (0.25, 0.75)
"""Random within, so that beeps fall on every phase of the 20 ms of a packet."""


@asynccontextmanager
async def measuring_media_path(phone: Phone, echo_uri: str) -> AsyncIterator[list[float]]:
    """While the block runs, an echo call beeps; round trips in seconds fill the list.

    In the same process, at the same time, on the same clock as the calls they are compared with.
    It stays empty where there is no echo extension.
    """
    round_trips: list[float] = []
    try:
        call = await phone.dial(echo_uri, caller="echo")
    except LineError:
        yield round_trips
        return
    beeping = asyncio.create_task(_beep(call, round_trips))
    try:
        yield round_trips
    finally:
        beeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beeping
        await call.hang_up()


async def _beep(call: PhoneCall, round_trips: list[float]) -> None:
    beep = _tone()
    with contextlib.suppress(CallOverError):
        while True:
            await call.stay(random.uniform(*_PAUSES_S))
            sent = await call.speak(beep)
            if sent.voice is None:
                continue
            with contextlib.suppress(TimeoutError):
                heard = await call.wait_for_voice(sent.voice.start_s, _LONGEST_S)
                # An echo comes without pauses, so it is placed by the sender's clock: what it came
                # later than that is part of its way.
                arrived_s = heard.start_s + call.media.late_s
                round_trips.append(arrived_s - sent.voice.start_s)


def _tone() -> Pcm:
    t = np.arange(round(_BEEP_S * RATE_HZ)) / RATE_HZ
    return np.round(_BEEP_AMPLITUDE * np.sin(2 * np.pi * _BEEP_HZ * t)).astype(np.int16)
