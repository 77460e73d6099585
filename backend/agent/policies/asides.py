"""Words about the conversation itself: hello, thanks, wait, what?, never mind, a stray yes."""

from backend.agent.policies.closing import anything_else
from backend.agent.policies.faq import back_to_task
from backend.agent.turn import Turn


async def greet(turn: Turn) -> None:
    """The caller says hello."""
    turn.say("hello_again")
    if turn.task and turn.task.in_progress:
        turn.task.again(turn)
    else:
        turn.drop_tasks()
        turn.ask("how_can_i_help")


async def thank(turn: Turn) -> None:
    """The caller says thank you, which is not yet goodbye."""
    turn.say("you_are_welcome")
    back_to_task(turn)


async def wait(turn: Turn) -> None:
    """The caller needs a moment. The question stands and is not repeated."""
    turn.reprompt = True
    turn.say("take_your_time")


async def repeat(turn: Turn) -> None:
    """Say the last answer again, its question included."""
    turn.reprompt = True
    if turn.memory.said:
        turn.steps += turn.memory.said
    else:
        turn.ask_again()


async def never_mind(turn: Turn) -> None:
    """The caller drops what was begun."""
    turn.say("never_mind")
    anything_else(turn)


async def stray_answer(turn: Turn) -> None:
    """Yes or no where neither answers anything."""
    if turn.task and turn.task.in_progress:
        turn.task.again(turn)
    else:
        turn.drop_tasks()
        turn.ask("how_can_i_help")
