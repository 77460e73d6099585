"""What is looked up and what is kept, as plain values. The database room turns them into rows."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class TicketType(StrEnum):
    """What a ticket is about."""

    TECHNICAL = "technical"
    BILLING = "billing"
    CANCELLATION = "cancellation"
    COMPLAINT = "complaint"
    SALES = "sales"
    CALLBACK = "callback"
    """A person should call back: failed verification, failed transfer."""
    MESSAGE = "message"
    """Left after the tone while the bot was down."""
    OTHER = "other"


class TicketPriority(StrEnum):
    """How soon somebody should look."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class TicketStatus(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


class CallOutcome(StrEnum):
    """How a call ended."""

    COMPLETED = "completed"
    """The bot and the caller said goodbye."""
    CALLER_HUNG_UP = "caller_hung_up"
    TRANSFERRED = "transferred"
    NO_RESPONSE = "no_response"
    """Silence or noise until we gave up."""
    TIME_UP = "time_up"
    INTERRUPTED = "interrupted"
    """The bot died or was stopped mid-call; set on the next start."""
    OPERATOR_HUNG_UP = "operator_hung_up"
    """A person ended it from the dashboard."""
    FAILED = "failed"
    """An error of ours ended it."""


@dataclass(frozen=True, slots=True)
class Customer:
    """What the agent may know about a customer."""

    id: int
    number: str
    """Customer number as spoken by the caller: digits, leading zeros kept."""
    name: str
    balance: Decimal = Decimal(0)
    """What the customer owes; negative is credit."""
    currency: str = "USD"
    due_date: date | None = None
    plan: str = ""
    email: str = ""
    phone: str = ""
    status: str = "active"


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """A ticket to be stored. `number` is already promised to the caller: see `core.ids`."""

    number: str
    type: TicketType
    subject: str
    description: str = ""
    priority: TicketPriority = TicketPriority.NORMAL
    customer_number: str | None = None


@dataclass(frozen=True, slots=True)
class CallInfo:
    """Who is calling, and how."""

    call_id: str
    line: str
    """`agi`, `text`, …"""
    caller: str = ""
    """Caller's number or account as the PBX gave it; may be empty or withheld."""
    called: str = ""
    """Extension or number dialled."""
    pbx_id: str = ""
    """The PBX's own id of the call (Asterisk's UNIQUEID)."""
