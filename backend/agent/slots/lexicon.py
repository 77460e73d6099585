"""Word lists: which words may be names and which words, by themselves, are none."""

from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"


@cache
def names() -> frozenset[str]:
    """Given names, and family names that are words as well. Reads a file the first time."""
    return _read("names.txt")


@cache
def common_words() -> frozenset[str]:
    """Words frequent in calls that are nobody's name. Reads a file the first time."""
    return _read("common_words.txt")


def _read(file: str) -> frozenset[str]:
    lines = (_DATA / file).read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
