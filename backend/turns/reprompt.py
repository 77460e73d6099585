"""When the caller has not been understood: ask again, or give up."""

from dataclasses import dataclass


@dataclass(slots=True)
class RepromptPolicy:
    """Counts failures in a row, silence and noise alike: a caller in a noisy street and one who
    has put the phone down are both worth one more try, and neither is worth ten."""

    reprompts: int
    """How often we ask again before giving up."""
    failures: int = 0

    def failed(self) -> bool:
        """Nothing usable came. True when it is time to say goodbye."""
        self.failures += 1
        return self.failures > self.reprompts

    def understood(self) -> None:
        """Something usable came."""
        self.failures = 0
