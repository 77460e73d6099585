"""Forms as pages show them: what was typed, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

CURSOR = "cursor"
VERSION = "version"
WHOLE_FORM = ""
"""Key of findings that belong to no single field."""


@dataclass(slots=True)
class Form:
    """Values by field name, as text; findings by field name."""

    values: Mapping[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def sent(cls, request: Request) -> Self:
        """The form in the request's body. Files and repeated fields are not for us."""
        body = await request.form()
        return cls({name: value for name, value in body.items() if isinstance(value, str)})

    @classmethod
    def asked(cls, request: Request) -> Self:
        """The form in the request's query: filters of a list."""
        return cls({name: value.strip() for name, value in request.query_params.items()})

    @classmethod
    def of(cls, row: object, names: Sequence[str]) -> Self:
        """A form filled in from an object's attributes."""
        found = {name: getattr(row, name) for name in names}
        return cls({name: "" if value is None else str(value) for name, value in found.items()})

    def value(self, name: str) -> str:
        """What stands in a field; empty when nothing does."""
        return self.values.get(name, "")

    @property
    def any(self) -> bool:
        """Whether anything but the place in the list is filled in."""
        return any(value for name, value in self.values.items() if name != CURSOR)

    @property
    def cursor(self) -> str:
        """The place in the list; empty on its first page."""
        return self.value(CURSOR)

    def query(self, **changes: str) -> str:
        """The filled-in fields as a query string, without the place unless it is given."""
        kept = {name: value for name, value in self.values.items() if value and name != CURSOR}
        return urlencode(kept | changes)

    def differences(self, row: object, names: Sequence[str]) -> dict[str, str]:
        """What an object's attributes are, where the form says something else."""
        stored = type(self).of(row, names)
        return {
            name: stored.value(name)
            for name in names
            if _plain(stored.value(name)) != _plain(self.value(name))
        }

    def based_on(self, row: object) -> None:
        """From now on the form is an answer to this version of the row; the rest stays typed."""
        self.values = {**self.values, VERSION: str(getattr(row, VERSION))}

    def read(self, model: type[Model], **given: Any) -> Model | None:
        """The form as a `model`; None when something is wrong, which is then in `wrong`.

        Empty fields count as not filled in.
        """
        filled = {name: value for name, value in self.values.items() if value.strip()}
        known = {name: value for name, value in filled.items() if name in model.model_fields}
        try:
            return model.model_validate(known | given)
        except ValidationError as error:
            for problem in error.errors():
                name = str(problem["loc"][0]) if problem["loc"] else WHOLE_FORM
                self.wrong[name] = _sentence(problem["type"], problem["msg"])
            return None


def _plain(text: str) -> str:
    return text.strip().replace("\r\n", "\n")


def _sentence(kind: str, message: str) -> str:
    if kind == "missing":
        return "Please fill this in."
    return f"{message.removeprefix('Value error, ')}."
