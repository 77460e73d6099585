"""Passwords: what is a good one, and Argon2id away from the event loop."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 200
"""Bounds the work one sign-in can cause."""

ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without the characters people confuse when they copy from a terminal: i, l, o, 0, 1."""


class Passwords:
    """Hashes and checks passwords, one at a time.

    Parameters are OWASP's second choice for Argon2id (19 MiB, two passes, one lane): the calls
    on this machine matter more than a stranger's guess, and sign-in is rate-limited.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._one_at_a_time = asyncio.Semaphore(1)
        self._nobody = ""
        """The hash that unknown users are checked against; made when first needed."""

    async def hash(self, password: str) -> str:
        """The string to store: parameters and salt included."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one behind `stored`.

        `None` (no such user) takes as long as a wrong password, so that the time does not tell
        which names exist.
        """
        if len(password) > MAX_LENGTH:
            return False
        async with self._one_at_a_time:
            matches = await asyncio.to_thread(self._matches, stored, password)
        return matches and stored is not None

    def _matches(self, stored: str | None, password: str) -> bool:
        if stored is None:
            stored = self._nobody = self._nobody or self._hasher.hash(secrets.token_urlsafe())
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def one_time_password() -> str:
    """A password to be printed once and changed at the first sign-in (99 bits)."""
    groups = ("".join(secrets.choice(ONE_TIME_ALPHABET) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def password_problem(new: str, *, user_name: str, old: str = "") -> str:
    """Why `new` cannot be a password, as a sentence; empty when it can."""
    if len(new) < MIN_LENGTH:
        return f"Use at least {MIN_LENGTH} characters. A few unrelated words work well."
    if len(new) > MAX_LENGTH:
        return f"Use at most {MAX_LENGTH} characters."
    if new == old:
        return "Choose a password that differs from the present one."
    if new.casefold().strip() in {user_name.casefold(), user_name.casefold() * 2}:
        return "Do not use your user name as the password."
    if len(set(new)) < 5:
        return "Use at least five different characters."
    return ""
