"""Which policy deals with what was heard."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from backend.agent.base import Action, Understood
from backend.agent.intents.base import IntentGuess
from backend.agent.knowledge.model import FAQ, UNKNOWN, MenuKey
from backend.agent.policies import (
    account,
    asides,
    billing,
    cancellation,
    closing,
    complaint,
    faq,
    human,
    new_service,
    reprompts,
    support,
    unknown,
    verification,
)
from backend.agent.policies.doubt import ask_whether, ask_which, raise_doubt, settle_doubt
from backend.agent.services import RecordsUnavailable
from backend.agent.turn import Turn
from backend.core.speech import Expect, Heard, HeardKind

Policy = Callable[[Turn], Awaitable[None]]

POLICIES: Mapping[str, Policy] = {
    "billing": billing.begin,
    "technical_support": support.begin,
    "account_info": account.begin,
    "new_service": new_service.begin,
    "cancellation": cancellation.begin,
    "complaint": complaint.begin,
    "human": human.begin,
}
"""What a caller can call about. Beginning one leaves whatever was begun before."""
MOST_PENDING = 3
"""Requests remembered for later; who lists more is asked again."""
ASIDES: Mapping[str, Policy] = {
    FAQ: faq.begin,
    "no_number": faq.where_is_my_number,
    "greeting": asides.greet,
    "thanks": asides.thank,
    "wait": asides.wait,
    "repeat": asides.repeat,
    "never_mind": asides.never_mind,
    "yes": asides.stray_answer,
    "no": asides.stray_answer,
    "goodbye": closing.begin_goodbye,
    UNKNOWN: unknown.begin,
}


async def react(turn: Turn) -> None:
    """Write the answer to what was heard. Raises RecordsUnavailable."""
    verified = turn.memory.verified
    match turn.heard.kind:
        case HeardKind.CALL_STARTED:
            turn.say("greeting")
            turn.ask("how_can_i_help")
        case HeardKind.WORDS:
            await _words(turn)
        case HeardKind.DIGITS:
            await _digits(turn)
        case HeardKind.SILENCE:
            reprompts.silence(turn)
        case HeardKind.UNINTELLIGIBLE:
            reprompts.noise(turn)
        case HeardKind.TIME_UP:
            closing.time_up(turn)
        case HeardKind.TRANSFER_FAILED:
            await human.transfer_failed(turn)
    if not turn.reprompt:
        await _pending(turn)
        turn.memory = replace(turn.memory, misses=0)
        if turn.memory.verified is verified:
            turn.memory = replace(turn.memory, verified=None)


async def hand_over(turn: Turn, intent: str) -> None:
    """Begin the policy that the LLM takes the words to ask for, as if they had been understood.

    A policy that would act at once is not let: the caller is asked first whether that is meant.
    A model can be talked into calling anything, and an action needs the caller's own yes.
    """
    trial = Turn(turn.heard, turn.memory, turn.services)
    trial.understand_as(intent)
    try:
        await _request(trial)
        acts = any(isinstance(step, Action) for step in trial.steps)
    except RecordsUnavailable:
        acts = True  # what follows would open a ticket
    if acts:
        ask_whether(turn, intent)
    else:
        turn.memory, turn.steps, turn.reprompt = trial.memory, trial.steps, trial.reprompt


async def _words(turn: Turn) -> None:
    if not turn.heard.text.strip() or turn.heard.confidence < turn.services.reject_below:
        reprompts.noise(turn)
        return
    if settle_doubt(turn) or raise_doubt(turn):
        return
    if turn.heard.kind is HeardKind.DIGITS:  # what was in doubt had been keyed
        await _digits(turn)
    elif await verification.take_back(turn):
        turn.steps.insert(0, Understood("customer_number", turn.heard.confidence))
    elif turn.task and turn.task.fits(turn):
        await _answer_task(turn)
    else:
        await _request(turn)


async def _digits(turn: Turn) -> None:
    if settle_doubt(turn):
        return
    if turn.heard.kind is HeardKind.WORDS:  # a doubt about words was settled by a key
        await _words(turn)
    elif turn.task and turn.task.fits(turn) and not _wants_person(turn):
        await _answer_task(turn)
    else:
        await _menu(turn)


async def _answer_task(turn: Turn) -> None:
    task = turn.task
    if task:
        answer = turn.yes_no()
        meaning = task.intent or (answer.answer.value if answer else "")
        turn.steps.insert(0, Understood(meaning, turn.heard.confidence))
        await task.answer(turn)


async def _request(turn: Turn) -> None:
    first, *others = _requests(turn.guess)
    if not others and ask_which(turn):
        return
    pending = (*others, *turn.memory.pending)[:MOST_PENDING]
    turn.memory = replace(turn.memory, pending=pending)
    turn.hear_as(turn.heard, first)
    turn.steps.insert(0, Understood(first.reported, first.confidence))
    await _act(turn, first)


def _requests(guess: IntentGuess) -> list[IntentGuess]:
    """What is asked for in one breath, in the order it is dealt with; at least the guess itself."""
    asked = [part for part in guess.parts if part.intent in POLICIES or part.intent == FAQ]
    if len(asked) < 2:
        return [guess]
    # A person is told everything by the caller.
    return [part for part in asked if part.intent == "human"] or asked


async def _pending(turn: Turn) -> None:
    """Go on with what else was asked for, as long as nothing is left of what was begun."""
    while turn.memory.pending and not turn.memory.tasks and not turn.memory.doubt:
        following, *others = turn.memory.pending
        turn.memory = replace(turn.memory, pending=tuple(others))
        turn.hear_as(Heard(HeardKind.WORDS, following.said), following)
        about = turn.knowledge.about.get(following.label)
        if about:
            turn.say("next_topic", about=about)
        await _act(turn, following)


async def _act(turn: Turn, guess: IntentGuess) -> None:
    if guess.intent in POLICIES:
        await _begin(turn, guess.intent)
    else:
        if guess.intent == FAQ:
            _note_main_intent(turn, guess.reported)
        await ASIDES[guess.intent](turn)


def _chosen(turn: Turn) -> MenuKey | None:
    key = turn.heard.digits.strip().rstrip("#")
    return next((option for option in turn.knowledge.menu if option.key == key), None)


def _wants_person(turn: Turn) -> bool:
    """The person's key works while a number is asked for: one digit is never a number."""
    chosen = _chosen(turn)
    asks_number = turn.memory.question.expect is Expect.NUMBER
    return asks_number and chosen is not None and chosen.intent == "human"


async def _menu(turn: Turn) -> None:
    chosen = _chosen(turn)
    busy = turn.task is not None and turn.task.in_progress
    if chosen is None or (busy and chosen.intent != "human"):
        reprompts.wrong_key(turn)
        return
    turn.steps.insert(0, Understood(chosen.intent, 1.0))
    await _begin(turn, chosen.intent)


async def _begin(turn: Turn, intent: str) -> None:
    turn.drop_tasks()
    _note_main_intent(turn, intent)
    await POLICIES[intent](turn)


def _note_main_intent(turn: Turn, intent: str) -> None:
    """What the call is about: its first request; a policy's counts more than a question's."""
    known = turn.memory.main_intent
    if not known or (known.startswith(FAQ) and intent in POLICIES):
        turn.memory = replace(turn.memory, main_intent=intent)
