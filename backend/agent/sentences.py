"""Text to sentences: the unit in which the caller is spoken to."""

import re
from dataclasses import dataclass

LONGEST_WORDS = 30
"""A longer sentence is cut at a comma: on a turn-mode line nothing of a sentence is heard before
all of it is synthesised."""

_END = re.compile(r"""[.!?…]+["')\]]*(?=\s)|\n+""")
_NOT_AN_END = re.compile(
    r"(?:^|\s)(?:(?:mr|mrs|ms|dr|prof|st|no|vs|etc|inc|ltd|e\.g|i\.e|a\.m|p\.m|approx|[a-z])"
    r"|\W*\d+)\.$",
    re.IGNORECASE,
)


def split_sentences(text: str) -> tuple[str, ...]:
    """Cut a complete text into sentences, in order, without empty ones."""
    stream = SentenceStream()
    return (*stream.feed(text), *stream.finish())


@dataclass(slots=True)
class SentenceStream:
    """Collects text as it is generated and gives out each sentence once it is complete."""

    _rest: str = ""

    def feed(self, text: str) -> list[str]:
        """Add text; returns the sentences that are now known to be complete.

        A full stop only counts when what follows it has been seen, so "3." waits for "50".
        """
        self._rest += text
        done: list[str] = []
        start = 0
        for end in _END.finditer(self._rest):
            candidate = self._rest[start : end.end()].strip()
            if candidate and not _continues(candidate, end.group()):
                done.append(candidate)
                start = end.end()
        *cut, self._rest = _shortened(self._rest[start:])
        return [part for sentence in done for part in _shortened(sentence)] + cut

    def finish(self) -> list[str]:
        """No more text comes: whatever is left is the last sentence."""
        rest, self._rest = self._rest.strip(), ""
        return _shortened(rest) if rest else []


def _shortened(sentence: str) -> list[str]:
    """The sentence in parts of at most `LONGEST_WORDS` words, cut at commas where there are any."""
    parts: list[str] = []
    while len(pieces := sentence.split(" ", LONGEST_WORDS)) > LONGEST_WORDS:
        head = " ".join(pieces[:-1])
        cut = max(head.rfind(mark) for mark in (", ", "; ", ": ")) + 1 or len(head)
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:].lstrip()
    return [*parts, sentence]


def _continues(candidate: str, end: str) -> bool:
    """Whether the full stop belongs to an abbreviation or to the number of a list item."""
    if not end.startswith("."):
        return False
    last_words = candidate[-12:]
    match = _NOT_AN_END.search(last_words)
    if match is None:
        return False
    # "It costs 5." ends a sentence; "1." at the beginning of one is a list item.
    return not match.group().strip(" .").isdigit() or len(candidate.split()) == 1
