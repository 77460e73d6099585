"""The grammar of spoken numbers, as PocketSphinx hears it over the telephone."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx
import pytest

from backend.agent.slots.numbers import Length, spoken_number
from backend.asr.sphinx.grammar import NUMBER_WORDS, WORDS, number_grammar
from backend.asr.sphinx.pronunciation import dictionary
from backend.audio import g711
from backend.audio.resample import resample
from tests.support.caller_voice import flite, have_flite

needs_flite = pytest.mark.skipif(not have_flite(), reason="flite is not installed")


def _decoder(folder: Path, shortest: int, longest: int) -> Any:
    (folder / "words.dict").write_text(dictionary(WORDS))
    (folder / "number.jsgf").write_text(number_grammar(shortest, longest))
    decoder = pocketsphinx.Decoder(lm=None, dict=str(folder / "words.dict"), loglevel="FATAL")
    decoder.add_jsgf_file("number", str(folder / "number.jsgf"))
    decoder.activate_search("number")
    return decoder


@pytest.fixture(scope="module")
def four_digits(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return _decoder(tmp_path_factory.mktemp("grammar"), 4, 4)


def _heard(decoder: Any, text: str, voice: str) -> str:
    """What the grammar makes of it after the telephone."""
    pcm = asyncio.run(flite(text, voice))
    rest = np.zeros(2400, dtype=np.int16)
    line = g711.decode(g711.encode(np.concatenate((rest, pcm, rest))))
    decoder.start_utt()
    decoder.process_raw(resample(line, 8000, 16000).tobytes(), full_utt=True)
    decoder.end_utt()
    best = decoder.hyp()
    return best.hypstr if best is not None else ""


@needs_flite
@pytest.mark.parametrize("voice", ["slt", "awb", "rms"])
@pytest.mark.parametrize("said", ["one zero zero four", "ten oh four", "a thousand and four"])
def test_a_number_is_heard_however_it_is_said(four_digits: Any, said: str, voice: str) -> None:
    slot = spoken_number(_heard(four_digits, said, voice), Length(4, 4))
    assert slot is not None
    assert slot.digits == "1004"


@needs_flite
def test_a_doubled_digit_is_heard(four_digits: Any) -> None:
    assert _heard(four_digits, "one double oh four", "rms") == "one double oh four"


@needs_flite
@pytest.mark.parametrize("said", ["one zero", "one zero zero"])
def test_half_a_number_is_not_made_whole(four_digits: Any, said: str) -> None:
    assert _heard(four_digits, said, "rms") == said


@needs_flite
def test_words_that_lead_up_to_the_number_are_heard_too(four_digits: Any) -> None:
    heard = _heard(four_digits, "my customer number is one zero one two", "slt")
    assert heard == "my customer number is one zero one two"


@pytest.mark.parametrize("shortest", [3, 4, 5, 12])
@pytest.mark.parametrize("more", [0, 1, 4])
def test_pocketsphinx_reads_the_grammar_of_any_lengths(
    tmp_path: Path, shortest: int, more: int
) -> None:
    assert _decoder(tmp_path, shortest, shortest + more).current_search() == "number"


def test_its_words_are_all_in_the_dictionary_it_comes_with() -> None:
    grammar = number_grammar(3, 12)
    rules = grammar[grammar.index("public") :].replace("public", "")
    plain = {word for word in rules.replace("[", " ").replace("]", " ").split() if word.isalpha()}
    assert plain - {"grammar", "number"} <= WORDS
    assert NUMBER_WORDS <= WORDS
