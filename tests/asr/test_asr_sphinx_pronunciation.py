"""How words are spelt out in sounds for the decoder."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.asr.sphinx.pronunciation import dictionary
from tests.support.caller_voice import have_flite

needs_flite = pytest.mark.skipif(not have_flite(), reason="flite is not installed")


def test_a_common_word_sounds_as_in_cmudict() -> None:
    assert dictionary(["internet"]).splitlines()[0] == "internet IH N T ER N EH T"


def test_each_way_to_say_a_word_has_a_line_of_its_own() -> None:
    assert dictionary(["the"]).splitlines() == ["the DH AH", "the(2) DH IY"]


def test_words_are_listed_once_and_in_order() -> None:
    lines = dictionary(["yes", "bill", "yes"]).splitlines()
    assert [line.split()[0] for line in lines] == ["bill", "yes"]


@needs_flite
def test_a_word_cmudict_lacks_is_spoken_by_flite() -> None:
    (line,) = dictionary(["frontdesky"], ["flite"]).splitlines()
    assert line == "frontdesky F R AA N T D EH S K IY"


def test_without_flite_a_strange_word_is_spelt_by_its_letters() -> None:
    assert dictionary(["zyx"]) == "zyx Z IY K S\n"


def test_a_flite_that_fails_is_replaced_by_the_letters() -> None:
    assert dictionary(["zyx"], ["false"]) == "zyx Z IY K S\n"


def test_a_flite_that_is_not_there_is_replaced_by_the_letters(tmp_path: Path) -> None:
    assert dictionary(["zyx"], [str(tmp_path / "flite")]) == "zyx Z IY K S\n"


def test_what_flite_says_beside_sounds_is_left_out() -> None:
    babble = [sys.executable, "-c", "print('pau z ax <b> 17 pau')"]
    assert dictionary(["zyx"], babble) == "zyx Z AH\n"


def test_flite_that_prints_no_text_at_all_is_replaced_by_the_letters() -> None:
    garbage = [sys.executable, "-c", r"import sys; sys.stdout.buffer.write(b'\xff\xfe')"]
    assert dictionary(["zyx"], garbage) == "zyx Z IY K S\n"


def test_a_word_cannot_become_an_option_of_flite() -> None:
    dictionary(["-o"], [sys.executable, "-c", "raise SystemExit('flite was run')"])
    assert dictionary(["-o"]) == "-o AA\n"


@given(st.sets(st.from_regex(r"[a-z']*[a-z][a-z']*", fullmatch=True), max_size=8))
def test_every_word_gets_a_line_and_every_line_has_sounds(words: set[str]) -> None:
    lines = dictionary(words).splitlines()
    assert {line.split()[0].partition("(")[0] for line in lines if line} == words
    assert all(len(line.split()) >= 2 for line in lines if line)
