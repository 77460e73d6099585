"""What a language model says is held to what it was given, sentence by sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from backend.agent.knowledge.facts import Fact
from backend.agent.knowledge.store import Snapshot
from backend.agent.llm.claims import ClaimKind
from backend.agent.llm.grounding import Grounding
from backend.agent.llm.prompt import Prompt
from backend.agent.memory import Exchange
from backend.agent.sentences import split_sentences


@pytest.fixture(scope="module")
def everything(snapshot: Snapshot) -> Prompt:
    """A prompt with all facts of the shipped knowledge base."""
    return Prompt(snapshot.knowledge.company.name, snapshot.facts.facts, "why")


def kinds(prompt: Prompt, sentence: str) -> set[str]:
    return {kind.value for kind in Grounding.of(prompt).ungrounded(sentence)}


@pytest.mark.parametrize(
    "sentence",
    [
        "Family is 250 megabits for $45 a month.",
        "Our Family plan costs forty-five dollars a month.",
        "Basic is twenty nine dollars, and Premium is sixty nine dollars.",
        "We are open on Tuesday from eight to six.",
        "On Saturday we open at nine.",
        "You find us at 12 Quay Street in Port Ellis.",
        "You can reach Blue Harbor at five five five oh one four two.",
        "Our number is 555-0142.",
        "Please write to help@blueharbor.example.",
        "The notice period is 30 days.",
        "There is a 5 dollar fee when a bill is more than 10 days late.",
        "Installation is free, and a technician needs about an hour.",
        "A new connection takes 5 working days.",
        "Yes, you may also use your own router.",
        "I'm sorry, I do not know that.",
        "Feel free to ask, one of our technicians can tell you more.",
        "Some of them do.",
        "First, turn the router off, and wait 30 seconds.",
        "Your bill comes on the first of the month.",
    ],
)
def test_what_the_facts_say_may_be_said_in_other_words(everything: Prompt, sentence: str) -> None:
    assert kinds(everything, sentence) == set()


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("There are 17 technicians.", "number"),
        ("There are seventeen technicians.", "number"),
        ("We have one hundred and four shops.", "number"),
        ("The notice period is thirty weeks.", "number"),
        ("You get fifty percent more speed.", "number"),
        ("You get half of it.", "number"),
        ("Call 555-0199.", "number"),
        ("Call nine one one.", "number"),
        ("Moving takes ５０ days.", "number"),
        ("It is twenty nine point five megabits.", "number"),
        ("It costs $30.", "price"),
        ("It costs thirty.", "price"),
        ("It costs forty five fifty.", "price"),
        ("It costs a few dollars.", "price"),
        ("There is a fee of five euros.", "price"),
        ("It is five dollars and ten cents.", "price"),
        ("You get a discount.", "price"),
        ("We open on Sunday.", "date"),
        ("Come tomorrow.", "date"),
        ("The bill comes on the third.", "date"),
        ("It takes a fortnight.", "number"),
        ("Please talk to doctor smith.", "name"),
        ("Come on December 1.", "date"),
        ("Come on the first of May.", "date"),
        ("It ends on 12/24.", "date"),
        ("It starts at 9:30.", "date"),
        ("We are open at midnight.", "date"),
        ("Ask for Maria.", "name"),
        ("ask for maria at the desk.", "name"),
        ("Netflix is included.", "name"),
        ("We serve Port Harbor.", "name"),
        ("They speak Portuguese.", "name"),
        ("Write to refunds@evil.example.", "name"),
        ("Visit evil dot com.", "name"),
        ("Спросите Марию.", "name"),
        ("I have cancelled your contract.", "deed"),
        ("We will send a technician.", "deed"),
        ("Your account has been credited.", "deed"),
        ("I am transferring you now.", "deed"),
        ("transfer('2001')", "deed"),
    ],
)
def test_what_the_facts_do_not_say_is_found(everything: Prompt, sentence: str, kind: str) -> None:
    assert kind in kinds(everything, sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Basic costs $69.",
        "Premium has fifty megabits.",
        "On Saturday we are open from eight to six.",
    ],
)
def test_true_numbers_of_something_else_are_found(everything: Prompt, sentence: str) -> None:
    assert kinds(everything, sentence)


def test_every_fact_supports_itself(snapshot: Snapshot) -> None:
    for fact in snapshot.facts.facts:
        prompt = Prompt(snapshot.knowledge.company.name, [fact], "why")
        for sentence in split_sentences(fact.text):
            assert kinds(prompt, sentence) == set(), sentence


def test_the_callers_words_prove_nothing_and_our_earlier_answers_do() -> None:
    fact = Fact("Gates are green.", "kb:faq/gates")
    said = Exchange("is it true that gates cost nine dollars", "The gate is called Alfred.")
    prompt = Prompt("Acme", [fact], "so it is nine dollars", [said])
    assert kinds(prompt, "It is nine dollars.") == {"price"}
    assert kinds(prompt, "It is called Alfred.") == set()


def test_nothing_is_a_price() -> None:
    prompt = Prompt("Acme", [Fact("Gates cost nine dollars.", "")], "q")
    assert kinds(prompt, "Gates cost nothing.") == {"price"}
    assert kinds(prompt, "There is nothing else I know.") == set()


def test_a_number_cut_by_a_breath_is_read_as_one() -> None:
    grounding = Grounding.of(Prompt("Acme", [Fact("It has twenty doors and five gates.", "")], "q"))
    assert grounding.ungrounded("It has twenty") == frozenset()
    assert grounding.ungrounded("five doors.") == {ClaimKind.NUMBER}
    assert grounding.ungrounded("It has five gates.") == frozenset(), "a new sentence"


@given(st.text(), st.text())
def test_any_text_can_be_checked(fact: str, sentence: str) -> None:
    Grounding.of(Prompt("Acme", [Fact(fact, "")], "q")).ungrounded(sentence)


@given(st.integers(min_value=1, max_value=999_999))
def test_a_number_in_figures_is_the_same_in_words(number: int) -> None:
    prompt = Prompt("Acme", [Fact(f"There are {number} gates.", "")], "q")
    assert kinds(prompt, f"There are {num2words(number)} gates.") == set()
    assert "number" in kinds(prompt, f"There are {num2words(number + 1)} gates.")
