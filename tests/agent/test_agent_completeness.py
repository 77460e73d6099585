"""Has the caller finished? What was said so far, judged by the question it answers."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.agent.agent import FrontdeskAgent
from backend.agent.memory import Memory
from backend.core.records import CallInfo
from backend.core.speech import OPEN_QUESTION, Completeness, Expect, Question, Sentence
from tests.agent.harness import Call

NUMBER = Question(Expect.NUMBER, 4, 4)
LONG_NUMBER = Question(Expect.NUMBER, 4, 8)
YES_NO = Question(Expect.YES_NO)
AgentMaker = Callable[..., FrontdeskAgent]
Judge = Callable[[str, Question], Completeness]


@pytest.fixture(name="agent")
def _agent(make_agent: AgentMaker) -> FrontdeskAgent:
    return make_agent()


@pytest.fixture(name="judge")
def _judge(agent: FrontdeskAgent) -> Judge:
    dialogue = agent.begin(CallInfo("call-1", "text"))

    def judge(text: str, question: Question) -> Completeness:
        return agent.completeness(text, replace(dialogue, question=question))

    return judge


@pytest.mark.parametrize("question", [OPEN_QUESTION, NUMBER, YES_NO])
def test_no_words_are_nothing(judge: Judge, question: Question) -> None:
    assert judge(" ", question) is Completeness.NOTHING


@pytest.mark.parametrize("question", [OPEN_QUESTION, NUMBER, YES_NO])
@pytest.mark.parametrize("text", ["um", "well uh", "er"])
def test_a_hesitation_asks_for_patience(judge: Judge, question: Question, text: str) -> None:
    assert judge(text, question) is Completeness.UNFINISHED


@pytest.mark.parametrize(
    "text",
    [
        "one zero zero four", "it's one zero zero four", "my number is ten oh four", "1004",
        "yes one double zero four", "one zero no one zero zero four",
    ],
)  # fmt: skip
def test_a_whole_number_is_complete(judge: Judge, text: str) -> None:
    assert judge(text, NUMBER) is Completeness.COMPLETE


@pytest.mark.parametrize(
    "text",
    [
        "one", "one zero zero", "my number is", "it's one zero", "yes", "hold on",
        "wait a second", "one second let me see", "one zero zero four no", "one zero zero four and",
    ],
)  # fmt: skip
def test_a_number_that_lacks_digits_or_is_being_corrected_is_unfinished(
    judge: Judge, text: str
) -> None:
    assert judge(text, NUMBER) is Completeness.UNFINISHED


@pytest.mark.parametrize("text", ["one two three four five", "no"])
def test_an_answer_that_fits_no_number_may_or_may_not_be_all(judge: Judge, text: str) -> None:
    assert judge(text, NUMBER) is Completeness.UNKNOWN


def test_a_number_that_could_be_longer_may_or_may_not_be_all(judge: Judge) -> None:
    assert judge("one zero zero four", LONG_NUMBER) is Completeness.UNKNOWN
    assert judge("one zero zero four one zero zero five", LONG_NUMBER) is Completeness.COMPLETE


def test_a_request_where_a_number_was_asked_is_judged_as_a_request(judge: Judge) -> None:
    assert judge("what are your opening hours", NUMBER) is Completeness.COMPLETE
    assert judge("i do not have my", NUMBER) is Completeness.UNFINISHED


@pytest.mark.parametrize(
    "text", ["yes", "no", "yeah", "yes please", "i think so", "i don't want to", "that's right"]
)
def test_yes_and_no_are_complete_without_a_pause(judge: Judge, text: str) -> None:
    assert judge(text, YES_NO) is Completeness.COMPLETE


@pytest.mark.parametrize("text", ["yes but", "no because", "yes um", "no i want to"])
def test_yes_and_no_that_go_on_are_unfinished(judge: Judge, text: str) -> None:
    assert judge(text, YES_NO) is Completeness.UNFINISHED


@pytest.mark.parametrize(
    "text",
    [
        "i want to", "i want to pay my", "my bill and", "can you tell me the", "i'd", "how much is",
        "it's about", "my account number is one zero", "one zero",
    ],
)  # fmt: skip
def test_a_sentence_that_breaks_off_is_unfinished(judge: Judge, text: str) -> None:
    assert judge(text, OPEN_QUESTION) is Completeness.UNFINISHED


@pytest.mark.parametrize(
    "text", ["what are your opening hours", "i want to pay my bill", "tell me what my balance is"]
)
def test_a_clear_request_is_complete(judge: Judge, text: str) -> None:
    assert judge(text, OPEN_QUESTION) is Completeness.COMPLETE


@pytest.mark.parametrize("text", ["hello", "my internet", "blue tomatoes sing", "yes"])
def test_what_could_be_all_or_not_is_unknown(judge: Judge, text: str) -> None:
    assert judge(text, OPEN_QUESTION) is Completeness.UNKNOWN


def test_no_to_anything_else_is_complete(call: Call) -> None:
    call.says("what are your opening hours")
    assert call.question.expect is Expect.OPEN
    assert call.agent.completeness("no", call.dialogue) is Completeness.COMPLETE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80), st.sampled_from([OPEN_QUESTION, NUMBER, LONG_NUMBER, YES_NO]))
def test_any_text_gets_a_judgement(agent: FrontdeskAgent, text: str, question: Question) -> None:
    dialogue = replace(agent.begin(CallInfo("call-1", "text")), question=question)
    assert agent.completeness(text, dialogue) in Completeness


def test_a_judgement_is_quick_enough_for_every_pause(judge: Judge) -> None:
    judge("i want to pay my bill", OPEN_QUESTION)
    begun_at_s = time.process_time()
    for _ in range(20):
        judge("i would like to pay my bill with a card please", OPEN_QUESTION)
    assert (time.process_time() - begun_at_s) / 20 < 0.01, "measured: 0.0002"


def test_a_question_that_was_not_heard_is_not_being_answered(agent: FrontdeskAgent) -> None:
    said = (Sentence("I can look that up."), Sentence("What is your customer number?"))
    asked = replace(agent.begin(CallInfo("call-1", "text")), question=NUMBER, said=said)

    def question(*heard: str) -> Question:
        dialogue = agent.interrupted(asked, heard)
        assert isinstance(dialogue, Memory)
        return dialogue.question

    assert question() == OPEN_QUESTION
    assert question("I can look") == OPEN_QUESTION
    assert question("I can look that up.") == OPEN_QUESTION
    assert question("I can look that up.", "What is your") == NUMBER
