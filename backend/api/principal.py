"""Who is asking, and what they may do."""

from dataclasses import dataclass
from http import HTTPStatus

from backend.api.errors import ApiError
from backend.db.models import Role

RANK = {Role.VIEWER: 0, Role.SUPERVISOR: 1, Role.OWNER: 2}
"""Each role may do what the ones before it may."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody (or some program) we know."""

    name: str
    role: Role
    user_id: int | None = None
    """None for a program's API key."""
    form_token: str = ""
    """What this person's forms carry; empty for programs, whose key says enough."""
    must_change_password: bool = False

    @property
    def may_edit(self) -> bool:
        """Customers and tickets."""
        return RANK[self.role] >= RANK[Role.SUPERVISOR]

    @property
    def may_manage(self) -> bool:
        """People and API keys."""
        return self.role is Role.OWNER

    def require(self, role: Role) -> None:
        """Raises ApiError (403) when this is not allowed."""
        if RANK[self.role] < RANK[role]:
            raise ApiError(
                HTTPStatus.FORBIDDEN,
                "not-allowed",
                f"This takes the role of {role}; yours is {self.role}.",
                fix="Ask an owner to do it, or to give you the role.",
            )
