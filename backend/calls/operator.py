"""What a person may do to a call while it goes on: the writing end of `OPERATOR_ACTED`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.agent.base import HangUp, Transfer
from backend.calls.publisher import CallPublisher
from backend.core.errors import FrontdeskError, LineError
from backend.core.events import EventType, OperatorAction
from backend.core.records import CallOutcome
from backend.telephony.line import Line, Listener

Order = HangUp | Transfer


class NotLiveError(FrontdeskError):
    """The call is over, or another bot holds it."""

    code = "not-live"

    def __init__(self, call_id: str) -> None:
        super().__init__(f"Call {call_id} is not in progress here (any more).")


class Operator:
    """One call's controls. All methods return at once."""

    def __init__(self, line: Line, events: CallPublisher) -> None:
        self._line = line
        self._events = events
        self._order: Order | None = None
        self._is_transferring = False
        self._given = asyncio.Event()

    def note(self, text: str, by: str) -> None:
        """Keep a remark with the call."""
        self._tell(OperatorAction.NOTE, by, text)

    def hang_up(self, by: str) -> None:
        """End the call: at once, or, on a line that cannot be cut, when the turn is over."""
        self._tell(OperatorAction.HANG_UP, by)
        self._give(HangUp(CallOutcome.OPERATOR_HUNG_UP))

    def transfer(self, extension: str, by: str) -> None:
        """Put the caller through, with the same promptness. When nobody answers, the conversation
        goes on as after any failed transfer. Raises LineError while that is being tried already.
        """
        if self._is_transferring:
            raise LineError("The caller is being put through already.")
        self._tell(OperatorAction.TRANSFER, by, extension)
        self._give(Transfer(extension))

    def listen_in(self, listener: Listener) -> Callable[[], None]:
        """See `Line.listen_in`. Raises LineError."""
        return self._line.listen_in(listener)

    # For the conversation.

    async def ordered(self) -> None:
        """Return when an order has been given that was not taken yet."""
        await self._given.wait()

    def take_order(self) -> Order | None:
        """What the conversation is to do now instead of going on."""
        order, self._order = self._order, None
        self._given.clear()
        return order

    @contextmanager
    def hands_off(self) -> Iterator[None]:
        """While the caller is being put through, and while they talk to the person."""
        self._is_transferring = True
        try:
            yield
        finally:
            self._is_transferring = False

    def _give(self, order: Order) -> None:
        self._order = order
        self._given.set()

    def _tell(self, action: OperatorAction, by: str, text: str = "") -> None:
        self._events.publish(EventType.OPERATOR_ACTED, by=by, action=action, text=text)
