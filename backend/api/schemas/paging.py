"""Lists as the API answers them."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

Cursor = Annotated[
    str | None,
    Query(
        max_length=500,
        description="`next_cursor` of the page before; leave it out for the first page.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]


class Answer(BaseModel):
    """Base of everything that is built from the database's records."""

    model_config = ConfigDict(from_attributes=True)


class PageAnswer(Answer, Generic[Item]):
    """Some items of a list."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Give it back as `cursor` for the next page; null after the last."
    )
