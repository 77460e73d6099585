"""Whether what a caller has said so far can be all of it: it decides how long we wait for more.

Rules rather than a model: they cost a fraction of a millisecond, and each can be argued with.
"""

from collections.abc import Sequence

from backend.agent.policies.doubt import chosen
from backend.agent.slots.numbers import Length
from backend.agent.slots.spoken_digits import digit_runs, tokens
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import REQUESTS, Turn
from backend.core.speech import Completeness, Expect

CONFIDENT = 0.85
"""Intent confidence from which a sentence counts as said. More than an answer needs: being cut off
in the middle of a sentence is worse than waiting a third of a second longer."""
SHORTEST_REQUEST_WORDS = 2
"""One word that sounds like a request ("internet") is as often the beginning of one."""

_REQUESTS = REQUESTS | {"no_number", "repeat", "never_mind"}
_HESITATIONS = frozenset("um uh er erm uhm ah hmm hm eh mm well so like".split())
_GOES_ON = _HESITATIONS - {"like"} | frozenset(
    """and but or because cause if than since to the a an my your our his their for of with from
    about into without i we i'm i'd i'll i've you're we're it's he's she's they're there's that's
    is are was were am be can could will would should shall do does did have has had want need
    wanna gonna let's also which while until""".split()
)
"""Words that hardly ever end a sentence."""
_REQUEST_GOES_ON = frozenset(
    """any some all no not this these there very too doesn't don't can't isn't won't didn't aren't
    wasn't keep keeps another other more much many few""".split()
)
"""Words that end an answer ("no, it doesn't") but hardly ever a request."""
_BEGINNINGS = ("would like", "i'd like", "we'd like", "get rid", "a little")
"""What a request hardly ever ends with either."""
_DETERMINERS = frozenset("my our the a an your this that".split())
_ASKS = frozenset("what what's where where's when when's how how's who who's which why".split())
_MAY_END_A_QUESTION = frozenset(
    """is are was were am be can could will would should do does did have has had want need for of
    with from about to""".split()
)
_SUBJECTS = frozenset("my your the our this that it i you we he she they there these those".split())
""" "Tell me what my balance is" and "who am I talking to" are whole: the question has somebody or
something in it. "How much is" has not."""
_ENDINGS = (
    "think so", "hope so", "guess so", "believe so", "suppose so", "do so", "i am", "i do",
    "i did", "i can", "i have", "i would", "i was", "we do", "we are", "it is", "it does",
    "it did", "it was", "they are", "want to", "love to", "like to", "rather not", "go on",
)  # fmt: skip
"""Answers that end in one of those words all the same: "I don't want to"."""
_PHRASES_OF_DELAY = (
    "hold on", "hang on", "wait", "second", "minute", "moment", "let me see", "let me check",
    "let me look", "let me think", "let me get it", "let me find it", "bear with me",
)  # fmt: skip
_LEADS_TO_A_NUMBER = frozenset(
    """my the is it it's its that's number number's customer account id phone yes yeah yep okay ok
    sure right here here's this would be i think i've got have sorry no not again please of course
    and then um uh er erm uhm ah hmm well so actually mean""".split()
)
"""Words around the digits of a number that say nothing else."""
_TAKES_IT_BACK = frozenset("no sorry wait not actually mean and um uh er erm uhm hmm".split())
"""After a whole number: it is about to be corrected, or something is to follow."""
_NAMES_A_NUMBER = frozenset({"number", "account", "customer", "id"})


def completeness(turn: Turn) -> Completeness:
    """What `turn.heard.text` amounts to as an answer to the question of `turn.memory`."""
    spoken = tokens(turn.heard.text)
    if not spoken:
        return Completeness.NOTHING
    if _HESITATIONS.issuperset(spoken):
        return Completeness.UNFINISHED
    match turn.memory.question.expect:
        case Expect.NUMBER:
            return _of_number(turn, spoken) or _of_words(turn, spoken)
        case Expect.YES_NO:
            return _of_yes_no(turn, spoken) or _of_words(turn, spoken)
        case _:
            return _of_words(turn, spoken)


