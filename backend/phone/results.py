"""How calls fail and end, in words."""

from dataclasses import dataclass
from enum import StrEnum

from backend.core.errors import LineError

_MEANINGS = {
    401: "the PBX refuses the user or password",
    403: "the PBX forbids this call",
    404: "unknown extension",
    407: "the PBX refuses the user or password",
    408: "the PBX timed out",
    410: "this extension is gone",
    480: "nobody is available there",
    484: "the extension is incomplete",
    486: "busy",
    487: "cancelled",
    488: "no codec in common",
    500: "the PBX had an internal error",
    503: "the PBX is overloaded or shutting down",
    600: "busy everywhere",
    603: "declined",
    604: "unknown extension",
}

NO_ANSWER = 0
"""`DialError.status` when no final response came at all."""


class DialError(LineError):
    """The call was not established. `status` is the SIP status, 0 when there was none."""

    def __init__(self, message: str, *, status: int, reason: str = "", fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.reason = reason


def refused(extension: str, status: int, reason: str) -> DialError:
    """The error for a final response of 300 or more."""
    meaning = _MEANINGS.get(status, "the call was refused")
    fix = "Give the right user and password." if status in {401, 407} else ""
    return DialError(
        f"Calling {extension}: {meaning}: {status} {reason}.",
        status=status,
        reason=reason,
        fix=fix,
    )


class EndedBy(StrEnum):
    """Who ended a call."""

    PHONE = "phone"
    PEER = "peer"
    FAILURE = "failure"
    """Neither said goodbye: the phone was closed, or the PBX answered nonsense."""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How a call ended."""

    by: EndedBy
    reason: str
    """SIP Reason header of the peer's BYE, or our own words; may be empty."""
    at_s: float
    """`time.monotonic()` seconds."""


class CallOverError(LineError):
    """The call ended while something was being done on it."""

    def __init__(self, end: CallEnd) -> None:
        who = {
            EndedBy.PHONE: "This phone hung up",
            EndedBy.PEER: "The PBX hung up",
            EndedBy.FAILURE: "The call broke off",
        }
        reason = f" ({end.reason})" if end.reason else ""
        super().__init__(f"{who[end.by]}{reason}.")
        self.end = end
