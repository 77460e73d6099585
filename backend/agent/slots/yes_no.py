"""Yes and no in the many ways people say them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.agent.words import words


class Answer(StrEnum):
    """What was answered to a yes-or-no question."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class YesNo:
    """The answer, and what was said beside it ("no, I want to cancel" → "i want to cancel")."""

    answer: Answer
    rest: str = ""


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(";"))


YES = _phrases(
    """yes; yeah; yep; yup; yah; yes sir; uh-huh; mhm; aha; sure; sure thing; for sure; correct;
    that's right; you're right; you're correct; that's correct; I'm afraid so;
    exactly; precisely; absolutely; definitely;
    certainly; indeed; affirmative; of course; that's true; go ahead; yes please; oh yes; you bet;
    by all means; very much so; please do; please go ahead"""
)
NO = _phrases(
    """no; nope; nah; naw; nuh-uh; no sir; no way; not really; not at all; not exactly; not quite;
    not yet; not now; not today; not this time; not that I know of; not right now;
    no thanks; no thank you; never; negative; wrong;
    that's wrong; incorrect; that's incorrect; that's not right; that's not it; that's not correct;
    you're wrong; I don't think so; I'm afraid not; of course not; certainly not; absolutely not;
    definitely not; no that's all; nothing else; not interested; I'm not interested; please don't;
    don't do that"""
)
"""These may be followed by something else; whole phrases, so that "not really" is no "really"."""

_ONLY_YES = _phrases(
    """okay; ok; k; alright; all right; right; true; fine; that's fine; good; very good; great;
    perfect; with pleasure; got it; you got it; naturally; probably; most likely; please; si; oui;
    ja; do it; do that; do so; let's do it; let's do that; go on; go for it; I do; I did; I am;
    I would; I'd like that; I would like that; I'd love to; it is; it does; it did; it has;
    that's the one; that's me; that's mine; that's it exactly; I think so; I guess so; I guess;
    I believe so; I suppose so; I hope so; sounds good; sounds great; that works; why not;
    that would be great; that would be nice; that would help; no problem; no doubt; it helped;
    that helped; that did it; it works; it works now; it worked; works now; it's working;
    it's working now; it's working again; working now; it's better; it's better now; better;
    it's fixed; fixed; solved; all good; much better; it's back; it's back now;
    yes that's the one; totally; very well; ya; that's the right one"""
)
_ONLY_NO = _phrases(
    """I don't; I didn't; I do not; I'm not; I wouldn't; I'd rather not; rather not; I guess not;
    I think not; I don't believe so; it's not; it isn't; that isn't it; that's not what I said;
    that's not what I meant; not right; not correct; it doesn't; it didn't; it didn't help;
    that didn't help; didn't help; no change; no difference; nothing changed; the same; same;
    still the same; it's still the same; it's the same; same as before; still not; still no;
    still nothing; still not working; it's still not working; it still doesn't work; still slow;
    it's still slow; still doesn't work; still broken; it's still down; still down; not working;
    it's not working; doesn't work; it doesn't work; didn't work; it didn't work; not fixed;
    not better; it's not better; no luck; nothing; nothing more; nothing at all; no more; none;
    that's all; that's it; that's everything; that will be all; that would be all; that'll be all;
    that's all for now; I'm good; I'm fine; I'm done; I'm all set; all set; I'm okay; we're good;
    don't; leave it; forget it; never mind; no need; not necessary; not needed; I don't want that;
    I don't want to; I don't want it; none of them; none of those; neither; no good; nein; non"""
)
"""These only count when nothing else is said: "I do" is yes, "I do not know" is neither."""

_UNDECIDED = _phrases(
    """yes and no; no idea; I'm not sure; not sure; I don't know; don't know; maybe; perhaps;
    it depends; hard to say; no clue; I never; we never"""
)
_PLAIN = frozenset((word,) for word in words("yes yeah yep no nope sure never"))
"""These are answers at the end of a sentence too; "the bill is wrong" is none."""
_IGNORED = frozenset(
    words(
        "well so oh please thanks thank you very much just now then and but actually honestly"
        " sorry i it is s that a bit the sir madam ma am okay ok really do again for today"
    )
)
"""Says nothing more when it is all that is left."""

_Table = Mapping[tuple[str, ...], Answer]


def _table(*groups: tuple[tuple[str, ...], Answer]) -> _Table:
    return {tuple(words(phrase)): answer for phrases, answer in groups for phrase in phrases}


_LEADING = _table((YES, Answer.YES), (NO, Answer.NO))
_KEYS = _table((("one", "press one"), Answer.YES), (("two", "press two"), Answer.NO))
"""Keys said aloud; "no, one one" is a number being corrected."""
_ALONE = {**_table((_ONLY_YES, Answer.YES), (_ONLY_NO, Answer.NO)), **_LEADING}
_NEITHER = frozenset(tuple(words(phrase)) for phrase in _UNDECIDED)
_THATS_IT = tuple(words("that's it"))
_LONGEST = max(map(len, _ALONE))


def yes_no(text: str, *, confirming: bool = False) -> YesNo | None:
    """The answer in a sentence that answers a yes-or-no question; None when it holds none.

    The longest phrase at the beginning counts, then whatever confirms or corrects it: "yes no"
    and "yeah no" are no. `confirming`: the question was "did you say …?", to which "that's it"
    means yes; after "anything else?" it means no.
    """
    spoken = tuple(words(text))
    if confirming and spoken == _THATS_IT:
        return YesNo(Answer.YES)
    if any(spoken[: len(phrase)] == phrase for phrase in _NEITHER):
        return None
    keyed = _KEYS.get(tuple(word for word in spoken if word not in _IGNORED))
    if keyed:
        return YesNo(keyed)
    alone = _answers(spoken, _ALONE)
    if alone and not alone[1]:
        return YesNo(alone[0])
    leading = _answers(spoken, _LEADING)
    if leading:
        return YesNo(leading[0], leading[1])
    return _closing(spoken)


def _answers(spoken: tuple[str, ...], table: _Table) -> tuple[Answer, str] | None:
    """The last of the answers that begin the sentence, and what follows it if it matters."""
    answer: Answer | None = None
    rest = spoken
    while spoken:
        length = next(_matches(spoken, table), 0)
        if length:
            answer = table[spoken[:length]]
            rest = spoken[length:]
        elif spoken[0] not in _IGNORED:
            break
        spoken = spoken[length or 1 :]
    if answer is None:
        return None
    return answer, "" if _IGNORED.issuperset(rest) else " ".join(rest)


def _closing(spoken: tuple[str, ...]) -> YesNo | None:
    """A plain yes or no at the very end: "I would say yes"."""
    answer = _LEADING.get(spoken[-1:]) if spoken[-1:] in _PLAIN else None
    return YesNo(answer) if answer else None


def _matches(spoken: Sequence[str], table: _Table) -> Iterator[int]:
    """Lengths of the phrases that begin `spoken`, longest first."""
    for length in range(min(_LONGEST, len(spoken)), 0, -1):
        if tuple(spoken[:length]) in table:
            yield length
