"""How many calls this machine was measured to hold: what the limit of calls defaults from."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

UNMEASURED_CALLS = 50
"""The limit where nothing was measured: what two cores hold of any line with any engine."""
_NAME = "capacity.json"


@dataclass(frozen=True, slots=True)
class Capacity:
    """One measurement by `frontdesk bench capacity`."""

    calls: int
    """Held at once, each asking and being answered all the time."""
    measured_at: str
    """ISO 8601, UTC."""
    extension: str
    cores: int
    one_call_p95_s: float
    """Turn latency at the caller's ear with a single call."""
    p95_s: float
    """The same with `calls`."""


def read_capacity(data_dir: Path) -> Capacity | None:
    """The last measurement kept; None without one, or if the file makes no sense (logged)."""
    path = data_dir / _NAME
    try:
        capacity = Capacity(**json.loads(path.read_text(encoding="utf-8")))
        if type(capacity.calls) is not int or capacity.calls < 1:  # a bool is an int, too
            raise ValueError(f"calls: {capacity.calls!r} is no number of calls")
        return capacity
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        log.warning("capacity-unreadable", path=str(path), error=str(error))
        return None


def write_capacity(data_dir: Path, capacity: Capacity) -> Path:
    """Keep a measurement in place of the last; returns the file. Raises OSError."""
    path = data_dir / _NAME
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(capacity), indent=1) + "\n", encoding="utf-8")
    part.replace(path)
    return path


def most_calls(named: int | None, data_dir: Path) -> int:
    """Calls to answer at once: what the settings name, else the measurement, else a guess."""
    if named is not None:
        return named
    measured = read_capacity(data_dir)
    return measured.calls if measured else UNMEASURED_CALLS
