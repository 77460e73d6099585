"""What policies may use besides the caller's words: the customer directory and some settings."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from backend.agent.base import CustomerDirectory
from backend.core.errors import FrontdeskError
from backend.core.records import Customer

log = structlog.get_logger(__name__)

LOOK_UP_S = 3.0
"""A caller waits this long for a database; then they are told and called back."""


class RecordsUnavailable(Exception):  # noqa: N818 - a turn of the conversation, not an error
    """The customer directory did not answer; the caller gets an apology and a ticket."""


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by all calls."""

    customers: CustomerDirectory
    human_extension: str
    confirm_below: float
    reject_below: float
    reprompts: int
    answers_open_questions: bool
    """Whether there is an LLM for what knowledge base and policies cannot answer."""
    phone_region: str
    """Two-letter country whose phone numbers need no country code."""
    now: Callable[[], datetime]
    """The moment, in the machine's time zone: the one callers mean."""

    async def find_customer(self, number: str, call_id: str) -> Customer | None:
        """The customer with this number. Raises RecordsUnavailable, and nothing else."""
        try:
            async with asyncio.timeout(LOOK_UP_S):
                return await self.customers.find(number)
        except TimeoutError as error:
            log.warning("customer-look-up-slow", call_id=call_id, limit_s=LOOK_UP_S)
            raise RecordsUnavailable from error
        except (FrontdeskError, OSError) as error:
            log.warning("customer-look-up-failed", call_id=call_id, error=type(error).__name__)
            raise RecordsUnavailable from error
