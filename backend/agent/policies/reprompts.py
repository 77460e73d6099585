"""Nothing was said, or nothing that could be understood: ask again, offer the keys, give up."""

from dataclasses import replace

from backend.agent.policies.closing import give_up
from backend.agent.policies.human import offer_person
from backend.agent.turn import Turn
from backend.core.speech import Expect, HeardKind


def silence(turn: Turn) -> None:
    """The caller said nothing."""
    _count(turn)
    if turn.heard.give_up:
        give_up(turn)
        return
    turn.say("silence")
    turn.ask_again()


def noise(turn: Turn) -> None:
    """Sound without words we can rely on. The line counts some of these, we count the rest."""
    # The line counts what it could not make out; words of low confidence only we can count.
    worn_out = turn.heard.kind is HeardKind.WORDS and turn.memory.misses >= turn.services.reprompts
    if turn.heard.give_up or worn_out:
        _count(turn)
        give_up(turn)
    else:
        unclear(turn)


def unclear(turn: Turn) -> None:
    """Words, but none that answer the question or ask for something we know."""
    _count(turn)
    if turn.memory.misses > turn.services.reprompts + 1:
        turn.say("unknown")
        offer_person(turn)
        return
    turn.say("unclear")
    ask_with_keys(turn)


def ask_with_keys(turn: Turn) -> None:
    """The question again, with the keys that answer it: the way out for a voice not understood."""
    task = turn.task
    if turn.memory.doubt or turn.memory.question.expect is Expect.YES_NO:
        turn.ask_again()
        turn.say("yes_no_hint")
    elif task and task.in_progress:
        task.retry(turn)
    else:
        turn.ask_again()
        turn.say("menu_intro")
        for option in turn.knowledge.menu:
            turn.say("menu_option", key=option.key, choice=option.choice)


def wrong_key(turn: Turn) -> None:
    """A key that answers nothing here."""
    _count(turn)
    turn.say("menu_wrong_key")
    ask_with_keys(turn)


def _count(turn: Turn) -> None:
    turn.reprompt = True
    turn.memory = replace(turn.memory, misses=turn.memory.misses + 1)
