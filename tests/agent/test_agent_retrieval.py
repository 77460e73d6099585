"""Finding facts by words and by meaning, and telling which were found surely enough to be said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.knowledge.facts import Fact
from backend.agent.llm.attribution import supporting
from backend.agent.retrieval.extract import LONGEST_WORDS, extract, speakable
from backend.agent.retrieval.index import FactIndex, Ranking
from backend.agent.retrieval.vectors import FactVectors, units_of
from tests.agent.papers import WordVectors

ROUTERS = Fact(
    "Rented routers go back to us within 21 days. Bring them to our office.",
    "kb:documents/returns.md#Routers",
    "Returning equipment. Routers",
)
PARKING = Fact(
    "Parking behind our office is free for an hour.", "kb:documents/visit.md#Parking", "Visit"
)
MONEY = Fact("A refund is paid to your bank within ten days.", "kb:documents/visit.md#Refunds")
HOURS = Fact("Opening hours: eight to six.", "kb:company")
FACTS = [ROUTERS, PARKING, MONEY, HOURS]


def with_meaning(facts: list[Fact]) -> FactIndex:
    encoder = WordVectors()
    units = encoder.encode_all([unit for fact in facts for unit in units_of(fact)])
    return FactIndex(facts, FactVectors.of(facts, units), encoder)


def test_words_find_what_has_them_in_any_form() -> None:
    assert FactIndex(FACTS).search("where can i park", 2) == (PARKING,)


def test_meaning_finds_what_has_none_of_the_words() -> None:
    question = "when is my bill paid back"
    assert with_meaning([ROUTERS, PARKING, MONEY]).search(question, 1) == (MONEY,)


def test_what_is_unrelated_is_not_found() -> None:
    for index in (FactIndex(FACTS), with_meaning(FACTS)):
        assert index.search("xylophone zebra quagga", 3) == ()
        assert index.search("", 3) == ()
    assert FactIndex([]).search("anything at all", 3) == ()


def test_each_way_of_ranking_can_be_measured_alone() -> None:
    index = with_meaning(FACTS)
    for way in Ranking:
        assert index.find("how long is parking free", 1, way)[0].fact == PARKING
    assert index.find("parking", 1, Ranking.WORDS)[0].nearness is None


def test_vectors_of_other_facts_are_refused() -> None:
    with pytest.raises(ValueError, match="other facts"):
        FactVectors.of(FACTS, WordVectors().encode_all(["one"]))


def test_facts_that_are_not_encoded_yet_are_found_by_their_words() -> None:
    encoder = WordVectors()
    units = encoder.encode_all(units_of(MONEY))
    vectors = FactVectors.joined([FactVectors.of([MONEY], units), FactVectors.none([PARKING], 256)])
    index = FactIndex([MONEY, PARKING], vectors, encoder)
    assert index.find("parking", 2, Ranking.BOTH) == ()
    assert index.search("when is the refund paid", 1) == (MONEY,)


@given(st.text(max_size=80))
def test_any_question_can_be_asked(question: str) -> None:
    assert len(FactIndex(FACTS).search(question, 2)) <= 2


@pytest.mark.parametrize("index", [FactIndex(FACTS), with_meaning(FACTS)])
def test_the_sentence_that_answers_is_extracted_with_its_source(index: FactIndex) -> None:
    found = extract(index, "when do rented routers go back")
    assert found is not None
    assert found.sentences == ("Rented routers go back to us within 21 days.",)
    assert found.passage.source == "kb:documents/returns.md#Routers"


@pytest.mark.parametrize(
    "question",
    [
        "do you sell green hats",
        "hours",
        "what are your opening hours",
        "a joke about money",
    ],
)
def test_what_is_not_surely_in_a_document_is_not_extracted(question: str) -> None:
    assert extract(FactIndex(FACTS), question) is None
    assert extract(with_meaning(FACTS), question) is None


def test_of_two_sections_that_may_answer_none_is_extracted() -> None:
    twin = Fact(ROUTERS.text, "kb:documents/old.md#Routers", ROUTERS.about)
    assert extract(FactIndex([*FACTS, twin]), "when do rented routers go back") is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1. Bring it back (see Section 5.9).", "Bring it back."),
        ("• it is free (https://example.org/free)", "It is free."),
        ("Run apt-get --purge remove foo.", ""),
        ("Look into /etc/apt/sources.list.", ""),
        ("See the manual for more.", ""),
        ("It costs 45 dollars.", "It costs 45 dollars."),
        ("->", ""),
    ],
)
def test_only_what_can_be_read_aloud_is_said(written: str, said: str) -> None:
    assert speakable(written) == said


@given(st.text(max_size=300))
def test_whatever_is_extracted_is_short(text: str) -> None:
    fact = Fact(f"Routers go back {text} soon.", "kb:documents/any.txt")
    found = extract(FactIndex([fact, *FACTS[1:]]), "routers go back soon")
    if found is not None:
        assert sum(len(sentence.split()) for sentence in found.sentences) <= LONGEST_WORDS


def test_a_sentence_of_a_model_is_traced_to_the_fact_it_says_again() -> None:
    assert supporting("You bring rented routers back within 21 days.", FACTS) == ROUTERS
    assert supporting("Our elephants rented a violet balloon.", FACTS) is None
    assert supporting("It is free.", FACTS) is None
