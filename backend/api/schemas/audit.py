"""The audit log as the API answers it."""

from datetime import datetime

from pydantic import Field

from backend.api.schemas.paging import Answer


class AuditAnswer(Answer):
    """Who did what."""

    id: int
    at: datetime
    by: str = Field(description="A user, or `key` and the name of an API key.")
    address: str = Field(description="Where from.")
    action: str = Field(examples=["recording_played"])
    about: str = Field(examples=["call 20261121-084512-3f9a1c"])
    detail: str
