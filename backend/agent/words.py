"""Text as a recogniser would write it: lower case words, the same for typed and spoken input."""

import re
import unicodedata

MOST_WORDS = 60
"""More than twenty seconds of speech; what comes after is not read."""

_SPELLINGS = (
    (re.compile(r"[’‘`´]"), "'"),
    (re.compile(r"\bwi[ -]fi\b"), "wifi"),
    (re.compile(r"\be[ -]mail\b"), "email"),
    (re.compile(r"\buh[ -]huh\b"), "uhhuh"),
    (re.compile(r"\bnuh[ -]uh\b"), "nuhuh"),
    (re.compile(r"\bm+[ -]?hm+\b"), "mhm"),
    (re.compile(r"\bcan'?t\b|\bcannot\b"), "can not"),
    (re.compile(r"\bwon'?t\b"), "will not"),
    (re.compile(r"\bgonna\b"), "going to"),
    (re.compile(r"\bwanna\b"), "want to"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\b(do|does|did|is|are|was|have|has|had|would|could|should)nt\b"), r"\1 not"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"\b(it|that|what|where|when|who|how|there|here)'s\b"), r"\1 is"),
    (re.compile(r"\b(that|what|where)s\b"), r"\1 is"),
    (re.compile(r"'s\b"), " s"),
)
_WORD = re.compile(r"[^\W_]+")
_FILLERS = frozenset({"um", "uh", "er", "erm", "uhm", "ah", "hmm"})


def words(text: str) -> list[str]:
    """Lower-case words with contractions taken apart and hesitations dropped.

    At most `MOST_WORDS`. Digits stay as they are written.
    """
    # Cut before the work: what a caller types has no limit.
    plain = unicodedata.normalize("NFKC", text[: MOST_WORDS * 20]).lower()
    for pattern, spelling in _SPELLINGS:
        plain = pattern.sub(spelling, plain)
    found = [word for word in _WORD.findall(plain) if word not in _FILLERS]
    return found[:MOST_WORDS]
