"""Questions with a fixed answer; whatever was being asked is asked again afterwards."""

from backend.agent.policies.closing import anything_else
from backend.agent.turn import Turn


async def begin(turn: Turn) -> None:
    """The caller asks something the knowledge base answers."""
    topic = turn.guess.topic
    turn.tell(turn.knowledge.faq[topic].answer, f"kb:faq/{topic}")
    back_to_task(turn)


async def where_is_my_number(turn: Turn) -> None:
    """The caller asks for their customer number without being asked for it."""
    turn.say("number_where")
    back_to_task(turn)


def back_to_task(turn: Turn) -> None:
    """Return from an aside to what was being asked, or to "anything else?"."""
    if turn.task and turn.task.in_progress:
        turn.task.again(turn)
    else:
        anything_else(turn)
