"""What listeners say while the other speaks, meaning no more than "I am listening"."""

import re

_WORDS = frozenset(
    "ah aha er hm hmm huh mhm mhmm mm mmm mmhmm oh ok okay right sure uh uhhuh uhuh um"
    " yeah yep yup alright".split()
)
_PAIRS = frozenset({("i", "see"), ("all", "right"), ("got", "it"), ("go", "on")})
_NO_LETTER = re.compile(r"[^a-z']+")


def is_backchannel(text: str) -> bool:
    """Whether nothing else is in it. "Yes" and "no" are answers; no words at all are nothing."""
    words = _NO_LETTER.sub(" ", text.lower()).split()
    at = 0
    while at < len(words):
        if tuple(words[at : at + 2]) in _PAIRS:
            at += 2
        elif words[at] in _WORDS:
            at += 1
        else:
            return False
    return bool(words)
