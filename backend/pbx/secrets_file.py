"""The passwords of the own PBX: made once, kept in one file that only its owner may read."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.core.errors import PbxError

_FILE = "secrets.json"


@dataclass(frozen=True, slots=True)
class PbxSecrets:
    """Generated passwords: letters, digits, `-` and `_` only."""

    sip: dict[str, str]
    """Password of each SIP account."""
    ari: str
    ami: str


def load_secrets(folder: Path, accounts: Iterable[str]) -> PbxSecrets:
    """Read the passwords kept in `folder`, making those that are not there yet.

    Raises PbxError when the file cannot be read or written.
    """
    path = folder / _FILE
    try:
        with _alone(folder):
            kept = json.loads(path.read_bytes()) if path.exists() else {}
            sip = dict(kept.get("sip", {}))
            ari, ami = kept.get("ari") or _new(), kept.get("ami") or _new()
            for account in accounts:
                sip.setdefault(account, _new())
            made = {"sip": sip, "ari": ari, "ami": ami}
            if made != kept:
                write_private(path, json.dumps(made, indent=1) + "\n")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise PbxError(
            f"The PBX passwords in {path} cannot be used: {error}.",
            fix="Delete the file; new passwords are made, and telephones need the new ones.",
        ) from error
    return PbxSecrets(sip=sip, ari=ari, ami=ami)


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with open(
        new, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)
    ) as f:
        f.write(text)
    new.replace(path)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """PBX and bot start at the same moment: the second finds what the first has made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "secrets.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _new() -> str:
    return secrets.token_urlsafe(18)
