"""What neither the knowledge base nor a policy covers."""

from backend.agent.policies.human import offer_person
from backend.agent.policies.reprompts import unclear
from backend.agent.turn import Turn
from backend.agent.words import words

QUESTION_WORDS = 3
"""Fewer words are no open question but something misheard."""


async def begin(turn: Turn) -> None:
    """Give it to the task that asks, to documents and LLM, or admit that there is no answer."""
    task = turn.task
    if task and task.in_progress:
        if not await task.misfit(turn):
            unclear(turn)
    elif len(words(turn.request)) < QUESTION_WORDS:
        unclear(turn)
    elif turn.services.answers_open_questions or turn.memory.snapshot.facts.has_passages:
        turn.open_question = turn.heard.text
    else:
        no_answer(turn)


def no_answer(turn: Turn) -> None:
    """Say so, and offer a person."""
    turn.say("unknown")
    offer_person(turn)
