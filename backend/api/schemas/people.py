"""People and API keys as they are sent and answered."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.api.clean_text import OneLine
from backend.api.schemas.paging import Answer
from backend.db.models import Role

UserName = Annotated[str, Field(pattern=r"^[\w.@-]{1,100}$", examples=["dana"])]
KeyName = Annotated[OneLine, Field(min_length=1, max_length=100, examples=["CRM"])]


class UserNew(BaseModel):
    """Somebody who shall sign in."""

    model_config = ConfigDict(extra="forbid")

    name: UserName
    role: Role


class UserChange(BaseModel):
    """What somebody may do from now on; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    active: bool | None = Field(None, description="False: locked out.")

    @model_validator(mode="after")
    def _not_nothing(self) -> Self:
        if self.role is None and self.active is None:
            raise ValueError("give a role, or active, or both")
        return self


class UserAnswer(Answer):
    """Somebody who signs in."""

    id: int
    name: str
    role: Role
    active: bool
    must_change_password: bool
    created_at: datetime
    last_sign_in_at: datetime | None


class UserSecretAnswer(UserAnswer):
    """With a password that is good for one sign-in, and shown only here."""

    one_time_password: str


class KeyNew(BaseModel):
    """A program that shall use the API."""

    model_config = ConfigDict(extra="forbid")

    name: KeyName
    role: Role


class KeyAnswer(Answer):
    """A program's key, without the secret."""

    id: int
    name: str
    prefix: str = Field(description="What the key begins with.", examples=["fd_x7k2m9qp"])
    role: Role
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeySecretAnswer(KeyAnswer):
    """With the key itself, shown only here."""

    key: str
