"""A clock for audio that is sent ahead of time: what the caller has heard of it by when."""

from dataclasses import dataclass

from backend.telephony.stream.doors import RATE_HZ


@dataclass(slots=True)
class _Piece:
    starts_at_s: float
    samples: int


class Playout:
    """Pure: moments come in. Pieces are played one after the other without a pause, and late ones
    as soon as they come."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        """With a pause between them: what follows without one lengthens the piece before."""

    @property
    def queued(self) -> int:
        """Samples given so far, played or not."""
        return sum(piece.samples for piece in self._pieces)

    @property
    def ends_at_s(self) -> float:
        """When the last sample has been played; minus infinity when nothing was given."""
        if not self._pieces:
            return float("-inf")
        last = self._pieces[-1]
        return last.starts_at_s + last.samples / RATE_HZ

    def add(self, at_s: float, samples: int) -> float:
        """More audio at `at_s`; returns when it begins to be heard."""
        ends_at_s = self.ends_at_s
        if at_s <= ends_at_s:
            self._pieces[-1].samples += samples
            return ends_at_s
        self._pieces.append(_Piece(at_s, samples))
        return at_s

    def played(self, at_s: float) -> int:
        """How many samples have been heard by `at_s`."""
        heard = 0
        for piece in self._pieces:
            heard += min(piece.samples, max(0, round((at_s - piece.starts_at_s) * RATE_HZ)))
        return heard

    def left_s(self, at_s: float) -> float:
        """Seconds of audio not yet heard."""
        return max(0.0, self.ends_at_s - at_s)

    def catch_up(self, at_s: float) -> None:
        """Everything has been heard by `at_s`, says who plays it: our clock was behind."""
        late_s = self.ends_at_s - at_s
        if late_s > 0:
            for piece in self._pieces:
                piece.starts_at_s -= late_s

    def cut(self, at_s: float) -> int:
        """Forget what has not been heard by `at_s`; returns how many samples were heard."""
        heard = self.played(at_s)
        self._pieces = [_Piece(at_s - heard / RATE_HZ, heard)] if heard else []
        return heard
