"""Health, looked at seldom enough that strangers cannot keep us busy with it."""

import asyncio
from collections.abc import Sequence

import structlog
from fastapi import Request

from backend.api.services import ApiServices, PartHealth, PartState

log = structlog.get_logger(__name__)

FRESH_S = 2.0
TIME_LIMIT_S = 5.0


class Health:
    """The parts' health, asked for at most every `FRESH_S` however many want to know."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._one_at_a_time = asyncio.Lock()
        self._parts: Sequence[PartHealth] = ()
        self._asked_at_s = float("-inf")

    async def parts(self) -> Sequence[PartHealth]:
        """How every part is. Never raises: not knowing is bad health too."""
        async with self._one_at_a_time:
            if self._services.clock() - self._asked_at_s >= FRESH_S:
                self._parts = await self._ask()
                self._asked_at_s = self._services.clock()
            return self._parts

    async def _ask(self) -> Sequence[PartHealth]:
        try:
            async with asyncio.timeout(TIME_LIMIT_S):
                return await self._services.health()
        except TimeoutError:
            reason = f"The parts did not answer within {TIME_LIMIT_S:g} s."
        except Exception as error:
            log.exception("health-check-failed")
            reason = f"The health check itself failed: {error}"
        return [PartHealth("health", PartState.DOWN, reason, "Look at the log.")]


async def health_of(request: Request) -> Sequence[PartHealth]:
    """The health of the app that handles this request."""
    health: Health = request.app.state.health
    return await health.parts()
