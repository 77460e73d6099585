"""Managing who may come in: what the pages and the API have in common."""

from fastapi import Request

from backend.api import audit
from backend.api.api_keys import new_api_key
from backend.api.audit import Action, Note
from backend.api.gate import gate_of
from backend.api.passwords import one_time_password
from backend.api.principal import Principal
from backend.api.services import services_of
from backend.db.models import Role
from backend.db.queries import accounts
from backend.db.queries.accounts import ApiKeyRecord, UserRecord


async def add_user(
    request: Request, who: Principal, name: str, role: Role
) -> tuple[UserRecord, str]:
    """A user and the one-time password, which is kept nowhere. Raises DuplicateError."""
    password = one_time_password()
    password_hash = await gate_of(request).passwords.hash(password)
    user = await audit.write(
        request,
        who,
        lambda user: Note(Action.USER_ADDED, f"user {user.name}", role),
        accounts.create_user,
        name,
        password_hash,
        role,
        now=services_of(request).now(),
        must_change_password=True,
    )
    return user, password


async def set_access(
    request: Request, who: Principal, user_id: int, role: Role | None, active: bool | None
) -> UserRecord:
    """Change a role, lock somebody out or let them in again; takes effect at their next request.

    Raises NotFoundError; InvalidError for the last active owner.
    """
    changed = [str(role)] if role else []
    changed += [] if active is None else ["let in" if active else "locked out"]
    return await audit.write(
        request,
        who,
        lambda user: Note(Action.USER_CHANGED, f"user {user.name}", ", ".join(changed)),
        accounts.set_access,
        user_id,
        role,
        active=active,
    )


async def reset_password(request: Request, who: Principal, user_id: int) -> tuple[UserRecord, str]:
    """A new one-time password; every session of the user ends. Raises NotFoundError."""
    password = one_time_password()
    user = await audit.write(
        request,
        who,
        lambda user: Note(Action.PASSWORD_RESET, f"user {user.name}"),
        accounts.set_password,
        user_id,
        await gate_of(request).passwords.hash(password),
        must_change_password=True,
    )
    return user, password


async def add_key(
    request: Request, who: Principal, name: str, role: Role
) -> tuple[ApiKeyRecord, str]:
    """An API key and its string, which is kept nowhere."""
    key = new_api_key()
    record = await audit.write(
        request,
        who,
        lambda made: Note(Action.KEY_CREATED, f"key {made.name}", f"{made.prefix}, {role}"),
        accounts.create_api_key,
        name,
        key.prefix,
        key.hash,
        role,
        now=services_of(request).now(),
    )
    return record, key.text


async def revoke_key(request: Request, who: Principal, key_id: int) -> ApiKeyRecord:
    """Make a key useless at once. Raises NotFoundError."""
    return await audit.write(
        request,
        who,
        lambda key: Note(Action.KEY_REVOKED, f"key {key.name}", key.prefix),
        accounts.revoke_api_key,
        key_id,
        services_of(request).now(),
    )
