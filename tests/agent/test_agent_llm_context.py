"""What the LLM is told of a call, and how that is kept within its context window."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backend.agent.knowledge.facts import Fact
from backend.agent.knowledge.store import Snapshot
from backend.agent.llm.context import KEPT_WHOLE, SHORT_WORDS, fitted, prompt_tokens
from backend.agent.llm.dialogue_state import dialogue_state
from backend.agent.llm.grounding import Grounding
from backend.agent.llm.prompt import LONGEST_QUESTION, MOST_TOKENS, Prompt
from backend.agent.llm.tools import TOOLS
from backend.agent.memory import CALLBACK_TIME, PHONE, Exchange, Known, Memory
from backend.config import Settings
from backend.core.records import CallInfo
from tests.agent.conftest import AgentMaker
from tests.agent.harness import Call

SMALLEST = 2048
"""Tokens; the setting takes no less."""
QUESTION = "do you deliver gates"
LONG_FACT = Fact("A gate is painted twice. " * 100, "kb:documents/paint")


def exchange(number: int) -> Exchange:
    return Exchange(f"question {number} about gates", f"Answer {number}. And more of it.")


def prompt(*, facts: list[Fact], asked: int = 0) -> Prompt:
    history = [exchange(number) for number in range(asked)]
    return Prompt("Acme", facts, QUESTION, history, ("The caller is not verified.",), (), TOOLS)


# The window


def test_a_short_prompt_is_sent_whole() -> None:
    short = prompt(facts=[Fact("We sell gates.", "kb:faq/gates")], asked=2)
    assert fitted(short, 4096).messages() == short.messages()


@given(
    st.lists(st.text(max_size=4000), max_size=12),
    st.lists(st.tuples(st.text(max_size=2000), st.text(max_size=600)), max_size=12),
    st.text(max_size=2 * LONGEST_QUESTION),
    st.integers(SMALLEST, 8192),
)
def test_whatever_is_asked_prompt_and_answer_fit(
    facts: list[str], history: list[tuple[str, str]], question: str, context_tokens: int
) -> None:
    exchanges = [Exchange(caller, bot) for caller, bot in history]
    whole = Prompt("Acme", [Fact(text, "") for text in facts], question, exchanges, (), (), TOOLS)
    sent = fitted(whole, context_tokens)
    assert prompt_tokens(sent) + MOST_TOKENS <= context_tokens
    assert sent.messages()[-1] == whole.messages()[-1], "the question is always there"


def test_the_smallest_window_has_room_for_facts() -> None:
    longest = replace(prompt(facts=[]), question="why " * 1000)
    assert SMALLEST - MOST_TOKENS - prompt_tokens(longest) > 500


def test_the_setting_takes_nothing_smaller() -> None:
    smallest = Settings.model_fields["llm_context_tokens"].metadata[0].ge
    assert smallest == SMALLEST


def test_facts_go_from_the_lowest_rank_up() -> None:
    facts = [replace(LONG_FACT, source=str(rank)) for rank in range(9)]
    kept = fitted(prompt(facts=facts), SMALLEST).facts
    assert 0 < len(kept) < len(facts)
    assert list(kept) == facts[: len(kept)]


def test_a_fact_too_long_for_the_window_keeps_no_other_out() -> None:
    endless = replace(LONG_FACT, text=LONG_FACT.text * 50)
    short = Fact("We sell gates.", "kb:faq/gates")
    assert fitted(prompt(facts=[endless, short]), SMALLEST).facts == (short,)


def test_the_newest_exchanges_stay_whole_and_older_ones_in_short() -> None:
    sent = fitted(prompt(facts=[], asked=5), 4096)
    assert sent.history == tuple(exchange(number) for number in (3, 4))
    assert [old.bot for old in sent.earlier] == ["Answer 0.", "Answer 1.", "Answer 2."]
    roles = [message["role"] for message in sent.messages()]
    assert roles == ["system", *["user", "assistant"] * (1 + KEPT_WHOLE), "user"]


def test_what_a_caller_said_never_stands_among_the_rules() -> None:
    rules, *others = fitted(prompt(facts=[], asked=5), 4096).messages()
    said = " ".join(message["content"] for message in others if message["role"] == "user")
    for number in range(5):
        assert exchange(number).caller in said
        assert exchange(number).caller not in rules["content"]


def test_a_long_question_of_old_is_cut() -> None:
    talk = Prompt("Acme", [], QUESTION, [Exchange("why " * 90, "Hardly ever. Or never.")] * 3)
    (old,) = fitted(talk, 4096).earlier
    assert old == Exchange(" ".join(["why"] * SHORT_WORDS), "Hardly ever.")


def test_the_newest_exchange_comes_before_facts_and_older_ones_after_them() -> None:
    facts = [replace(LONG_FACT, source=str(rank)) for rank in range(9)]
    talk = replace(prompt(facts=facts, asked=9), history=[exchange(n) for n in range(9)])
    sent = fitted(talk, SMALLEST)
    assert sent.history[-1] == exchange(8)
    assert sent.facts


def test_fitting_twice_changes_nothing() -> None:
    once = fitted(prompt(facts=[LONG_FACT] * 9, asked=9), SMALLEST)
    again = fitted(once, SMALLEST)
    assert again.history == once.history
    assert again.facts == once.facts


def test_what_was_answered_long_ago_may_be_said_again() -> None:
    talk = Prompt("Acme", [], QUESTION, [Exchange("when", "We open at 7 a.m.")] * 4)
    sent = fitted(talk, 4096)
    assert Grounding.of(replace(sent, history=())).ungrounded("We open at 7 a.m.") == frozenset()


# The state


def fresh(snapshot: Snapshot) -> Memory:
    return Memory(snapshot, CallInfo("call-1", "text", "+15557770123"))


def test_a_call_that_has_just_begun_has_hardly_a_state(snapshot: Snapshot) -> None:
    assert dialogue_state(fresh(snapshot)) == ("The caller is not verified.",)


def test_the_state_tells_what_was_done_but_not_for_whom(make_agent: AgentMaker) -> None:
    call = Call(make_agent())
    call.says("my internet is down")
    call.says("one zero zero four")
    memory = call.dialogue
    assert isinstance(memory, Memory)
    state = dialogue_state(memory)
    assert "The caller is verified as a customer." in state
    assert "A technical ticket was opened." in state
    text = " ".join(state)
    for private in (*memory.tickets.values(), "1004", "Santos", "84.5", "555", "call-1"):
        assert private not in text


def test_the_state_tells_what_is_known_and_whether_it_was_confirmed(snapshot: Snapshot) -> None:
    known = {
        PHONE: Known("+15550001004", "5 5 5", confirmed=True),
        CALLBACK_TIME: Known("2026-11-19 15:00", "tomorrow at three"),
    }
    state = dialogue_state(replace(fresh(snapshot), known=known, callback_ticket="482137"))
    assert state[1:] == (
        "A phone number to call back on was given and confirmed.",
        "A time to be called back at was given and not confirmed.",
        "A person is going to call the caller back.",
    )


def test_the_state_tells_which_question_was_left_open(make_agent: AgentMaker) -> None:
    call = Call(make_agent(human_extension="2001"))
    asked = call.says("do your technicians wear green hats").sentences[-1]
    memory = call.dialogue
    assert isinstance(memory, Memory)
    assert f'The caller was asked: "{asked}"' in dialogue_state(memory)


def test_a_question_that_holds_what_the_caller_said_is_not_told(make_agent: AgentMaker) -> None:
    call = Call(make_agent())
    call.says("what's my balance")
    assert "1004" in call.says("one zero zero four", confidence=0.3)
    memory = call.dialogue
    assert isinstance(memory, Memory)
    assert "1004" not in " ".join(dialogue_state(memory))


def test_the_state_stands_behind_what_is_said_of_it() -> None:
    asked = Prompt("Acme", [], QUESTION, state=("A technical ticket was opened.",))
    assert "A technical ticket was opened." in asked.messages()[0]["content"]
    spoken = "I have opened a refund ticket."
    assert Grounding.of(asked).ungrounded(spoken), "what nobody did stays unsaid"
