"""How sure a hypothesis is, from its posterior probability."""

import math

LOOSE, LOOSE_A_WORD = 4.0, 0.6
"""log10 of the posterior at which confidence reaches 0, and how much each word adds to it.
Measured over telephone speech of four voices: sentences of the domain lie between -1 and -4 (five
words), foreign ones between -4 and -9 (nine words)."""


def confidence_of(probability: float, words: int) -> float:
    """0–1 from the posterior of a hypothesis of so many words."""
    loose = LOOSE + LOOSE_A_WORD * words
    return min(1.0, max(0.0, 1.0 + math.log10(max(probability, 1e-30)) / loose))