def _of_number(turn: Turn, spoken: Sequence[str]) -> Completeness | None:
    """None when words are said that are not about the number."""
    if " ".join(spoken).endswith(_PHRASES_OF_DELAY):
        return Completeness.UNFINISHED
    runs = digit_runs(spoken)
    digits_at = {position for run in runs for position in range(run.start, run.end)}
    others = [word for position, word in enumerate(spoken) if position not in digits_at]
    if not _LEADS_TO_A_NUMBER.issuperset(others):
        return None
    question = turn.memory.question
    slot = turn.number(Length(question.min_digits, question.max_digits))
    if slot is None:
        answer = turn.yes_no()
        has_none = answer is not None and answer.answer is Answer.NO
        return Completeness.UNKNOWN if has_none else Completeness.UNFINISHED
    if runs[-1].end < len(spoken) and spoken[-1] in _TAKES_IT_BACK:
        return Completeness.UNFINISHED
    if len(slot.digits) < question.min_digits:
        return Completeness.UNFINISHED
    is_whole = slot.complete and len(slot.digits) == question.max_digits
    return Completeness.COMPLETE if is_whole else Completeness.UNKNOWN


def _of_yes_no(turn: Turn, spoken: Sequence[str]) -> Completeness | None:
    """None when it is not just yes or no."""
    answer = turn.yes_no(confirming=turn.memory.doubt is not None)
    if answer is None or answer.rest:
        return None
    return Completeness.UNFINISHED if _goes_on(spoken) else Completeness.COMPLETE


def _of_words(turn: Turn, spoken: Sequence[str]) -> Completeness:
    if _goes_on(spoken) or _within_a_number(turn, spoken):
        return Completeness.UNFINISHED
    doubt = turn.memory.doubt
    if doubt and chosen(turn, doubt.choices):
        return Completeness.COMPLETE  # "my bill", asked whether it is about that
    task = turn.task
    answer = turn.yes_no()
    is_bare = answer is not None and not answer.rest
    if is_bare and len(spoken) > 1:
        return Completeness.COMPLETE  # "no thank you", to whatever was asked
    if task is not None and turn.memory.question.expect is Expect.OPEN and task.fits(turn):
        # Yes and no are an answer; a story or a choice in the caller's own words may go on.
        return Completeness.COMPLETE if is_bare else Completeness.UNKNOWN
    guess = turn.guess
    is_request = guess.intent in _REQUESTS and guess.confidence >= CONFIDENT
    if guess.intent == "goodbye" and is_request:
        return Completeness.COMPLETE  # one word, and the beginning of nothing else
    if not is_request or len(spoken) < SHORTEST_REQUEST_WORDS:
        return Completeness.UNKNOWN
    return Completeness.UNKNOWN if _breaks_off(spoken) else Completeness.COMPLETE


def _goes_on(spoken: Sequence[str]) -> bool:
    """Whether it ends as no sentence does."""
    last = spoken[-1]
    if last not in _GOES_ON:
        return False
    if last in _MAY_END_A_QUESTION and _is_question(spoken[:-1]):
        return False
    if last == "to" and not _refuses(spoken):
        return True
    return not " ".join(spoken).endswith(_ENDINGS)


def _breaks_off(spoken: Sequence[str]) -> bool:
    """Whether a request could have more to it: "my internet", "I would like"."""
    is_subject_alone = len(spoken) == SHORTEST_REQUEST_WORDS and spoken[0] in _DETERMINERS
    ends_early = spoken[-1] in _REQUEST_GOES_ON or " ".join(spoken).endswith(_BEGINNINGS)
    return is_subject_alone or ends_early


def _is_question(spoken: Sequence[str]) -> bool:
    return not _ASKS.isdisjoint(spoken) and not _SUBJECTS.isdisjoint(spoken)


def _refuses(spoken: Sequence[str]) -> bool:
    """ "I don't want to" and "I'd love to" end there; "I want to" does not."""
    return not {"don't", "not", "didn't", "love"}.isdisjoint(spoken)


def _within_a_number(turn: Turn, spoken: Sequence[str]) -> bool:
    """A customer number given unasked has begun: "my number is one zero", or digits alone."""
    runs = digit_runs(spoken)
    if not runs or runs[-1].end < len(spoken):
        return False
    is_all = runs[-1].start == 0 and len(spoken) > 1
    if _NAMES_A_NUMBER.isdisjoint(spoken) and not is_all:
        return False
    slot = turn.number(Length(turn.knowledge.min_digits, turn.knowledge.max_digits))
    return slot is not None and len(slot.digits) < turn.knowledge.min_digits
