"""Short forms written out, and initials spaced so that every engine reads them as letters."""

import re

_WITH_STOP = {
    "dr": "Doctor", "mr": "Mister", "mrs": "Missus", "ms": "Miz", "prof": "Professor",
    "jr": "Junior", "sr": "Senior", "e.g": "for example", "i.e": "that is", "etc": "et cetera",
    "vs": "versus", "approx": "approximately", "appt": "appointment", "dept": "department",
    "ave": "Avenue", "blvd": "Boulevard", "rd": "Road", "apt": "apartment", "inc": "Incorporated",
    "ltd": "Limited", "corp": "Corporation", "ext": "extension", "tel": "telephone",
    "acct": "account", "mgr": "manager", "govt": "government", "jan": "January",
    "feb": "February", "aug": "August", "sept": "September", "oct": "October",
    "nov": "November", "dec": "December", "a.m": "A M", "p.m": "P M",
}  # fmt: skip
_WITHOUT_STOP = {
    "asap": "as soon as possible", "w/o": "without", "w/": "with", "vs": "versus",
    "eg": "for example", "ie": "that is", "etc": "et cetera", "approx": "approximately",
    "incl": "including", "faqs": "F A Q's", "wifi": "wi-fi", "voip": "voice over I P",
}  # fmt: skip
_INITIALS = frozenset({
    "ACH", "ADSL", "AI", "API", "ATM", "BBC", "CEO", "CFO", "CTO", "DIY", "DOB", "EFT", "EST",
    "ETA", "EU", "FAQ", "ID", "IMEI", "IP", "ISP", "IVR", "LTE", "OTP", "PBX", "PO", "QR", "SIP",
    "SLA", "UI", "UK", "UPS", "URL", "USA", "USB", "UX", "VAT", "VIP",
})  # fmt: skip
"""Spelled although they have vowels; capitals without a vowel are always spelled."""

_STOPPED = re.compile(
    r"\b((?i:" + "|".join(map(re.escape, sorted(_WITH_STOP, key=len, reverse=True))) + r"))"
    r"\.(?=(\s+[A-Z]|\s*$)?)"
)
_BARE = re.compile(
    r"(?<![\w/])(" + "|".join(sorted(_WITHOUT_STOP, key=len, reverse=True)) + r")(?![\w/])",
    re.IGNORECASE,
)
_SAINT = re.compile(r"\bSt\.?(?=\s+[A-Z][a-z])")
_STREET = re.compile(r"(?<=[a-z]\s)St\b\.?+(?!\s+[A-Z][a-z])|(?<=[a-z,] )([A-Z][a-z]+ )St\b\.?")
_DOTTED_INITIALS = re.compile(r"\b(?:[A-Za-z]\.){2,}(?=(\s+[A-Z]|\s*$)?)")
_CAPITALS = re.compile(r"(?<![\w'-])([A-Z]{2,5})(s?)(?![\w'-])")
_VOWELS = frozenset("AEIOUY")
_TITLES = frozenset({"dr", "mr", "mrs", "ms", "prof"})


def with_abbreviations_written_out(text: str) -> str:
    """`Dr.` → `Doctor`, `e.g.` → `for example`, `DSL` → `D S L`, `St. Louis` → `Saint Louis`."""
    text = _STREET.sub(lambda match: f"{match[1] or ''}Street", text)
    text = _SAINT.sub("Saint", text)
    text = _STOPPED.sub(_stopped, text)
    text = _DOTTED_INITIALS.sub(_dotted_initials, text)
    text = _BARE.sub(lambda match: _WITHOUT_STOP[match[1].lower()], text)
    return _CAPITALS.sub(_capitals, text)


def _stopped(match: re.Match[str]) -> str:
    key = match[1].lower()
    ends_sentence = match[2] is not None and key not in _TITLES
    return _WITH_STOP[key] + ("." if ends_sentence else "")


def _dotted_initials(match: re.Match[str]) -> str:
    letters = " ".join(match[0].replace(".", "").upper())
    return letters + ("." if match[1] is not None else "")


def _capitals(match: re.Match[str]) -> str:
    letters = match[1]
    if letters not in _INITIALS and not _VOWELS.isdisjoint(letters):
        return match[0]
    return " ".join(letters) + ("'s" if match[2] else "")
