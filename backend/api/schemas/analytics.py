"""Numbers over ranges of days, as the API answers them."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

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


class HourAnswer(Answer):
    """Calls that started in one hour of the day."""

    hour: int = Field(examples=[9])
    calls: int
    contained: int


class ConfidenceAnswer(Answer):
    """How sure the recogniser was of what callers said."""

    turns: int
    median: float | None = Field(description="0-1; null without turns.")
    doubtful: float | None = Field(description="Share of turns below 0.5.")
    steps: list[int] = Field(description="Turns in each of 20 equal steps from 0 to 1.")


class QuestionAnswer(Answer):
    """A question the bot had no answer to, in all its wordings."""

    key: str = Field(description="The words that matter.", examples=["battery sell"])
    example: str = Field(description="Its last wording.", examples=["do you sell batteries"])
    asked: int = Field(description="How often, of all time.")
    first_at: datetime
    last_at: datetime
    call_id: str = Field(description="The last call it was asked in; empty when that is deleted.")


class QuestionSettle(BaseModel):
    """Which question."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200)
