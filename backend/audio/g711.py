"""G.711: 8-bit logarithmic PCM, the telephone's own code (ITU-T Recommendation G.711, 1988).

Both laws are table look-ups: 65,536 entries to encode, 256 to decode.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from backend.audio.pcm import Pcm

_MU_BIAS = 132
"""Added before taking the logarithm, so that every segment is a power of two (33 in 14 bits)."""
_MU_CLIP = 32635


class Law(StrEnum):
    """Which of the two companding laws."""

    MU = "ulaw"
    A = "alaw"


def encode(pcm: Pcm, law: Law = Law.MU) -> bytes:
    """One byte a sample."""
    return _ENCODE[law].take(pcm.view(np.uint16)).tobytes()


def decode(data: bytes | bytearray | memoryview, law: Law = Law.MU) -> Pcm:
    """One sample a byte; a fresh array."""
    return _DECODE[law].take(np.frombuffer(data, dtype=np.uint8))


def silence_byte(law: Law = Law.MU) -> int:
    """The code of a sample of zero: 0xFF in mu-law, 0xD5 in A-law."""
    return int(_ENCODE[law][0])


def power_table(law: Law) -> NDArray[np.float64]:
    """The square of each code's sample: levels of encoded audio without decoding it."""
    return _DECODE[law].astype(np.float64) ** 2


def _mu_decode_table() -> Pcm:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    segment = (code >> 4) & 7
    magnitude = ((((code & 0xF) << 3) + _MU_BIAS) << segment) - _MU_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _mu_encode_table() -> NDArray[np.uint8]:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(sample), _MU_CLIP) + _MU_BIAS
    segment = _highest_bit(magnitude) - 7
    mantissa = (magnitude >> (segment + 3)) & 0xF
    sign = np.where(sample < 0, 0x80, 0)
    code: NDArray[np.int32] = ~(sign | (segment << 4) | mantissa) & 0xFF
    return code.astype(np.uint8)


def _a_decode_table() -> Pcm:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (code >> 4) & 7
    low = ((code & 0xF) << 4) + 8
    magnitude = np.where(segment == 0, low, (low + 0x100) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _a_encode_table() -> NDArray[np.uint8]:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    # One's complement of a negative sample: the law has no zero, -1 is the smallest negative.
    magnitude = np.where(sample < 0, ~sample, sample)
    segment = np.maximum(_highest_bit(np.maximum(magnitude, 1)) - 7, 0)
    mantissa = (magnitude >> (np.maximum(segment, 1) + 3)) & 0xF
    sign = np.where(sample < 0, 0, 0x80)
    code: NDArray[np.int32] = (sign | (segment << 4) | mantissa) ^ 0x55
    return code.astype(np.uint8)


def _highest_bit(value: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.floor(np.log2(value)).astype(np.int32)


_ENCODE = {Law.MU: _mu_encode_table(), Law.A: _a_encode_table()}
_DECODE = {Law.MU: _mu_decode_table(), Law.A: _a_decode_table()}
