"""PCM as this house carries it: one-dimensional, mono, `int16`, native byte order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
"""Mono samples. The rate always travels beside it as `rate_hz`."""

EMPTY: Pcm = np.zeros(0, dtype=np.int16)


def to_pcm(samples: NDArray[np.floating[Any]]) -> Pcm:
    """Samples on the 16-bit scale, rounded; what is too loud is limited, not wrapped."""
    limited: NDArray[np.floating[Any]] = np.clip(np.rint(samples), -32768, 32767)
    return limited.astype(np.int16)
