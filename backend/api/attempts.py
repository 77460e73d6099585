"""How often somebody may try to sign in. Pure: time is passed in."""

import ipaddress
from collections import OrderedDict, deque
from dataclasses import dataclass

WINDOW_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many attempts within the window one kind of key gets."""

    prefix: str
    attempts: int


PER_PERSON_AND_ADDRESS = Allowance("both", 5)
PER_ADDRESS = Allowance("address", 30)
"""A whole office may share one address."""
PER_PERSON = Allowance("person", 100)
"""High, so that a stranger who knows a name cannot easily lock its owner out."""


class SignInAttempts:
    """Counts sign-in attempts per person and per network address, in bounded memory."""

    def __init__(self, most_keys: int = 10_000) -> None:
        self._made_at_s: OrderedDict[str, deque[float]] = OrderedDict()
        self._most_keys = most_keys

    def attempt(self, name: str, address: str, now_s: float) -> float:
        """Count an attempt *before* the password is looked at; 0 when it may go ahead.

        Otherwise the seconds to wait, and the attempt is not counted.
        """
        keys = self._keys(name, address)
        wait_s = max(self._wait_s(key, most, now_s) for key, most in keys)
        if wait_s > 0:
            return wait_s
        for key, _ in keys:
            self._made_at_s.setdefault(key, deque()).append(now_s)
            self._made_at_s.move_to_end(key)
        while len(self._made_at_s) > self._most_keys:
            self._made_at_s.popitem(last=False)
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """Forget what this person tried from this address: they knew the password after all."""
        (both, _), *others = self._keys(name, address)
        forgiven = len(self._made_at_s.pop(both, ()))
        for key, _ in others:
            made_at_s = self._made_at_s.get(key)
            for _ in range(min(forgiven, len(made_at_s or ()))):
                if made_at_s:
                    made_at_s.pop()

    def _wait_s(self, key: str, most: int, now_s: float) -> float:
        made_at_s = self._made_at_s.get(key)
        if made_at_s is None:
            return 0.0
        while made_at_s and now_s - made_at_s[0] >= WINDOW_S:
            made_at_s.popleft()
        if len(made_at_s) < most:
            return 0.0
        return made_at_s[0] + WINDOW_S - now_s

    @staticmethod
    def _keys(name: str, address: str) -> list[tuple[str, int]]:
        person, network = name.strip().casefold()[:100], network_of(address)
        return [
            (f"both:{person}@{network}", PER_PERSON_AND_ADDRESS.attempts),
            (f"address:{network}", PER_ADDRESS.attempts),
            (f"person:{person}", PER_PERSON.attempts),
        ]


def network_of(address: str) -> str:
    """What counts as one address: an IPv6 customer has a whole /64 to try from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
