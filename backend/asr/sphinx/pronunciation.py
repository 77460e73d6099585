"""How words sound, for a decoder that knows only the words in its dictionary.

The model's own dictionary first (CMUdict, 134,000 words); what it lacks is spoken by flite, which
prints the phones it would say; without flite, letter by letter rules that are better than silence.
"""

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pocketsphinx
import structlog

log = structlog.get_logger(__name__)

FLITE_S = 5.0
_PHONES = frozenset(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W "
    "Y Z ZH".split()
)
_LAST_IH = re.compile(r"^(.*[AEIOU][A-Z].*) IH ((?:S|Z|T|D|N|M|L|K|V|JH)(?: [STDZ])?)$")
_FLITE_ONLY = {"AX": "AH"}
"""flite writes the schwa apart; CMUdict counts it among AH."""
_LETTERS = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH",
    "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip


def dictionary(
    words: Iterable[str], flite: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> str:
    """A dictionary file with every pronunciation of these words (lower case).

    `flite` is the prefix of its command line; empty when there is none.
    """
    known = _cmudict()
    lines = []
    for word in sorted(set(words)):
        spoken = known.get(word) or (_spoken_by_flite(word, flite, env) or _by_letters(word),)
        for number, phones in enumerate(_with_schwa(filter(None, spoken)), 1):
            lines.append(f"{word}{f'({number})' if number > 1 else ''} {phones}")
    return "\n".join(lines) + "\n"


def _with_schwa(spoken: Iterable[str]) -> list[str]:
    """The model's dictionary knows only one of "off-iss" and "off-uss", and most people say the
    other: a last, unstressed IH may be AH too."""
    found = list(spoken)
    for phones in tuple(found):
        other = _LAST_IH.sub(r"\1 AH \2", phones)
        if other not in found:
            found.append(other)
    return found


@lru_cache(maxsize=1)
def _cmudict() -> Mapping[str, tuple[str, ...]]:
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, phones = line.partition(" ")
        found.setdefault(re.sub(r"\(\d+\)$", "", word), []).append(phones.strip())
    return {word: tuple(spoken) for word, spoken in found.items()}


def _spoken_by_flite(word: str, flite: Sequence[str], env: Mapping[str, str] | None) -> str:
    if not flite or not re.fullmatch(r"[a-z']+", word):
        return ""
    command = [*flite, "-ps", "-t", word, "-o", "none"]
    try:
        done = subprocess.run(
            command,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FLITE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("pronunciation-failed", reason=type(error).__name__)
        return ""
    phones = (phone.upper() for phone in done.stdout.split())
    return " ".join(
        found for phone in phones if (found := _FLITE_ONLY.get(phone, phone)) in _PHONES
    )


def _by_letters(word: str) -> str:
    return " ".join(_LETTERS[letter] for letter in word if letter in _LETTERS)
