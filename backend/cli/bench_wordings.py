"""What the callers of the latency benches ask, and what else they are heard with.

Like people, they do not use the knowledge base's own words: the recogniser and the agent have to
work for their milliseconds.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """What a turn of the caller is."""

    KNOWLEDGE = "knowledge base"
    """A question the knowledge base answers."""
    REQUEST = "request"
    """Something the bot asks back about."""
    NUMBER = "number"
    YES_NO = "yes/no"


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of the caller."""

    kind: Kind
    text: str


KNOWLEDGE = tuple(
    Line(Kind.KNOWLEDGE, text)
    for text in (
        "could you tell me your opening hours",
        "at what time do you open in the morning",
        "how late can i come on a friday",
        "which payment options do you have",
        "can i pay by credit card",
        "is there a fee if i pay too late",
        "what happens when i pay my bill late",
        "where exactly is your store",
        "what is the address of your office",
        "which areas do you serve",
        "can i get service in my town",
        "how long does it take to install it",
        "when can you come to install the internet",
        "do i have to pay for installation",
        "what is the cost of installation",
        "how long is the minimum contract",
        "what notice do i have to give",
        "i am moving to a new home",
        "can i take my internet with me when i move",
        "is the router included in the plan",
        "may i use my own router",
        "i don't know the password of my wifi",
        "where can i find the wifi password",
        "is there any limit on my data",
        "do you have a limit on downloads",
        "what number can i reach you on",
        "do you have an email address",
        "can you send me my bill by email",
        "where can i find my bill online",
        "is there a discount for students",
        "do you have any discount for seniors",
        "what do i get when i refer a friend",
    )
)
CANCEL = ("i want to cancel my contract", "please cancel my service", "i want to cancel my service")
"""Asked back, denied, nothing done: can be repeated within a call."""
NO = ("no", "no thank you", "no i do not")
BALANCE = ("what is my account balance", "how much do i owe you", "i would like to know my balance")
NUMBER = ("one zero zero four", "one oh oh four", "one double zero four")
"""The number of `bench_scenarios.CUSTOMER`."""

PAUSED_NUMBERS = (
    "one zero [{ms} ms] zero four",
    "one [{ms} ms] zero zero four",
    "one zero zero [{ms} ms] four",
    "one oh [{ms} ms] oh four",
    "one [{ms} ms] zero [{ms} ms] zero [{ms} ms] four",
)
"""The same number as people read it from a bill."""

_YES_NO_EVERY = 5
"""Turns a call has for each yes/no question in it."""
_LEAST_FOR_A_NUMBER = 4


def plan_turns(random: Random, turns: int) -> list[Line]:
    """So many turns of one call, in an order of its own, questions asked back with their answers.

    Mostly knowledge base; the number is asked for once in a call only.
    """
    units: list[list[Line]] = []
    if turns >= _LEAST_FOR_A_NUMBER:
        units.append(_asked_back(random, BALANCE, Kind.NUMBER, NUMBER))
    units += [_asked_back(random, CANCEL, Kind.YES_NO, NO) for _ in range(turns // _YES_NO_EVERY)]
    left = turns - sum(map(len, units))
    units += [[line] for line in random.sample(KNOWLEDGE, min(left, len(KNOWLEDGE)))]
    units += [[random.choice(KNOWLEDGE)] for _ in range(left - len(KNOWLEDGE))]
    random.shuffle(units)
    return [line for unit in units for line in unit]


def _asked_back(
    random: Random, wordings: tuple[str, ...], kind: Kind, answers: tuple[str, ...]
) -> list[Line]:
    return [Line(Kind.REQUEST, random.choice(wordings)), Line(kind, random.choice(answers))]
