"""A trigram language model from weighted sentences, smoothed after Witten and Bell (1991).

P(w|h) = (c(h,w) + T(h) P(w|h')) / (c(h) + T(h)), where T(h) counts the different words seen after
h and h' is h without its first word: a history followed by many words trusts itself less.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

ORDER = 3
START, END = "<s>", "</s>"
_NEVER_LOG10 = -99.0

History = tuple[str, ...]
Counts = Mapping[History, Mapping[str, float]]


class TrigramModel:
    """Counts of weighted sentences, and the probabilities they give."""

    def __init__(self, sentences: Iterable[tuple[Sequence[str], float]]) -> None:
        self._counts = _count(sentences)
        unigrams = self._counts[()]
        self.words = sorted(word for word in unigrams if word != END)
        seen = len(unigrams)
        total = sum(unigrams.values())
        # The part of the unigrams that smoothing sets aside is shared by all words alike.
        self._unigrams = {word: (count + 1.0) / (total + seen) for word, count in unigrams.items()}

    def probability(self, word: str, history: History) -> float:
        """P(word | history), backing off to shorter histories."""
        if not history:
            return self._unigrams.get(word, 0.0)
        followers = self._counts.get(history)
        shorter = self.probability(word, history[1:])
        if not followers:
            return shorter
        total, kinds = sum(followers.values()), len(followers)
        return (followers.get(word, 0.0) + kinds * shorter) / (total + kinds)

    def arpa(self) -> str:
        """The model in ARPA format, as decoders read it."""
        grams = [self._of_order(order) for order in range(1, ORDER + 1)]
        lines = ["\\data\\"]
        lines += [f"ngram {order}={len(found)}" for order, found in enumerate(grams, 1)]
        for order, found in enumerate(grams, 1):
            lines += ["", f"\\{order}-grams:", *found]
        return "\n".join([*lines, "", "\\end\\", ""])

    def _of_order(self, order: int) -> list[str]:
        lines = []
        if order == 1:
            lines.append(f"{_NEVER_LOG10:.4f} {START} {self._back_off((START,)):.4f}")
        for history in sorted(history for history in self._counts if len(history) == order - 1):
            for word in sorted(self._counts[history]):
                gram = (*history, word)
                line = f"{math.log10(self.probability(word, history)):.4f} {' '.join(gram)}"
                if order < ORDER and word != END:
                    line += f" {self._back_off(gram):.4f}"
                lines.append(line)
        return lines

    def _back_off(self, history: History) -> float:
        """log10 of the share a history leaves to shorter ones."""
        followers = self._counts.get(history)
        if not followers:
            return 0.0
        total, kinds = sum(followers.values()), len(followers)
        return math.log10(kinds / (total + kinds))


def _count(sentences: Iterable[tuple[Sequence[str], float]]) -> Counts:
    counts: defaultdict[History, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for words, weight in sentences:
        padded = (START, *words, END)
        for place in range(1, len(padded)):
            for length in range(min(ORDER, place + 1)):
                counts[padded[place - length : place]][padded[place]] += weight
    return counts
