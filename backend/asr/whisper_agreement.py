"""Words that may be believed while the caller still speaks: those that two passes agree on.

Whisper guesses at a word that is cut off, and at what follows, and corrects itself when it has
heard more. What two passes in a row begin with hardly ever changes any more ("local agreement":
Liu, Spanakis and Niehues 2020; with Whisper: Macháček, Dabre and Bojar 2023).
"""

from collections.abc import Sequence

from backend.asr.whisper_results import normalised


class Agreement:
    """The committed words of one stretch of audio that is decoded again and again as it grows."""

    def __init__(self) -> None:
        self._committed: tuple[str, ...] = ()
        self._previous: tuple[str, ...] = ()

    @property
    def committed(self) -> tuple[str, ...]:
        """Only ever gets longer; spelled as first agreed on."""
        return self._committed

    def hear(self, words: Sequence[str]) -> None:
        """What the next pass understood, from the beginning of the stretch.

        A pass that contradicts words already committed adds nothing.
        """
        agreed = common_prefix(self._previous, words)
        if len(common_prefix(self._committed, agreed)) == len(self._committed):
            self._committed += tuple(agreed[len(self._committed) :])
        self._previous = tuple(words)


def common_prefix(before: Sequence[str], now: Sequence[str]) -> Sequence[str]:
    """The words of `now` up to the first that differs by more than case and punctuation."""
    same = 0
    for old, new in zip(before, now, strict=False):
        if _key(old) != _key(new):
            break
        same += 1
    return now[:same]


def _key(word: str) -> str:
    return normalised(word) or word
