"""What a language model may ask for besides answering. Nothing here has an effect.

A call is read only when it is all of the answer, is one, and fits its tool to the letter; in any
other case it is refused. What it asks for is done by others, who ask the caller first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from backend.agent.llm.model import ToolCall

LONGEST_QUERY = 200
"""Characters; a question of the caller's is shorter."""
TaskName = Literal[
    "billing",
    "technical_support",
    "account_info",
    "new_service",
    "cancellation",
    "complaint",
    "human",
]
"""The intents that have a policy."""


class ToolArguments(BaseModel):
    """What a tool is called with: exactly this, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    tool: ClassVar[str]
    """The name it is called by."""
    purpose: ClassVar[str]
    """What the model is told of it."""


class SearchKnowledge(ToolArguments):
    """Wants more facts, found by words of the model's own."""

    tool: ClassVar[str] = "search_knowledge"
    purpose: ClassVar[str] = (
        "Look for other facts when those given do not answer the question. Once only."
    )
    query: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUERY)
    ]


class StartTask(ToolArguments):
    """Takes the caller's words for a request that has a policy."""

    tool: ClassVar[str] = "start_task"
    purpose: ClassVar[str] = (
        "Hand the caller over to the task they ask for, which then asks them what it needs."
        " billing: what they owe, or a bill they dispute. technical_support: trouble with the"
        " service. account_info: what is stored about them. new_service: ordering something."
        " cancellation: ending a contract. complaint: they are unhappy. human: they want a person."
    )
    task: TaskName


ToolRequest = SearchKnowledge | StartTask
Tool = type[SearchKnowledge] | type[StartTask]
TOOLS: tuple[Tool, ...] = (SearchKnowledge, StartTask)
AFTER_SEARCH: tuple[Tool, ...] = (StartTask,)
"""One search a question: the caller is waiting."""


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call that must not be followed."""

    reason: str
    """For logs; nothing of the call itself."""


@cache
def definition(tool: Tool) -> Mapping[str, Any]:
    """The tool as OpenAI's API takes it, and Ollama's likewise."""
    schema = tool.model_json_schema()
    parameters = {key: schema[key] for key in ("type", "properties", "required")}
    function = {"name": tool.tool, "description": tool.purpose, "parameters": parameters}
    return {"type": "function", "function": function}


def read_calls(
    calls: Sequence[ToolCall], offered: Sequence[Tool], *, after_text: bool
) -> ToolRequest | RefusedCall:
    """What the calls of one answer amount to. `after_text`: the answer has words as well."""
    if len(calls) != 1:
        return RefusedCall("several calls")
    if after_text:
        return RefusedCall("call beside text")
    (call,) = calls
    tool = next((tool for tool in offered if tool.tool == call.name), None)
    if tool is None:
        return RefusedCall("no such tool")
    try:
        return tool.model_validate_json(call.arguments)
    except ValidationError:
        return RefusedCall("wrong arguments")
