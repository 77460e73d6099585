"""Spoils a sentence the way telephone and recogniser do, for training and measuring.

Seeded, and independent of the platform: the same generator state gives the same text.
"""

import random
import re

from backend.agent.intents.homophones import HOMOPHONES

CASING_CHANCE = 0.5
"""Half of the recognisers write lower case, and some capitals only."""
HOMOPHONE_CHANCE = 0.1
"""For each word that has one."""
DROP_CHANCE = 0.03
REPEAT_CHANCE = 0.03
FILLER_CHANCE = 0.05
"""For each word. All together every seventh word is not as it was (of BANKING77): the error rate
of a good recogniser on telephone speech."""
SHORTEST_DROPPED_FROM = 4
"""Sentences of fewer words keep them all: one dropped is no longer the same request."""
FILLERS = ("um", "uh", "er", "well", "like", "you know", "i mean", "so", "okay", "please")

_PUNCTUATION = re.compile(r"[^\w\s']|_")


def corrupt(text: str, chance: random.Random) -> str:
    """As a recogniser might write it: no punctuation, other casing, homophones, dropped words,
    fillers, repetitions. Never empty unless `text` has no words."""
    spoken = _PUNCTUATION.sub(" ", text).split()
    heard: list[str] = []
    for word in spoken:
        if len(spoken) >= SHORTEST_DROPPED_FROM and chance.random() < DROP_CHANCE:
            continue
        if chance.random() < FILLER_CHANCE:
            heard.append(chance.choice(FILLERS))
        others = HOMOPHONES.get(word.lower(), ())
        if others and chance.random() < HOMOPHONE_CHANCE:
            word = chance.choice(others)  # noqa: PLW2901 - what was heard for the word
        heard.append(word)
        if chance.random() < REPEAT_CHANCE:
            heard.append(word)
    joined = " ".join(heard or spoken)
    if chance.random() < CASING_CHANCE:
        return joined.lower() if chance.random() < CASING_CHANCE else joined.upper()
    return joined
