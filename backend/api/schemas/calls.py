"""Calls as the API answers them."""

from datetime import datetime
from typing import Any

from pydantic import Field, field_validator

from backend.api.schemas.paging import Answer
from backend.api.schemas.tickets import TicketAnswer
from backend.core.records import CallOutcome
from backend.db.models import Who


class CallAnswer(Answer):
    """One call as lists have it. While it lasts `ended_at`, `outcome` and `contained` are null."""

    id: str = Field(examples=["20261121-084512-3f9a1c"])
    line: str = Field(examples=["agi"])
    caller: str = Field(examples=["+15550100100"])
    called: str = Field(examples=["100"])
    started_at: datetime
    ended_at: datetime | None
    duration_s: float
    outcome: CallOutcome | None
    contained: bool | None = Field(description="Ended by the bot, without a person.")
    intent: str = Field(description="What the call was about; may be empty.", examples=["billing"])
    customer_id: int | None
    customer_number: str
    customer_name: str
    transfer_to: str
    has_recording: bool = Field(validation_alias="recording")
    turn_count: int = Field(description="Answers the bot gave.")
    slowest_turn_s: float | None

    @field_validator("has_recording", mode="before")
    @classmethod
    def _is_named(cls, file_name: object) -> bool:
        return bool(file_name)


class LiveCallAnswer(Answer):
    """A call in progress."""

    call_id: str
    started_at: datetime
    line: str
    caller: str
    called: str
    intent: str
    customer_number: str
    turns: int
    last_words: list[str] = Field(
        description="The last few utterances, oldest first.",
        examples=[["bot: How can I help?", "caller: what is my balance"]],
    )


class TurnAnswer(Answer):
    """What one side said. The caller's words and the answer to them share a `number`.

    The seconds are where an answer's time went; null where they were not measured.
    """

    number: int
    who: Who
    at: datetime
    at_s: float = Field(description="Seconds since the call started.")
    kind: str
    text: str
    digits: str
    confidence: float | None
    intent: str
    intent_confidence: float | None
    source: str
    interrupted: bool
    endpoint_wait_s: float | None
    recognition_s: float | None
    thinking_s: float | None
    first_audio_s: float | None
    transport_s: float | None
    total_s: float | None


class EventAnswer(Answer):
    """One event of a call, as it was published."""

    seq: int
    type: str
    at: datetime
    at_s: float
    data: dict[str, Any]


class CallDetailAnswer(CallAnswer):
    """One call with everything in it."""

    turns: list[TurnAnswer]
    events: list[EventAnswer]
    tickets: list[TicketAnswer]


class TranscriptAnswer(Answer):
    """What was said, in order."""

    call_id: str
    turns: list[TurnAnswer]


class WaveformAnswer(Answer):
    """A recording's loudness over time: square root of the amplitude, 0–100, loudest of a span."""

    duration_s: float
    caller: list[int]
    bot: list[int]
