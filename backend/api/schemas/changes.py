"""What changes of anything have in common."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Changes(BaseModel):
    """Fields that are left out stay as they are; the version guards against lost changes."""

    model_config = ConfigDict(extra="forbid")
    may_be_null: ClassVar[frozenset[str]] = frozenset()
    """Fields for which null is a value."""

    version: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        description="The `version` you read. If somebody has made a change since, the answer is "
        "409 and nothing is changed. Left out: the last change wins.",
        examples=[3],
    )

    @model_validator(mode="after")
    def _no_stray_nulls(self) -> Self:
        for name in self.model_fields_set - self.may_be_null - {"version"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} must not be null; leave it out to keep it")
        return self

    def changes(self) -> dict[str, Any]:
        """What was given, without the version."""
        return self.model_dump(exclude_unset=True, exclude={"version"})
