"""What has happened in a call, in words for the LLM that hold nothing of the customer's."""

from collections.abc import Iterator

from backend.agent.memory import CALLBACK_TIME, PHONE, Memory
from backend.core.speech import Expect

_KNOWN = {PHONE: "A phone number to call back on", CALLBACK_TIME: "A time to be called back at"}


def dialogue_state(memory: Memory) -> tuple[str, ...]:
    """What the call is about, what is open, asked, known and done: that, never with which values.

    Only fixed words and the operator's own go in. No number, name, amount, or word of the caller's.
    """
    return tuple(_lines(memory))


def _lines(memory: Memory) -> Iterator[str]:
    about = memory.snapshot.knowledge.about
    if topic := about.get(memory.main_intent):
        yield f"The caller called about {topic}."
    who = "is verified as a customer" if memory.customer_number else "is not verified"
    yield f"The caller {who}."
    for task in memory.tasks:
        if task.in_progress and (topic := about.get(task.intent)):
            yield f"Begun and not finished: {topic}."
    if question := _question(memory):
        yield f'The caller was asked: "{question}"'
    for name, known in memory.known.items():
        confirmed = "confirmed" if known.confirmed else "not confirmed"
        yield f"{_KNOWN[name]} was given and {confirmed}."
    for kind in dict.fromkeys(kind for kind, _ in memory.tickets):
        yield f"A {kind} ticket was opened."
    if memory.callback_ticket:
        yield "A person is going to call the caller back."


def _question(memory: Memory) -> str:
    """The question the caller left unanswered. One with slots may hold a number or a name."""
    asked = memory.asked
    if asked is None or asked.slots or memory.question.expect is Expect.OPEN:
        return ""
    return " ".join(memory.snapshot.knowledge.responses.sentences(asked.key))
