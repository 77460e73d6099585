"""AGI's text protocol, without a socket: environment, commands, replies."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from backend.core.errors import LineError

MAX_ENVIRONMENT_LINES = 200
_ENVIRONMENT_LINE = re.compile(r"^(agi_[A-Za-z0-9_]+):[ ]?(.*)$")
_REPLY = re.compile(r"^(\d{3})([ -])(.*)$", re.DOTALL)
_RESULT = re.compile(
    r"^result=(-?[0-9A-D*#]*)(?: \((.*?)\))?(?: endpos=(\d+))?(?: [A-Z][a-z ]+)?\s*$", re.DOTALL
)
"""The words at the end are GOSUB's: `200 result=0 Gosub complete`."""

TRYING = 100
"""GOSUB says so before its reply."""
OK = 200
UNKNOWN_COMMAND = 510
DEAD_CHANNEL = 511
USAGE = 520


@dataclass(frozen=True, slots=True)
class AgiReply:
    """Asterisk's answer to one command.

    `result` is the text after `result=`: a number, a digit's ASCII code or keyed digits, depending
    on the command; `note` what stood in parentheses; `endpos` samples played or recorded.
    """

    code: int
    result: str = ""
    note: str = ""
    endpos: int | None = None

    @property
    def number(self) -> int | None:
        """`result` as an integer, None when it is not one."""
        try:
            return int(self.result)
        except ValueError:
            return None

    @property
    def digit(self) -> str:
        """The key that ended a playback or recording; empty when none did.

        A recording ended by silence or by its time limit says `(timeout)` and may carry left-over
        milliseconds in `result`: that is no digit.
        """
        number = self.number
        if number is None or self.note not in ("", "dtmf") or chr(max(number, 0)) not in KEYS:
            return ""
        return chr(number)


KEYS = "0123456789*#"


def parse_environment(lines: Iterable[str]) -> dict[str, str]:
    """`agi_*` variables from the lines before the first empty one. Raises LineError."""
    environment: dict[str, str] = {}
    for line in lines:
        match = _ENVIRONMENT_LINE.match(line)
        if match is None:
            raise LineError(f"Not an AGI environment line: {line[:60]!r}.")
        environment[match[1]] = match[2].strip()
    if "agi_channel" not in environment:
        raise LineError("The AGI environment names no channel: this is no Asterisk.")
    return environment


def parse_reply(line: str) -> tuple[AgiReply, bool]:
    """One reply line; the flag tells that more lines follow (520 usage blocks).

    Raises LineError for anything that is not a reply.
    """
    match = _REPLY.match(line)
    if match is None:
        raise LineError(f"Not an AGI reply: {line[:60]!r}.")
    code, more, rest = int(match[1]), match[2] == "-", match[3]
    if code != OK:
        return AgiReply(code, note=rest.strip()), more
    result = _RESULT.match(rest)
    if result is None:
        raise LineError(f"Not an AGI result: {line[:60]!r}.")
    endpos = int(result[3]) if result[3] else None
    return AgiReply(code, result[1], result[2] or "", endpos), more


def format_command(verb: str, *arguments: str) -> str:
    """A command line: `verb` as it is, arguments quoted as Asterisk's parser unquotes them.

    Raises LineError for characters that would break out of the line.
    """
    for argument in arguments:
        if any(ord(character) < 32 for character in argument):
            raise LineError("A control character cannot be part of an AGI command.")
    return " ".join((verb, *(_quoted(argument) for argument in arguments)))


def _quoted(word: str) -> str:
    if word and re.fullmatch(r"[A-Za-z0-9_./:+=#*@-]+", word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
