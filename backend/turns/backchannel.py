"""What listeners say in a word: "I am listening", or "stop"."""

import re

_WORDS = frozenset(
    "ah aha er hm hmm huh mhm mhmm mm mmm mmhmm oh ok okay right sure uh uhhuh uhuh um"
    " yeah yep yup alright".split()
)
_PAIRS = frozenset({("i", "see"), ("all", "right"), ("got", "it"), ("go", "on")})
_STOPS = frozenset("stop wait excuse hang hold".split())
_AROUND_STOPS = frozenset(
    "stop wait excuse hang hold on me it no please a one second minute moment now there".split()
)
_NO_LETTER = re.compile(r"[^a-z']+")


def is_backchannel(text: str) -> bool:
    """Whether nothing else is in it. "Yes" and "no" are answers; no words at all are nothing."""
    words = _words(text)
    at = 0
    while at < len(words):
        if tuple(words[at : at + 2]) in _PAIRS:
            at += 2
        elif words[at] in _WORDS:
            at += 1
        else:
            return False
    return bool(words)


def is_stop(text: str) -> bool:
    """Whether it asks us to be silent and nothing else: "wait", "hold on", "stop it please"."""
    words = _words(text)
    return not _STOPS.isdisjoint(words) and _AROUND_STOPS.issuperset(words)


def _words(text: str) -> list[str]:
    return _NO_LETTER.sub(" ", text.lower()).split()
