"""What gets into the caller's telephone besides their voice: the line's noise, and our own echo."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend.audio import g711
from backend.audio.g711 import Law
from backend.audio.level import dbfs_to_amplitude
from backend.audio.noise import line_noise
from backend.audio.pcm import to_pcm
from backend.phone.rtp import PACKET_SAMPLES, RATE_HZ

if TYPE_CHECKING:
    from backend.phone.media import Media

ECHO_DELAY_S = 0.08
"""Mouth to ear and back on a mobile call, network apart; beyond a few tens of milliseconds an echo
is no longer masked by what caused it."""
_NOISE_S = 16
"""Length of the noise that is repeated: too long to be heard as a rhythm."""
_NOISE_DBFS = -20.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is mixed into everything a call sends, silence included."""

    noise_dbfs: float | None = None
    """RMS level of the line's noise; see `noise.active_dbfs` for a ratio to speech."""
    echo_db: float | None = None
    """What we hear goes back this much louder (so: -20), `echo_delay_s` later."""
    echo_delay_s: float = ECHO_DELAY_S
    """At least 0.02: a packet cannot be sent back before it has come."""


def mix(medias: Sequence["Media"], now_s: float) -> list[bytes]:
    """The audio each of these calls sends in its next packet; all of them have surroundings.

    One pass of array arithmetic for all calls, since it happens for every packet.
    """
    mixed: list[bytes] = [b""] * len(medias)
    for law in Law:
        rows = [row for row, media in enumerate(medias) if media.sending_law is law]
        if not rows:
            continue
        chosen = [medias[row] for row in rows]
        total = _decode(b"".join(media.due() for media in chosen), law)
        total += _noise(chosen)
        total += _echo(chosen, law, now_s)
        coded = g711.encode(to_pcm(total.reshape(-1)), law)
        for place, row in enumerate(rows):
            mixed[row] = coded[place * PACKET_SAMPLES : (place + 1) * PACKET_SAMPLES]
    return mixed


def _noise(medias: Sequence["Media"]) -> NDArray[np.float32]:
    noise = _endless_noise()
    gains = [_noise_gain(media.surroundings) for media in medias]
    # Each call is somewhere else in the noise: equal noise on all lines would be one noise.
    starts = [media.noise_position for media in medias]
    for media in medias:
        media.noise_position += PACKET_SAMPLES
    places = np.add.outer(np.array(starts), np.arange(PACKET_SAMPLES)) % len(noise)
    rows: NDArray[np.float32] = noise[places] * np.array(gains, dtype=np.float32)[:, None]
    return rows


def _echo(medias: Sequence["Media"], law: Law, now_s: float) -> NDArray[np.float32]:
    silence = bytes([g711.silence_byte(law)]) * PACKET_SAMPLES
    heard = []
    for media in medias:
        around = media.surroundings
        codes = None
        if around is not None and around.echo_db is not None:
            # By the seamless clock: the ticker's jitter would tear the echo to pieces.
            start_s = media.sending_at_s(now_s) - around.echo_delay_s
            codes = media.heard.codes(start_s, PACKET_SAMPLES, law)
        heard.append(codes or silence)
    gains = [_gain(media.surroundings.echo_db if media.surroundings else None) for media in medias]
    return _decode(b"".join(heard), law) * np.array(gains, dtype=np.float32)[:, None]


def _decode(codes: bytes, law: Law) -> NDArray[np.float32]:
    return g711.decode(codes, law).astype(np.float32).reshape(-1, PACKET_SAMPLES)


def _noise_gain(surroundings: Surroundings | None) -> float:
    level_dbfs = surroundings.noise_dbfs if surroundings else None
    return 0.0 if level_dbfs is None else _gain(level_dbfs - _NOISE_DBFS)


def _gain(db: float | None) -> float:
    return 0.0 if db is None else float(10 ** (db / 20))


@cache
def _endless_noise() -> NDArray[np.float32]:
    random = np.random.default_rng(8000)
    noise = line_noise(_NOISE_S * RATE_HZ, RATE_HZ, _NOISE_DBFS, random).astype(np.float32)
    # What the clipping of peaks took away would else be missing at every level.
    return noise * np.float32(dbfs_to_amplitude(_NOISE_DBFS) / np.sqrt(np.mean(noise**2)))
