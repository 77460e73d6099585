"""Answers given before: bounded, and forgotten after a while."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class AnswerCache:
    """Least recently used answers go first; none lives longer than `ttl_s`."""

    clock: Callable[[], float]
    """Monotonic seconds."""
    capacity: int = 256
    ttl_s: float = 3600.0
    _entries: OrderedDict[str, tuple[float, tuple[str, ...]]] = field(default_factory=OrderedDict)

    def get(self, key: str) -> tuple[str, ...] | None:
        """The sentences kept under `key`."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        stored_at_s, sentences = entry
        if self.clock() - stored_at_s >= self.ttl_s:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return sentences

    def put(self, key: str, sentences: Sequence[str]) -> None:
        """Keep an answer."""
        self._entries[key] = (self.clock(), tuple(sentences))
        self._entries.move_to_end(key)
        while len(self._entries) > self.capacity:
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)
