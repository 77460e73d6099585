"""Identifiers: made by us, before anything is stored, so that nothing ever waits for a database."""

import secrets
from datetime import datetime

TICKET_DIGITS = 6
"""Short enough to say and write down; a million open tickets is not this product's trouble."""


def new_call_id(now: datetime) -> str:
    """A call's id: sorts by start time, e.g. `20261121-084512-3f9a1c`. `now` is aware, UTC."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def new_ticket_number() -> str:
    """A ticket number a caller can be told before it is stored; first digit never 0."""
    return str(secrets.randbelow(9 * 10 ** (TICKET_DIGITS - 1)) + 10 ** (TICKET_DIGITS - 1))
