"""Keeps a model's `<think>…</think>` passages from being spoken."""

from dataclasses import dataclass

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(slots=True)
class ThoughtFilter:
    """For models that think in their answer because their template does not separate it."""

    _inside: bool = False
    _pending: str = ""

    def feed(self, text: str) -> str:
        """The part of `text` that may be spoken; what may be half a tag is held back."""
        self._pending += text
        visible = ""
        while True:
            tag = _CLOSE if self._inside else _OPEN
            before, found, after = self._pending.partition(tag)
            if not found:
                break
            visible += "" if self._inside else before
            self._inside = not self._inside
            self._pending = after
        kept = _half_tag(self._pending, tag)
        passed, self._pending = self._pending[: len(self._pending) - kept], self._pending[-kept:]
        if not kept:
            self._pending = ""
        return visible + ("" if self._inside else passed)


def _half_tag(text: str, tag: str) -> int:
    """Length of the longest end of `text` that begins `tag`."""
    return next((size for size in range(len(tag) - 1, 0, -1) if text.endswith(tag[:size])), 0)
