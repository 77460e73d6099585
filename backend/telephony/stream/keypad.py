"""Keys the caller presses, as input that may begin while we speak."""

import asyncio

BETWEEN_KEYS_S = 3.0
"""Pause after a key that ends keyed input, as voice menus commonly allow."""
END_KEY = "#"


class Keypad:
    """Collects keys in the order they came."""

    def __init__(self) -> None:
        self.pressed = ""
        """What was pressed and not read yet."""
        self._news = asyncio.Event()

    @property
    def is_in_use(self) -> bool:
        """Whether something was pressed that nobody has read."""
        return bool(self.pressed)

    def press(self, key: str) -> None:
        """The next key."""
        self.pressed += key
        self._news.set()

    async def wait(self) -> None:
        """Until something has been pressed."""
        while not self.pressed:
            await self._next()

    async def read(self, most: int) -> str:
        """The caller's input: ends with `#`, after `most` keys, or after a pause."""
        await self.wait()
        try:
            while END_KEY not in self.pressed and len(self.pressed) < most:
                async with asyncio.timeout(BETWEEN_KEYS_S):
                    await self._next()
        except TimeoutError:
            pass
        digits, end, rest = self.pressed[:most].partition(END_KEY)
        self.pressed = rest + self.pressed[most:] if end else self.pressed[most:]
        return digits

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()
