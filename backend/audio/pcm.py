"""PCM as this house carries it: one-dimensional, mono, `int16`, native byte order."""

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
"""Mono samples. The rate always travels beside it as `rate_hz`."""

EMPTY: Pcm = np.zeros(0, dtype=np.int16)
