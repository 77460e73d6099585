"""From cepstra to words: PocketSphinx with the models of one vocabulary, and what it makes of
numbers."""

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from backend.asr.sphinx.confidence import confidence_of
from backend.asr.sphinx.features import CEPSTRA, CepstralStream
from backend.asr.sphinx.grammar import NUMBER_WORDS
from backend.asr.sphinx.materials import DICTIONARY, GRAMMAR
from backend.core.speech import Expect

_NO_MEAN = ",".join(["0"] * CEPSTRA)
"""Our cepstra have their mean removed."""
_MOST_ROWS = 7
"""More at once and a decoder without a second pass loses them: its buffer holds no more."""
MOSTLY_NUMBER = 0.5
"""Share of number words in what was heard from which it is a number, whatever its score."""
GRAMMAR_FITS, GRAMMAR_FITS_WELL = 0.0006, 0.001
"""By how much the grammar's score per frame must be better than the model's; the second where the
model hears no number at all ("goodbye"). Of 78 numbers said by three voices it was for 76, of 60
other answers of the domain for 9."""
SURE_OF_NO_NUMBER = 0.7
"""Confidence from which words without any number in them count against that."""
SURE_OF_NUMBER = 0.6
"""Least confidence in a number when what was heard without the grammar was mostly number words."""
WORTH_ASKING = 0.45
_NUMBER = "number-grammar"


class Decoder:
    """Decodes with the language models of one vocabulary, and numbers with the grammar as well.

    Where a number is asked for, both listen: the model hears whether it is a number at all, the
    grammar, which knows how long numbers are, hears which.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open = self._decoder()
        for search, model in _language_models(folder).items():
            self._open.add_lm(search, model)
        self._grammar: Any = None
        self._running: list[Any] = []
        self._features = CepstralStream()

    def start(self, search: str) -> None:
        """Begin an utterance."""
        self._open.activate_search(search)
        self._running = [self._open]
        self._features = CepstralStream()
        if search == Expect.NUMBER.value:
            if self._grammar is None:
                # Without the lattice: searching it would take 50 ms and more.
                self._grammar = self._decoder(bestpath=False)
                self._grammar.add_jsgf_file(_NUMBER, str(self.folder / GRAMMAR))
                self._grammar.activate_search(_NUMBER)
            self._running.append(self._grammar)
        for decoder in self._running:
            decoder.set_cmn(_NO_MEAN)
            decoder.start_utt()

    def feed(self, samples: bytes) -> None:
        """Decode the next 16-bit samples at 8 kHz."""
        self._decode(self._features.feed(np.frombuffer(samples, dtype=np.int16)))

    def finish(self) -> tuple[str, float]:
        """Words and confidence in them."""
        self._decode(self._features.finish())
        heard, *number = [_end_of(decoder) for decoder in self._running]
        confidence = confidence_of(heard.posterior, len(heard.words))
        if number and _is_number(heard, confidence, number[0]):
            heard, confidence = number[0], number_confidence(heard, confidence, number[0])
        return " ".join(heard.words), confidence

    def _decode(self, cepstra: NDArray[np.float32]) -> None:
        for start in range(0, len(cepstra), _MOST_ROWS):
            rows = cepstra[start : start + _MOST_ROWS].tobytes()
            for decoder in self._running:
                decoder.process_cep(rows)

    def _decoder(self, *, bestpath: bool = True) -> Any:
        """`bestpath`: search the word lattice at the end, which is what gives posteriors."""
        # The second pass over the whole utterance would take 50 ms when the caller has finished,
        # and makes no difference to word errors with models this small.
        return pocketsphinx.Decoder(
            lm=None,
            dict=str(self.folder / DICTIONARY),
            fwdflat=False,
            bestpath=bestpath,
            loglevel="FATAL",
        )

    def partial(self) -> str:
        """Words so far."""
        best = self._open.hyp()
        return " ".join(_words(best.hypstr)) if best is not None else ""


@functools.lru_cache(maxsize=1)
def _language_models(folder: Path) -> dict[str, Any]:
    """Read once for all decoders of a process: that is most of what making one costs."""
    config = pocketsphinx.Config(lm=None, loglevel="FATAL")
    return {
        expect.value: pocketsphinx.NGramModel(
            config, pocketsphinx.LogMath(), str(folder / f"{expect.value}.arpa")
        )
        for expect in Expect
    }


@dataclass(frozen=True)
class BestPath:
    """The best one through a decoder's search."""

    words: tuple[str, ...]
    posterior: float
    log_score: float
    """Per frame; two searches over the same frames compare."""


def _is_number(heard: BestPath, confidence: float, number: BestPath) -> bool:
    """Whether who was asked for a number said one, or said "I want to talk to a person"."""
    if not number.words:
        return False
    share = _number_share(heard)
    if share >= MOSTLY_NUMBER:
        return True
    if share == 0 and confidence >= SURE_OF_NO_NUMBER:
        return False
    better = number.log_score - heard.log_score
    return better > (GRAMMAR_FITS if share else GRAMMAR_FITS_WELL)


def _number_share(heard: BestPath) -> float:
    return sum(word in NUMBER_WORDS for word in heard.words) / max(1, len(heard.words))


def number_confidence(heard: BestPath, confidence: float, number: BestPath) -> float:
    """From how much of the number was heard without knowing that it must be one.

    With mostly number words heard there was a number, and the grammar hears which better than the
    model. Else it is worth a question back, hardly more and not less: of 31 foreign sentences that
    the grammar bent into a number, none reached 0.5 like this, and a number of which the model
    made "why minimum nearest lower" was right.
    """
    agreement = sum(word in heard.words for word in number.words) / len(number.words)
    if _number_share(heard) >= MOSTLY_NUMBER:
        return max(confidence, agreement, SURE_OF_NUMBER)
    return max(WORTH_ASKING, (confidence + agreement) / 2)


def _end_of(decoder: Any) -> BestPath:
    decoder.end_utt()
    best = decoder.hyp()
    if best is None or not best.hypstr:
        return BestPath((), 0.0, 0.0)
    frames = max(1, decoder.n_frames())
    return BestPath(
        _words(best.hypstr), float(best.prob), math.log(max(best.score, 1e-300)) / frames
    )


def _words(hypothesis: str) -> tuple[str, ...]:
    """Without the decoder's marks for silence and noise, and for second pronunciations."""
    return tuple(word.partition("(")[0] for word in hypothesis.split() if word[0] not in "<[+")
