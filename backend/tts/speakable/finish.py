"""The last stage: only letters and the punctuation engines pause at; never too long."""

import re
import unicodedata

_PRESS_KEY = {"&": " and ", "+": " plus ", "=": " equals ", "@": " at ", "%": " percent "}
_ABOUT = re.compile(r"(?:\babout\s+)?~\s?(?=[a-z])")
_LESS = re.compile(r"<\s?(?=[a-z])")
_MORE = re.compile(r">\s?(?=[a-z])")
_OR = re.compile(r"(?<=[^\W\d_])/(?=[^\W\d_])")
_STRAY_HYPHEN = re.compile(r"(?<![^\W_])-+|-+(?![^\W_])|-{2,}")
_STRAY_APOSTROPHE = re.compile(r"(?<![^\W_])'+|'+(?![^\W_])|'{2,}")
_BRACKETED = re.compile(r"\s*[()\[\]{}]+\s*")
_GLUED = re.compile(r"([.,;:!?])(?=[^\W_])")
_PUNCTUATION_RUN = re.compile(r"\s*([.,;:!?](?:\s*[.,;:!?])*)")
_STRENGTH = "?!.;:,"
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_CLAUSE_END = re.compile(r"[,;:](?=\s)")


def with_symbols_spoken(text: str) -> str:
    """`&`, `+`, `=`, `@` as words; a slash between words is an `or`."""
    text = text.replace("and/or", "and or")
    text = _MORE.sub(" more than ", _LESS.sub(" less than ", _ABOUT.sub(" about ", text)))
    for symbol, word in _PRESS_KEY.items():
        text = text.replace(symbol, word)
    return _OR.sub(" or ", text)


def finished(text: str) -> str:
    """Everything else dropped, punctuation made single, a full stop at the end."""
    text = _BRACKETED.sub(", ", text)
    text = "".join(char if _is_kept(char) else " " for char in text)
    text = _STRAY_APOSTROPHE.sub(" ", _STRAY_HYPHEN.sub(" ", text))
    text = _PUNCTUATION_RUN.sub(_strongest, text)
    text = " ".join(_GLUED.sub(r"\1 ", text).split()).lstrip(" .,;:!?")
    if not any(char.isalpha() for char in text):
        return ""
    text = text.rstrip(" ,;:")
    return text if text.endswith((".", "!", "?")) else f"{text}."


def limited(text: str, max_words: int) -> str:
    """At most `max_words` words, cut at the end of a sentence, else of a clause."""
    words = text.split(" ")
    if len(words) <= max_words:
        return text
    text = " ".join(words[:max_words])
    for end in (_SENTENCE_END, _CLAUSE_END):
        cuts = [match.start() for match in end.finditer(text)]
        if cuts:
            mark = text[cuts[-1]] if end is _SENTENCE_END else "."
            return text[: cuts[-1]] + mark
    return f"{text}."


def _is_kept(char: str) -> bool:
    if char.isascii():
        return char.isalpha() or char in " .,;:!?'-"
    return unicodedata.category(char)[0] in "LM"


def _strongest(match: re.Match[str]) -> str:
    marks = match[1]
    return next(mark for mark in _STRENGTH if mark in marks) + " "
