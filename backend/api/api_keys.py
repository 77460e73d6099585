"""API keys: `fd_<8 letters>_<secret>`. The letters find the key, the secret proves it.

Only a SHA-256 of the whole key is stored: with 256 random bits there is nothing to guess, so a
slow password hash would only slow every request down.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from backend.db.models import Role
from backend.db.queries import accounts
from backend.db.queries.accounts import ApiKeyRecord
from backend.db.store import Store

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key nobody has yet."""

    text: str
    """Shown once and kept nowhere."""
    prefix: str
    hash: str


def new_api_key() -> NewKey:
    """Make a key; store its prefix and hash with `accounts.create_api_key`."""
    prefix = "fd_" + "".join(secrets.choice(_LETTERS) for _ in range(8))
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    return NewKey(text, prefix, _hash(text))


async def create_api_key(
    store: Store, name: str, role: Role, *, now: datetime
) -> tuple[str, ApiKeyRecord]:
    """Make a key and store it, for the command line. Raises StoreError."""
    key = new_api_key()
    create = accounts.create_api_key
    record = await store.write(create, name, key.prefix, key.hash, role, now=now)
    return key.text, record


def prefix_of(key: str) -> str | None:
    """The part of a key that finds it; None for what cannot be a key."""
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != "fd" or len(parts[1]) != 8 or not key.isascii():
        return None
    return "_".join(parts[:2])


def is_valid(record: ApiKeyRecord, key: str) -> bool:
    """Whether `key` is the one stored in `record`, and not revoked."""
    return record.revoked_at is None and hmac.compare_digest(record.key_hash, _hash(key))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
