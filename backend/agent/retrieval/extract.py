"""Answers out of documents without a language model: their own words, when they surely fit.

The thresholds were set on 220 spoken questions about three documents and 300 about other things:
with embeddings 43% of the questions are answered, 83% of those out of a passage that the question
set names, and 0.3% of the foreign questions; by words alone 5%, 80% and 1%.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from backend.agent.knowledge.facts import Fact
from backend.agent.retrieval.bm25 import Bm25, content_words
from backend.agent.retrieval.index import FactIndex, Found

CANDIDATES = 4
SURELY_NEAR = 0.4
"""Cosine from which a passage is about what was asked."""
CLEAR_LEAD = 0.08
"""Cosine by which a passage that is not the best by words as well is ahead of other sections."""
SURELY_COVERED = 0.8
"""By words alone: how much of the question the passage must have."""
CLEAR_WORDS_LEAD = 1.4
"""By words alone: how many times its score is that of every other section."""
FEWEST_WORDS = 2
"""A question about fewer words matches by accident."""
LONGEST_WORDS = 45
"""Fifteen seconds of speech."""
_TOO_SHORT_WORDS = 6
_CLOSE = 0.08
"""Sentences this much further away than the nearest may stand in for it."""

_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*(?:https?:|www\.|[Ss]ection|[Ss]ee |§|@)[^()\[\]]*[)\]]")
_MARKER = re.compile(r"^\s*(?:[-*•◦▪–]|\(?\d{1,2}[.)]|[a-z][.)])\s+")
_NOT_SPEAKABLE = re.compile(r"[<>{}|=\\$#*_`~^]|://|\s--|\w/\w+/|\.\w{1,4}/")
_POINTER = re.compile(r"^(?:please )?(?:see|refer to|for (?:more|further)|read) ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extract:
    """One or two sentences of a document that answer a question."""

    sentences: tuple[str, ...]
    passage: Fact


def extract(index: FactIndex, question: str) -> Extract | None:
    """What a document says in answer; None unless that is nearly certain.

    Facts of the knowledge base are never extracted: the intents have looked at those already, and
    found that none is what was asked.
    """
    if len(content_words(question)) < FEWEST_WORDS:
        return None
    found = index.find(question, CANDIDATES)
    if not found or not found[0].fact.is_passage or not _is_sure(found):
        return None
    sentences = _said(question, found[0])
    return Extract(sentences, found[0].fact) if sentences else None


def _is_sure(found: Sequence[Found]) -> bool:
    best, *others = found
    elsewhere = next((other for other in others if other.fact.source != best.fact.source), None)
    if best.nearness is None:
        second = elsewhere.words_score if elsewhere else 0.0
        return best.coverage >= SURELY_COVERED and best.words_score >= second * CLEAR_WORDS_LEAD
    second = (elsewhere.nearness or 0.0) if elsewhere else 0.0
    lead = 0.0 if best.leads_by_words else CLEAR_LEAD
    return best.nearness >= SURELY_NEAR and best.nearness - second >= lead


def _said(question: str, best: Found) -> tuple[str, ...]:
    texts = [speakable(text) for text, _ in best.sentences]
    for place in _by_fit(question, best):
        if not texts[place]:
            continue
        chosen = [texts[place]]
        follows = texts[place + 1] if place + 1 < len(texts) else ""
        short = len(texts[place].split()) < _TOO_SHORT_WORDS or texts[place].endswith(":")
        if short and follows:
            chosen.append(follows)
        if sum(len(text.split()) for text in chosen) <= LONGEST_WORDS:
            return tuple(chosen)
    return ()


def _by_fit(question: str, best: Found) -> list[int]:
    """Places of the sentences that may be the answer, the likeliest first."""
    near = [nearness for _, nearness in best.sentences]
    if all(nearness is not None for nearness in near):
        known = [nearness or 0.0 for nearness in near]
        order = sorted(range(len(known)), key=lambda place: -known[place])
        return [place for place in order if known[place] >= known[order[0]] - _CLOSE]
    words = Bm25([Fact(text, "") for text, _ in best.sentences])
    return [place for place, _ in words.search(question, len(near))]


def speakable(sentence: str) -> str:
    """A sentence as it can be read aloud; empty when it cannot, or says nothing by itself."""
    plain = _MARKER.sub("", _ASIDE.sub("", sentence)).strip()
    plain = plain.replace("”", "").replace("“", "").replace('"', "")
    if _NOT_SPEAKABLE.search(plain) or _POINTER.match(plain) or not plain[:1].isalnum():
        return ""
    if not plain.endswith((".", "!", "?", ":")):
        plain += "."
    return plain[0].upper() + plain[1:]
