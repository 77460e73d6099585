"""The trigram model: proper probabilities, and a file that decoders read."""

import math
from itertools import pairwise
from pathlib import Path

import pocketsphinx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.asr.sphinx import pronunciation
from backend.asr.sphinx.language_model import END, START, TrigramModel

WORDS = ("my", "bill", "is", "wrong", "internet")
sentences = st.lists(
    st.tuples(
        st.lists(st.sampled_from(WORDS), max_size=5),
        st.floats(min_value=0.01, max_value=100),
    ),
    min_size=1,
    max_size=8,
)
histories = st.lists(st.sampled_from((START, *WORDS)), max_size=2).map(tuple)


@given(sentences, histories)
def test_what_follows_any_history_has_probability_one_in_all(
    said: list[tuple[list[str], float]], history: tuple[str, ...]
) -> None:
    model = TrigramModel(said)
    total = sum(model.probability(word, history) for word in (*model.words, END))
    assert total == pytest.approx(1.0)


@given(sentences)
def test_every_word_of_the_model_may_follow_anything(said: list[tuple[list[str], float]]) -> None:
    model = TrigramModel(said)
    assert all(model.probability(word, ("wrong", "my")) > 0 for word in model.words)


def test_a_heavier_sentence_is_likelier() -> None:
    model = TrigramModel([(["my", "bill"], 9.0), (["my", "internet"], 1.0)])
    history = (START, "my")
    assert model.probability("bill", history) > 3 * model.probability("internet", history)


def test_a_word_nobody_says_is_impossible() -> None:
    assert TrigramModel([(["my", "bill"], 1.0)]).probability("zebra", ("my",)) == 0.0


@given(sentences)
def test_the_file_holds_as_many_entries_as_it_announces(
    said: list[tuple[list[str], float]],
) -> None:
    announced, found = _counts(TrigramModel(said).arpa())
    assert announced == found


@given(sentences)
def test_an_entry_of_the_file_is_the_models_probability(
    said: list[tuple[list[str], float]],
) -> None:
    model = TrigramModel(said)
    for line in model.arpa().partition("\\3-grams:")[2].splitlines():
        if (line and line[0] == "-") or line.startswith("0.0"):
            log10, *gram = line.split()
            wanted = math.log10(model.probability(gram[2], (gram[0], gram[1])))
            assert float(log10) == pytest.approx(wanted, abs=1e-4)


@given(sentences)
def test_what_backing_off_reaches_is_in_the_file(said: list[tuple[list[str], float]]) -> None:
    """A decoder that looks up a trigram's last two words must find that bigram."""
    sections = _sections(TrigramModel(said).arpa())
    bigrams = {tuple(line.split()[1:3]) for line in sections[2]}
    for line in sections[3]:
        first, second, third = line.split()[1:4]
        assert {(first, second), (second, third)} <= bigrams


def test_pocketsphinx_loads_the_file_and_searches_with_it(tmp_path: Path) -> None:
    model = TrigramModel([(["my", "bill", "is", "wrong"], 1.0)])
    (tmp_path / "model.arpa").write_text(model.arpa())
    (tmp_path / "words.dict").write_text(pronunciation.dictionary(model.words))
    decoder = pocketsphinx.Decoder(lm=None, dict=str(tmp_path / "words.dict"), loglevel="FATAL")
    decoder.add_lm_file("questions", str(tmp_path / "model.arpa"))
    decoder.activate_search("questions")
    assert decoder.current_search() == "questions"


def test_no_sentences_at_all_make_a_model_without_words() -> None:
    model = TrigramModel([])
    assert model.words == []
    announced, found = _counts(model.arpa())
    assert announced == found


def _sections(arpa: str) -> dict[int, list[str]]:
    """The entries by their order."""
    heads = ["\\1-grams:", "\\2-grams:", "\\3-grams:", "\\end\\"]
    places = [arpa.index(head) for head in heads]
    return {
        order: [line for line in arpa[start:end].splitlines()[1:] if line]
        for order, (start, end) in enumerate(pairwise(places), 1)
    }


def _counts(arpa: str) -> tuple[dict[int, int], dict[int, int]]:
    lines = [line for line in arpa.splitlines() if line.startswith("ngram ")]
    pairs = [line.removeprefix("ngram ").split("=") for line in lines]
    announced = {int(order): int(count) for order, count in pairs}
    return announced, {order: len(lines) for order, lines in _sections(arpa).items()}
