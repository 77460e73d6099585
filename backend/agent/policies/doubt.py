""" "Did you say …?": asking back before acting on words that were recognised badly."""

from collections.abc import Sequence
from dataclasses import replace

from backend.agent.knowledge.model import UNKNOWN
from backend.agent.memory import Doubt, Phrase
from backend.agent.policies.reprompts import ask_with_keys, noise
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import YES_NO_QUESTION, Turn
from backend.agent.words import words
from backend.core.speech import Expect, HeardKind

CLEAR = 0.75
"""Confidence in an intent from which words that were recognised badly need no asking back: "i've
what time do you open in the morning" can only mean one thing."""
ASKED_BACK = frozenset({"complaint", "goodbye", "human"})
"""Intents acted on at once, whose mistake costs the caller something. A cancellation asks by
itself, and what needs the customer's number is known to be meant when that is told."""
UNSURE = 0.55
CLOSE = 0.6
"""A best intent less probable than `UNSURE` whose runner-up is more than `CLOSE` times as probable
is asked about. Of 496 held-out sentences two are; each intent was meant once."""
_FIRST = frozenset({"first", "former"})
_SECOND = frozenset({"second", "latter", "last"})
MOST_DENIALS = 2
"""After this many wrong guesses in a row the keys are offered."""


def raise_doubt(turn: Turn) -> bool:
    """Ask back when what was heard is doubtful; True when that is this turn's answer."""
    if turn.heard.confidence >= turn.services.confirm_below:
        return False
    task = turn.task
    if task and task.fits(turn):
        phrase = task.read_back(turn)
    elif turn.guess.label == UNKNOWN:
        noise(turn)
        return True
    elif turn.guess.confidence >= CLEAR and turn.guess.intent not in ASKED_BACK:
        return False
    else:
        about = turn.knowledge.about.get(turn.guess.label)
        phrase = Phrase("confirm_topic", {"about": about}) if about else None
    if phrase is None:
        return False
    _ask_back(turn, phrase)
    return True


def ask_whether(turn: Turn, intent: str) -> None:
    """Ask whether the words mean `intent`; yes begins it."""
    about = turn.knowledge.about.get(intent, intent.replace("_", " "))
    _ask_back(turn, Phrase("confirm_topic", {"about": about}), intent)


def _ask_back(turn: Turn, phrase: Phrase, intent: str = "") -> None:
    memory = turn.memory
    turn.reprompt = True
    doubt = Doubt(turn.heard, memory.asked, memory.question, intent)
    turn.memory = replace(memory, doubt=doubt)
    turn.ask(phrase.key, YES_NO_QUESTION, **phrase.slots)


def ask_which(turn: Turn) -> bool:
    """Ask which of two requests is meant when it can be either; True when that is the answer."""
    guess, memory, about = turn.guess, turn.memory, turn.knowledge.about
    choices = (guess.label, guess.runner_up)
    is_close = guess.runner_up_confidence > CLOSE * guess.confidence
    if guess.confidence >= UNSURE or not is_close or not about.keys() >= set(choices):
        return False
    turn.reprompt = True
    doubt = Doubt(turn.heard, memory.asked, memory.question, choices=choices)
    turn.memory = replace(memory, doubt=doubt)
    first, second = (about[label] for label in choices)
    turn.ask("which_topic", first=first, second=second)
    return True


def chosen(turn: Turn, choices: Sequence[str]) -> str | None:
    """Which of two labels an answer to "is it about … or about …?" names; None: neither alone."""
    if not choices:
        return None
    keyed = turn.keyed_choice(choices)
    if keyed or turn.heard.kind is not HeardKind.WORDS:
        return keyed
    spoken = set(words(turn.heard.text))
    of_each = [set(words(turn.knowledge.about[label])) for label in choices]
    own = [of_each[0] - of_each[1] | _FIRST, of_each[1] - of_each[0] | _SECOND]
    named = [label for label, its in zip(choices, own, strict=True) if not its.isdisjoint(spoken)]
    if len(named) == 1:
        return named[0]
    return turn.guess.label if turn.guess.label in choices else None


def settle_doubt(turn: Turn) -> bool:
    """React to the answer to "did you say …?"; True when nothing is left to do this turn.

    Otherwise `turn.heard` is what is to be dealt with now.
    """
    doubt = turn.memory.doubt
    if doubt is None:
        return False
    label = chosen(turn, doubt.choices)
    if label:
        turn.memory = replace(turn.memory, doubt=None, asked=doubt.asked, question=doubt.question)
        turn.hear_as(replace(doubt.heard, confidence=1.0))
        turn.understand_as(label)
        return False
    answer = turn.yes_no(confirming=True)
    # "Yes" to "… or …?" is no answer.
    is_none = bool(doubt.choices) and answer is not None and answer.answer is Answer.YES
    if is_none or (answer is None and turn.guess.intent == "repeat"):
        turn.reprompt = True
        turn.ask_again()
        return True
    turn.memory = replace(turn.memory, doubt=None, asked=doubt.asked, question=doubt.question)
    if answer is None:
        # They said it again instead of confirming it.
        return False
    if answer.answer is Answer.YES:
        turn.hear_as(replace(doubt.heard, confidence=1.0))
        if doubt.intent:
            turn.understand_as(doubt.intent)
        return False
    if len(words(answer.rest)) > 1:
        # "No, one one" corrects a part of the number that was read back.
        before = f"{doubt.heard.text} no " if doubt.question.expect is Expect.NUMBER else ""
        turn.hear_as(replace(turn.heard, text=before + answer.rest))
        return False
    turn.reprompt = True
    turn.memory = replace(turn.memory, misses=turn.memory.misses + 1)
    turn.say("confirm_denied")
    if turn.memory.misses >= MOST_DENIALS:
        ask_with_keys(turn)
    return True
