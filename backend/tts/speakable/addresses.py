"""Web, mail and network addresses, said as a person would dictate them."""

import re

from backend.tts.speakable.numerals import spell_digits

_TLD = (
    "com|net|org|info|biz|edu|gov|mil|io|co|ai|app|dev|shop|store|online|site|tech|cloud|me|tv"
    "|us|uk|ca|au|nz|ie|de|fr|es|it|nl|be|at|ch|se|no|dk|fi|pl|pt|eu|in|jp|cn|br|mx|za|example|test"
)
_SHORT_WORDS = frozenset({"co", "me"})
"""Endings of two letters that are read as words; the others are spelled."""

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)+"
_EMAIL = re.compile(rf"(?:mailto:)?\b([\w.+-]{{1,64}})@({_HOST}[A-Za-z]{{2,24}})\b")
_URL = re.compile(
    rf"\b(?:https?://|ftp://|sips?:)(?:www\.)?([\w.-]+(?::\d+)?)(/[^\s,;!?()]*)?[^\s,;!()]*"
    rf"|\b(?:www\.)?({_HOST}(?:{_TLD}))\b(?!\.\w)(/[^\s,;!?()]*)?(?:\?[^\s]+)?"
)
_IP = re.compile(r"\b(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?(?![\w.]?\d)")
_PATH_PARTS = 2
"""More of a path than this is not worth anybody's time on the telephone."""


def with_addresses_spoken(text: str) -> str:
    """`help@acme.com` → `help at acme dot com`; scheme, `www.` and query are not spoken."""
    if "." not in text:
        return text
    text = _EMAIL.sub(lambda match: f"{_words(match[1])} at {_host(match[2])}", text)
    text = _URL.sub(_spoken_url, text)
    return _IP.sub(_spoken_ip, text)


def _spoken_url(match: re.Match[str]) -> str:
    host, path = match[1] or match[3], match[2] or match[4] or ""
    stop = "." if match[0].endswith(".") else ""
    host, _, port = host.rstrip(".").partition(":")
    parts = [part for part in path.split("/") if re.fullmatch(r"[\w.-]{1,30}", part)]
    spoken = _host(host) + (f" port {spell_digits(port)}" if port else "")
    for part in parts[:_PATH_PARTS]:
        spoken += f" slash {_words(part.rstrip('.'))}"
    return spoken + stop


def _spoken_ip(match: re.Match[str]) -> str:
    spoken = " dot ".join(spell_digits(group) for group in match[1].split("."))
    return spoken + (f" port {spell_digits(match[2])}" if match[2] else "")


def _host(host: str) -> str:
    *labels, tld = host.split(".")
    is_word = len(tld) > 2 or tld.lower() in _SHORT_WORDS
    last = tld.lower() if is_word else " ".join(tld.upper())
    return " dot ".join([*(_words(label) for label in labels), last])


def _words(part: str) -> str:
    """One label of an address: marks by name, digits one by one."""
    part = re.sub(r"\d+", lambda match: f" {spell_digits(match[0])} ", part)
    for mark, name in ((".", "dot"), ("-", "dash"), ("_", "underscore"), ("+", "plus")):
        part = part.replace(mark, f" {name} ")
    return " ".join(part.split())
