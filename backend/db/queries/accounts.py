"""Who may sign in: people with passwords, programs with keys. Hashing is the caller's work."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.db.errors import DuplicateError, InvalidError, NotFoundError
from backend.db.models import ApiKey, Role, User
from backend.db.queries.records import as_record

USED_EVERY = timedelta(minutes=1)
"""How exactly a key's last use is known: a program that asks all day must not write all day."""


@dataclass(frozen=True, slots=True)
class UserRecord:
    """Somebody who signs in."""

    id: int
    name: str
    password_hash: str
    role: Role
    must_change_password: bool
    active: bool
    created_at: datetime
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """A program's key; the key itself is not kept."""

    id: int
    name: str
    prefix: str
    key_hash: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def has_users(session: Session) -> bool:
    """Whether anybody can sign in at all."""
    return session.scalar(select(func.count()).select_from(User)) != 0


def list_users(session: Session) -> list[UserRecord]:
    """Everybody, by name."""
    return [
        as_record(UserRecord, user) for user in session.scalars(select(User).order_by(User.name))
    ]


def find_user(session: Session, name: str) -> UserRecord | None:
    """The user with this name, in whatever case and with blanks around it."""
    user = session.scalar(select(User).where(User.name == _folded(name)))
    return None if user is None else as_record(UserRecord, user)


def get_user(session: Session, user_id: int) -> UserRecord:
    """Raises NotFoundError."""
    return as_record(UserRecord, _user(session, user_id))


def create_user(
    session: Session,
    name: str,
    password_hash: str,
    role: Role,
    *,
    now: datetime,
    must_change_password: bool = False,
) -> UserRecord:
    """Add a user; names are kept in lower case. Raises DuplicateError, InvalidError."""
    name = _folded(name)
    if not 0 < len(name) <= 100:
        raise InvalidError("A user's name has 1 to 100 characters.")
    if find_user(session, name) is not None:
        raise DuplicateError(f"There is a user {name} already.")
    user = User(
        name=name,
        password_hash=password_hash,
        role=role,
        must_change_password=must_change_password,
        active=True,
        created_at=now,
    )
    session.add(user)
    session.flush()
    return as_record(UserRecord, user)


def set_password(
    session: Session, user_id: int, password_hash: str, *, must_change_password: bool = False
) -> UserRecord:
    """Replace a user's password. Raises NotFoundError."""
    user = _user(session, user_id)
    user.password_hash = password_hash
    user.must_change_password = must_change_password
    session.flush()
    return as_record(UserRecord, user)


def set_access(
    session: Session, user_id: int, role: Role | None = None, *, active: bool | None = None
) -> UserRecord:
    """Change what a user may do; what is None stays.

    Raises NotFoundError; InvalidError for the last active owner.
    """
    user = _user(session, user_id)
    role = user.role if role is None else role
    active = user.active if active is None else active
    was_owner = user.role is Role.OWNER and user.active
    other_owners = select(func.count()).where(
        User.role == Role.OWNER, User.active.is_(True), User.id != user_id
    )
    is_owner = role is Role.OWNER and active
    if was_owner and not is_owner and session.scalar(other_owners) == 0:
        raise InvalidError(
            f"{user.name} is the last owner.", fix="Make somebody else an owner first."
        )
    user.role, user.active = role, active
    session.flush()
    return as_record(UserRecord, user)


def note_sign_in(session: Session, user_id: int, now: datetime) -> None:
    """Remember when somebody signed in. Raises NotFoundError."""
    _user(session, user_id).last_sign_in_at = now


def list_api_keys(session: Session) -> list[ApiKeyRecord]:
    """Every key, revoked ones included, newest first."""
    keys = session.scalars(select(ApiKey).order_by(ApiKey.id.desc()))
    return [as_record(ApiKeyRecord, key) for key in keys]


def create_api_key(
    session: Session, name: str, prefix: str, key_hash: str, role: Role, *, now: datetime
) -> ApiKeyRecord:
    """Add a key. `prefix` is the part of it that is kept readable. Raises DuplicateError."""
    if find_api_key(session, prefix) is not None:
        raise DuplicateError(f"There is a key {prefix}… already.")
    key = ApiKey(name=name, prefix=prefix, key_hash=key_hash, role=role, created_at=now)
    session.add(key)
    session.flush()
    return as_record(ApiKeyRecord, key)


def find_api_key(session: Session, prefix: str) -> ApiKeyRecord | None:
    """The key with this prefix, also when it was revoked: check `revoked_at`."""
    key = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
    return None if key is None else as_record(ApiKeyRecord, key)


def note_api_key_use(session: Session, key_id: int, now: datetime) -> None:
    """Remember that a key was used; at most once in `USED_EVERY`. Raises NotFoundError."""
    key = _key(session, key_id)
    if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
        key.last_used_at = now


def revoke_api_key(session: Session, key_id: int, now: datetime) -> ApiKeyRecord:
    """Make a key useless; it stays in the list. Raises NotFoundError."""
    key = _key(session, key_id)
    key.revoked_at = key.revoked_at or now
    session.flush()
    return as_record(ApiKeyRecord, key)


def _user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError(f"There is no user with id {user_id}.")
    return user


def _key(session: Session, key_id: int) -> ApiKey:
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFoundError(f"There is no key with id {key_id}.")
    return key


def _folded(name: str) -> str:
    return name.strip().casefold()
