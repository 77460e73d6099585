"""Getting in: the first user, and a way back for who forgot the password. For the command line."""

from datetime import datetime

from sqlalchemy.orm import Session

from backend.api.passwords import Passwords, one_time_password
from backend.db.errors import NotFoundError
from backend.db.models import Role
from backend.db.queries import accounts
from backend.db.store import Store

FIRST_USER = "owner"


async def ensure_first_user(store: Store, *, now: datetime) -> str | None:
    """Create `owner` when there is no user at all; its one-time password, to be printed once.

    None when somebody can sign in already. Raises StoreError when the database is down.
    """
    if await store.write(accounts.has_users):
        return None
    password = one_time_password()
    password_hash = await Passwords().hash(password)
    created = await store.write(_create_first, password_hash, now)
    return password if created else None


async def reset_password(store: Store, name: str) -> str:
    """Give a user a new one-time password and end their sessions; returns it.

    Raises NotFoundError when there is no such user.
    """
    password = one_time_password()
    await store.write(_reset, name, await Passwords().hash(password))
    return password


def _create_first(session: Session, password_hash: str, now: datetime) -> bool:
    if accounts.has_users(session):  # another process was quicker
        return False
    accounts.create_user(
        session, FIRST_USER, password_hash, Role.OWNER, now=now, must_change_password=True
    )
    return True


def _reset(session: Session, name: str, password_hash: str) -> None:
    user = accounts.find_user(session, name)
    if user is None:
        raise NotFoundError(f"There is no user {name}.")
    accounts.set_password(session, user.id, password_hash, must_change_password=True)
