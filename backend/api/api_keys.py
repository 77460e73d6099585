"""API keys: `fd_<8 letters>_<secret>`. The letters find the key, the secret proves it.

Only a SHA-256 of the whole key is stored: with 256 random bits there is nothing to guess, so a
slow password hash would only slow every request down.
"""

import hashlib
import hmac
import secrets
from datetime import datetime

from backend.db.models import Role
from backend.db.queries import accounts
from backend.db.queries.accounts import ApiKeyRecord
from backend.db.store import Store

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


async def create_api_key(
    store: Store, name: str, role: Role, *, now: datetime
) -> tuple[str, ApiKeyRecord]:
    """Make a key; the string is shown once and kept nowhere. Raises StoreError."""
    prefix = "fd_" + "".join(secrets.choice(_LETTERS) for _ in range(8))
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    record = await store.write(accounts.create_api_key, name, prefix, _hash(key), role, now=now)
    return key, record


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
