"""Numbers over ranges of days, as the API answers them."""

from datetime import date

from pydantic import Field

from backend.api.schemas.latency import PartLatencyAnswer
from backend.api.schemas.paging import Answer
from backend.core.records import TicketStatus


class TotalsAnswer(Answer):
    """Sums over some days."""

    calls: int
    contained: int = Field(description="Calls that the bot ended without a person.")
    containment: float | None = Field(description="The same as a share, 0–1; null without calls.")
    transferred: int
    turns: int = Field(description="Answers the bot gave.")
    tickets: int = Field(description="Tickets opened, by calls or by people.")
    average_duration_s: float | None


class AnalyticsAnswer(Answer):
    """What happened from `first` to `last`, both included."""

    first: date
    last: date
    totals: TotalsAnswer
    latency: list[PartLatencyAnswer]
    tickets_now: dict[TicketStatus, int] = Field(
        description="All tickets by where they stand at this moment."
    )


class DayAnswer(TotalsAnswer):
    """One day's sums."""

    day: date


class IntentAnswer(Answer):
    """What some calls were about."""

    intent: str = Field(description="Empty: it did not become clear.", examples=["billing"])
    calls: int
    contained: int
    average_duration_s: float
