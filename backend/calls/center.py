"""All calls of the process: how many at once, which are live, how they end when we stop."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from backend.calls.conversation import Conversation, ConversationLimits, Engines
from backend.calls.operator import NotLiveError, Operator
from backend.calls.publisher import CallPublisher
from backend.core.events import CallEvent, EventBus, EventType
from backend.core.records import CallOutcome
from backend.telephony.line import Line

log = structlog.get_logger(__name__)


class CallCenter:
    """Holds conversations up to a limit."""

    def __init__(
        self, bus: EventBus, engines: Engines, limits: ConversationLimits, max_calls: int
    ) -> None:
        self._bus = bus
        self._engines = engines
        self._limits = limits
        self._max_calls = max_calls
        self._calls: set[asyncio.Task[CallOutcome]] = set()
        self._operators: dict[str, Operator] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    @property
    def is_full(self) -> bool:
        """Whether the next caller must be sent elsewhere.

        That is at the limit of calls, and below it while the recogniser cannot keep up with those
        that are here: one more would make all of them wait for every answer.
        """
        at_limit = self._closing or len(self._calls) >= self._max_calls
        return at_limit or self._engines.recogniser.is_overloaded

    async def take(self, line: Line) -> CallOutcome:
        """Hold a conversation on `line` to its end. Check `is_full` first."""
        events = CallPublisher(self._bus, line.info.call_id)
        conversation = Conversation(line, self._engines, self._limits, events)
        with structlog.contextvars.bound_contextvars(call_id=line.info.call_id):
            # The task copies the context: whatever the call logs, anywhere, carries its id.
            task = asyncio.ensure_future(conversation.run())
        self._calls.add(task)
        self._operators[line.info.call_id] = conversation.operator
        self._idle.clear()
        try:
            return await task
        finally:
            self._calls.discard(task)
            del self._operators[line.info.call_id]
            if not self._calls:
                self._idle.set()

    def operator(self, call_id: str) -> Operator:
        """What a person may do to that call. Raises NotLiveError when we do not hold it."""
        try:
            return self._operators[call_id]
        except KeyError:
            raise NotLiveError(call_id) from None

    async def drain(self, timeout_s: float) -> None:
        """Take no more calls; give those in progress `timeout_s` to end by themselves."""
        self._closing = True
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            log.info("calls-cut-short", calls=len(self._calls))


@dataclass(slots=True)
class LiveCall:
    """One call in progress, as a page or an API shows it."""

    call_id: str
    started_at: datetime
    line: str
    caller: str
    called: str
    intent: str = ""
    customer_number: str = ""
    turns: int = 0
    last_words: list[str] = field(default_factory=list)
    """The last few utterances, both sides, oldest first."""


class LiveCalls:
    """Keeps track of the calls in progress by listening to the bus."""

    KEEP_WORDS = 6

    def __init__(self, bus: EventBus) -> None:
        self._calls: dict[str, LiveCall] = {}
        self.close = bus.subscribe(self._on_event)

    def calls(self) -> list[LiveCall]:
        """Calls in progress, oldest first."""
        return sorted(self._calls.values(), key=lambda call: call.started_at)

    def _on_event(self, event: CallEvent) -> None:
        data = event.data
        if event.type is EventType.CALL_STARTED:
            self._calls[event.call_id] = LiveCall(
                event.call_id, event.at, data["line"], data["caller"], data["called"]
            )
            return
        call = self._calls.get(event.call_id)
        if call is None:
            return
        match event.type:
            case EventType.CALL_ENDED:
                del self._calls[event.call_id]
            case EventType.UNDERSTOOD:
                call.intent = data["intent"] or call.intent
            case EventType.CUSTOMER_IDENTIFIED:
                call.customer_number = data["customer_number"]
            case EventType.CALLER_SAID | EventType.BOT_SAID:
                call.turns = data["turn"] + 1
                who = "caller" if event.type is EventType.CALLER_SAID else "bot"
                words = data["text"] or data.get("digits", "")
                if words:
                    call.last_words = [*call.last_words, f"{who}: {words}"][-self.KEEP_WORDS :]
