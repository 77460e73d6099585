"""The small parts around the LLM: breaker, cache, prompt, sentences, thoughts."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.knowledge.facts import Fact
from backend.agent.llm.answer_cache import AnswerCache
from backend.agent.llm.breaker import Breaker, BreakerState
from backend.agent.llm.prompt import LONGEST_QUESTION, Prompt
from backend.agent.llm.thoughts import ThoughtFilter
from backend.agent.memory import Exchange
from backend.agent.sentences import LONGEST_WORDS, SentenceStream, split_sentences


@dataclass
class HandClock:
    """Time that passes when the test says so."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def breaker(clock: HandClock) -> Breaker:
    return Breaker(clock, failures_allowed=3, rest_s=30)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allow()
        breaker.failed()


# Breaker


def test_a_breaker_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.state.value == "closed"
    fail(breaker, 1)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.allow()


def test_a_success_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.allow()
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED


def test_after_its_rest_one_request_is_tried(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, 3)
    clock.now_s += 30
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.allow()
    assert not breaker.allow(), "only one at a time"


def test_a_trial_that_succeeds_closes_the_breaker(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, 3)
    clock.now_s += 30
    breaker.allow()
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_a_trial_that_fails_opens_it_for_another_rest(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, 3)
    clock.now_s += 30
    breaker.allow()
    assert not breaker.failed(), "it was open before: nothing new to warn of"
    clock.now_s += 29
    assert breaker.state is BreakerState.OPEN


def test_a_trial_that_is_abandoned_can_be_repeated(breaker: Breaker, clock: HandClock) -> None:
    fail(breaker, 3)
    clock.now_s += 30
    breaker.allow()
    breaker.abandoned()
    assert breaker.allow()


def test_a_hopeless_failure_opens_at_once(breaker: Breaker) -> None:
    assert breaker.allow()
    assert breaker.failed(at_once=True)
    assert breaker.state is BreakerState.OPEN


# Cache


def test_an_answer_is_kept_until_it_is_too_old(clock: HandClock) -> None:
    cache = AnswerCache(clock, ttl_s=60)
    cache.put("a", ["Yes."])
    clock.now_s += 59
    assert cache.get("a") == ("Yes.",)
    clock.now_s += 1
    assert cache.get("a") is None
    assert len(cache) == 0


def test_the_least_recently_used_answer_goes_first(clock: HandClock) -> None:
    cache = AnswerCache(clock, capacity=2)
    cache.put("a", ["A."])
    cache.put("b", ["B."])
    cache.get("a")
    cache.put("c", ["C."])
    assert cache.get("b") is None
    assert cache.get("a") == ("A.",)


# Prompt


def test_a_prompt_holds_rules_facts_history_and_question() -> None:
    prompt = Prompt(
        "Acme", [Fact("Gates are green.", "kb:x")], "which gates", [Exchange("hi", "Hello.")]
    )
    rules, before, answered, question = prompt.messages()
    assert "Acme" in rules["content"]
    assert "- Gates are green." in rules["content"]
    assert (before["content"], answered["content"]) == ("hi", "Hello.")
    assert question == {"role": "user", "content": "which gates"}


def test_a_prompt_without_facts_says_that_there_are_none() -> None:
    assert "(none)" in Prompt("Acme", [], "why").messages()[0]["content"]


def test_braces_in_facts_and_questions_are_only_text() -> None:
    messages = Prompt("{company}", [Fact("{facts}", "")], "{0}").messages()
    assert "- {facts}" in messages[0]["content"]
    assert messages[-1]["content"] == "{0}"


def test_a_very_long_question_is_cut() -> None:
    content = Prompt("Acme", [], "why " * 1000).messages()[-1]["content"]
    assert len(content) == LONGEST_QUESTION


def test_prompts_that_differ_only_in_case_and_spaces_share_an_answer() -> None:
    assert Prompt("A", [], "Why  not").key() == Prompt("A", [], "why not").key()
    assert Prompt("A", [], "why not").key() != Prompt("A", [], "why now").key()
    assert Prompt("A", [], "why").key() != Prompt("A", [], "why", [Exchange("x", "y")]).key()


# Sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs $3.50 a month. Really.", ["It costs $3.50 a month.", "Really."]),
        ("Dr. Smith and Mr. J. Park came.", ["Dr. Smith and Mr. J. Park came."]),
        ("Open at 9 a.m. every day.", ["Open at 9 a.m. every day."]),
        ("It costs 5. Next.", ["It costs 5.", "Next."]),
        ("1. Unplug it.\n2. Wait.", ["1. Unplug it.", "2. Wait."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("See blueharbor.example. Bye.", ["See blueharbor.example.", "Bye."]),
        ("Wait... what?", ["Wait...", "what?"]),
        ("A line\nanother", ["A line", "another"]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_text_is_cut_into_sentences(text: str, sentences: list[str]) -> None:
    assert list(split_sentences(text)) == sentences


def test_a_full_stop_waits_for_what_follows() -> None:
    stream = SentenceStream()
    assert stream.feed("It costs 3.") == []
    assert stream.feed("50 a month. ") == ["It costs 3.50 a month."]


def test_a_sentence_that_never_ends_is_cut_at_commas() -> None:
    parts = split_sentences("one, two, three, four and " * 30)
    assert max(len(part.split()) for part in parts) <= LONGEST_WORDS
    assert parts[0].endswith(",")


_TEXT = st.text(alphabet="ab1 .,!?\n\"'$", max_size=200)


@given(_TEXT, st.integers(1, 7))
def test_sentences_do_not_depend_on_how_the_text_was_chunked(text: str, size: int) -> None:
    stream = SentenceStream()
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    streamed = [sentence for part in parts for sentence in stream.feed(part)]
    assert " ".join([*streamed, *stream.finish()]).split() == text.split()


@given(_TEXT)
def test_no_word_is_lost_or_invented(text: str) -> None:
    assert " ".join(split_sentences(text)).split() == text.split()


# Thoughts


@given(st.text(alphabet="<think>/ a", max_size=60), st.integers(1, 5))
def test_thoughts_are_hidden_however_the_text_is_chunked(text: str, size: int) -> None:
    whole, chunked = ThoughtFilter(), ThoughtFilter()
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    assert "".join(map(chunked.feed, parts)) == whole.feed(text)


def test_only_thoughts_are_hidden() -> None:
    thoughts = ThoughtFilter()
    assert thoughts.feed("a <b> <think>x</think>c<think>y</think>d") == "a <b> cd"
