"""Answers prepared before it is certain that the caller has finished."""

import asyncio
from collections.abc import Callable

from backend.agent.base import Dialogue
from backend.calls.reply import Reply
from backend.core.speech import Heard


class Speculation:
    """At most one prepared answer of one call.

    Its generation is the call's: every new guess, and every sign that the last one was wrong,
    begins another. Work that finds its generation gone is stale and drops itself.
    """

    def __init__(
        self,
        think: Callable[[Heard, Dialogue], Reply],
        amounts_to_same: Callable[[Heard, Heard], bool],
    ) -> None:
        self._think = think
        self._amounts_to_same = amounts_to_same
        self._generation = 0
        self._prepared: Reply | None = None
        self._dropped: set[asyncio.Task[None]] = set()

    def begin(self) -> int:
        """A new guess, whose number is returned; what was prepared for the last one is dropped."""
        self._generation += 1
        self._discard()
        return self._generation

    def drop(self) -> None:
        """The guess was wrong."""
        self.begin()

    def is_current(self, generation: int) -> bool:
        """Whether work begun for this guess is still wanted."""
        return generation == self._generation

    def prepare(self, generation: int, heard: Heard, dialogue: Dialogue) -> None:
        """Answer `heard` in case that is all. Ignored when the guess is stale."""
        if not self.is_current(generation) or self._fits(heard, dialogue):
            return
        self._discard()
        self._prepared = self._think(heard, dialogue)

    def take(self, heard: Heard, dialogue: Dialogue) -> Reply:
        """The turn is over and amounts to `heard`: the answer, prepared or begun now."""
        fitting = self._prepared if self._fits(heard, dialogue) else None
        if fitting is not None:
            self._prepared = None
        self.begin()
        return fitting or self._think(heard, dialogue)

    async def aclose(self) -> None:
        """Drop everything and wait until nothing of it runs."""
        self.drop()
        await asyncio.gather(*self._dropped, return_exceptions=True)

    def _discard(self) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            # At once, not when the task below gets its turn: nothing more is begun for it.
            prepared.drop()
            dropping = asyncio.create_task(prepared.aclose())
            self._dropped.add(dropping)
            dropping.add_done_callback(self._dropped.discard)

    def _fits(self, heard: Heard, dialogue: Dialogue) -> bool:
        prepared = self._prepared
        return (
            prepared is not None
            and prepared.dialogue is dialogue
            and self._amounts_to_same(prepared.heard, heard)
        )
