"""Rounding off: "anything else?", thanks, goodbye, and calls that end without the caller."""

from dataclasses import dataclass
from typing import ClassVar

from backend.agent.memory import Task
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import Turn
from backend.core.records import CallOutcome
from backend.core.speech import HeardKind

SURE_OF_GOODBYE = 0.8
"""Hanging up on somebody is worse than asking once more."""


def anything_else(turn: Turn) -> None:
    """The request is dealt with; is there another? Not asked of who has named one already."""
    turn.drop_tasks()
    if turn.memory.pending:
        return
    turn.push(AnythingElse())
    turn.ask("anything_else")


@dataclass(frozen=True, slots=True)
class AnythingElse(Task):
    """No ends the call politely; anything but yes or no is a new request."""

    in_progress: ClassVar[bool] = False

    def fits(self, turn: Turn) -> bool:
        """A bare yes or no; keys are a menu choice."""
        answer = turn.yes_no() if turn.heard.kind is HeardKind.WORDS else None
        return answer is not None and not answer.rest

    async def answer(self, turn: Turn) -> None:
        """No: goodbye."""
        answer = turn.yes_no()
        if answer and answer.answer is Answer.NO:
            goodbye(turn)
        else:
            turn.drop_tasks()
            turn.ask("what_else")


async def begin_goodbye(turn: Turn) -> None:
    """The caller says goodbye. A doubtful one is asked about first."""
    asked_already = isinstance(turn.task, AnythingElse)
    if turn.guess.confidence < SURE_OF_GOODBYE and not asked_already:
        anything_else(turn)
    else:
        goodbye(turn)


def goodbye(turn: Turn) -> None:
    """Part as friends."""
    settle(turn)
    turn.say("goodbye")
    turn.hang_up()


def settle(turn: Turn) -> None:
    """Finish what only waited for a detail: a caller who hangs up is called back all the same."""
    for task in reversed(turn.memory.tasks):
        task.settle(turn)


def give_up(turn: Turn) -> None:
    """Nothing came, or nothing was understood, too often."""
    settle(turn)
    if isinstance(turn.task, AnythingElse) and turn.heard.kind is HeardKind.SILENCE:
        # They have what they called for and only did not say goodbye.
        turn.say("goodbye")
    elif turn.heard.kind is HeardKind.SILENCE:
        turn.say("give_up_silence")
    else:
        turn.say("give_up_unclear")
    turn.hang_up(CallOutcome.NO_RESPONSE)


def time_up(turn: Turn) -> None:
    """The call has lasted as long as it may."""
    settle(turn)
    turn.say("time_up")
    turn.hang_up(CallOutcome.TIME_UP)
