"""What a worker does first."""

import itertools
from collections import deque
from collections.abc import Iterable
from typing import Any

from backend.asr.sphinx.wire import Message

_OUTDATES = {"peek": {"peek"}, "close": {"peek", "feed"}}
"""What each makes pointless of what was said about the same utterance before it."""


class Waiting:
    """Messages that wait to be served.

    Whoever has fallen silent comes first: they wait for us, and those who still speak do not. What
    nobody wants to know any more is not done: else being late would make more work.
    """

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()

    def __bool__(self) -> bool:
        return bool(self._messages)

    def add(self, messages: Iterable[Message]) -> None:
        """In the order in which they came."""
        for message in messages:
            header, _ = message
            if outdates := _OUTDATES.get(header["op"]):
                self._messages = deque(
                    (earlier, samples)
                    for earlier, samples in self._messages
                    if earlier.get("id") != header["id"] or earlier["op"] not in outdates
                )
            self._messages.append(message)

    def take(self) -> list[Message]:
        """All about one utterance up to the oldest question; else what came first, or nothing."""
        asked = self._oldest_question()
        if asked is None:
            return [self._messages.popleft()] if self._messages else []
        mine: list[Message] = []
        others: deque[Message] = deque()
        is_asked = False
        for message in self._messages:
            header, _ = message
            is_mine = not is_asked and header.get("id") == asked["id"]
            (mine if is_mine else others).append(message)
            is_asked = is_asked or header is asked
        self._messages = others
        return mine

    def _oldest_question(self) -> dict[str, Any] | None:
        """Not over a message that concerns all utterances: a vocabulary is loaded before."""
        mine = itertools.takewhile(lambda message: "id" in message[0], self._messages)
        return next((header for header, _ in mine if header["op"] == "peek"), None)
