"""Telephone, ticket and customer numbers: read digit by digit, with pauses people can write in.

The agent marks nothing, so these are told from quantities by their shape and by the words
before them.
"""

import re

from backend.tts.speakable.numerals import spell_digits, spell_grouped

_PHONE = re.compile(
    r"(?<![\w.,/+-])(\+\d{1,3}[\s.-]?)?(\(\d{1,5}\)[\s.-]?)?"
    r"\d{1,5}(?:[\s.-]\d{2,5}){0,4}(?![\w/]|[.,-]\d|\s?%)"
)
_PHONE_DIGITS = range(7, 16)
_TOLL_FREE = frozenset({"800"})

_NAMED = re.compile(
    r"\b((?:ticket|customer|account|order|reference|invoice|case|confirmation|booking|tracking"
    r"|serial|member(?:ship)?|policy|contract|meter|card|number|code|pin|zip|postcode|room|suite"
    r"|apartment|flight|extension|ext\.?|ending in|dial(?:ing)?|press(?:ing)?)s?"
    r"(?:\s+(?:number|id|code))?(?:\s+(?:is|was|now))?\s*[:#]?\s*#?)"
    r"(\d{3,16}(?:\s?(?:,|and|or|,\s?and)\s\d{3,16})*)(?![\d%/:]|[.,-]\d)(?!\s?%)",
    re.IGNORECASE,
)
_NUMBER_SIGN = re.compile(r"\b[Nn](?:o|um|r)\.\s?(?=\d)")
_EXTENSION = re.compile(r"(?<=\d{4}),?\s*(?:x|ext\.?\s?|extension )(\d{1,6})\b")
_THOUSANDS = re.compile(
    r"(?<![\w.,-])([1-9]\d{0,2}(?: 000)+|[1-9]\d{0,2}(?: \d{3}){2,})(?![\w,.]\d| \d)"
)
_PARTED = re.compile(r"(?<![\w.,-])(?:\d{2,}(?:-\d{2,}){2,}|\d{4}(?: \d{4}){2,})(?![\w-])")
_HASHED = re.compile(r"#\s?(\d+)")
_SPACED = re.compile(r"(?<![\w.,-])\d(?:(?: \d)+|(?:-\d){2,}|(?:, ?\d){3,})(?![\w/-]|[.,:]\d)")
_LONG = re.compile(r"(?<![\w.,])(?<!\w-)(\d{5,})(?![\w%]|[.,:]\d|\s?%)")
_ZEROED = re.compile(r"(?<![\w.,])(0\d+)(?![\w%]|[.,:]\d)")
_MIXED = re.compile(
    r"(?<![\w.])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?![\w-]*\w)"
)
_RUN = re.compile(r"\d+|[A-Za-z]+")
_SPELLED_LETTERS = 4
"""Capitals up to this many in a code are letters (`INV-204`), more are a word (`COVID-19`)."""


def with_phones_spoken(text: str) -> str:
    """`(555) 123-4567` → `five five five, one two three, four five six seven`."""
    text = _EXTENSION.sub(lambda match: f", extension {spell_digits(match[1])}", text)
    return _PHONE.sub(_phone, text)


def with_identifiers_spoken(text: str) -> str:
    """Ticket, customer, account, … numbers; `#17`; `1 0 0 4`; five digits and more; `INV-204`."""
    if not any(char.isdigit() for char in text):
        return text
    text = _PARTED.sub(lambda match: _spell_parts(match[0]), text)
    text = _NAMED.sub(_named, _NUMBER_SIGN.sub("number ", text))
    text = _THOUSANDS.sub(lambda match: match[0].replace(" ", ""), text)
    text = _HASHED.sub(lambda match: f"number {_code_digits(match[1])}", text)
    text = _SPACED.sub(lambda match: spell_grouped(re.sub(r"\D", "", match[0])), text)
    text = _ZEROED.sub(lambda match: spell_grouped(match[1]), text)
    return _LONG.sub(_long, text)


def with_codes_spoken(text: str) -> str:
    """Letters and digits in one word: `INV-204` → `I N V two zero four`, `5G` → `five G`."""
    return _MIXED.sub(_mixed, text)


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    digits = "".join(groups)
    if len(digits) not in _PHONE_DIGITS or not _phone_shaped(match, groups):
        return match[0]
    spoken = ["eight hundred" if group in _TOLL_FREE else spell_grouped(group) for group in groups]
    return ("plus " if match[1] else "") + ", ".join(spoken)


def _phone_shaped(match: re.Match[str], groups: list[str]) -> bool:
    if match[1]:
        return True
    lengths = [len(group) for group in groups]
    thousands = " " in match[0] and groups[0][0] != "0" and set(lengths[1:]) == {3}
    if len(groups) == 2:
        local = lengths == [3, 4] and "." not in match[0]
        return local or bool(match[2]) or groups[0][0] == "0"
    return len(groups) > 2 and not thousands


def _named(match: re.Match[str]) -> str:
    return match[1].replace("#", " ") + re.sub(
        r"\d+", lambda digits: spell_grouped(digits[0]), match[2]
    )


def _spell_parts(text: str) -> str:
    return ", ".join(spell_grouped(part) for part in re.findall(r"\d+", text))


def _code_digits(digits: str) -> str:
    return spell_grouped(digits) if len(digits) > 2 else digits


def _long(match: re.Match[str]) -> str:
    """Round thousands are quantities; any other long string is somebody's number."""
    digits = match[1]
    is_quantity = digits.endswith("000") and len(digits) <= 12
    return digits if is_quantity else spell_grouped(digits)


def _mixed(match: re.Match[str]) -> str:
    return " ".join(_run(run) for run in _RUN.findall(match[0]))


def _run(run: str) -> str:
    if run.isdigit():
        return run if len(run) <= 2 and not run.startswith("0") else spell_digits(run)
    return " ".join(run) if run.isupper() and len(run) <= _SPELLED_LETTERS else run
