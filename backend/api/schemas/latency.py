"""Where the time of answers went, as the API answers it."""

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict, JsonValue

from backend.api.schemas.calls import TurnAnswer
from backend.api.schemas.paging import Answer

_CALL = "20261121-084512-3f9a1c"
_TOTAL: JsonDict = {
    "part": "total",
    "turns": 3,
    "p50_s": 0.231,
    "p95_s": 0.297,
    "max_s": 0.304,
}
_PARTS: list[JsonValue] = [
    {"part": "endpoint_wait", "turns": 3, "p50_s": 0.192, "p95_s": 0.224, "max_s": 0.228},
    {"part": "recognition", "turns": 3, "p50_s": 0.006, "p95_s": 0.019, "max_s": 0.02},
    {"part": "thinking", "turns": 3, "p50_s": 0.004, "p95_s": 0.013, "max_s": 0.014},
    {"part": "first_audio", "turns": 3, "p50_s": 0.002, "p95_s": 0.011, "max_s": 0.012},
    {"part": "transport", "turns": 3, "p50_s": 0.027, "p95_s": 0.03, "max_s": 0.03},
]
_TURN: JsonDict = {
    "number": 1,
    "who": "bot",
    "at": "2026-11-21T08:45:19.204Z",
    "at_s": 7.31,
    "kind": "",
    "text": "We are open Monday to Friday, eight to six.",
    "digits": "",
    "confidence": None,
    "intent": "opening_hours",
    "intent_confidence": 0.93,
    "source": "kb:opening_hours",
    "interrupted": False,
    "endpoint_wait_s": 0.192,
    "recognition_s": 0.006,
    "thinking_s": 0.004,
    "first_audio_s": 0.002,
    "transport_s": 0.027,
    "total_s": 0.231,
}


class PartLatencyAnswer(Answer):
    """How long one part of a turn takes."""

    part: str = Field(examples=["recognition"])
    turns: int = Field(description="How many turns had this part measured.")
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


class LatencyAnswer(Answer):
    """Where the time of a call's answers went."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"call_id": _CALL, "parts": [*_PARTS, _TOTAL], "turns": [_TURN]}]
        }
    )

    call_id: str
    parts: list[PartLatencyAnswer]
    turns: list[TurnAnswer] = Field(description="The bot's answers, each with its split.")


class LatencySummaryAnswer(Answer):
    """How long a call's answers took, and what that was made of."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"call_id": _CALL, "turns": 3, "total": _TOTAL, "parts": _PARTS}]
        }
    )

    call_id: str
    turns: int = Field(description="Answers that were timed: a greeting answers nothing.")
    total: PartLatencyAnswer = Field(
        description="From the caller's last voiced sample to our first."
    )
    parts: list[PartLatencyAnswer] = Field(
        description="What `total` is made of, in the order it happens."
    )
