from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.db.errors import DuplicateError, InvalidError, NotFoundError
from backend.db.models import Role
from backend.db.queries import accounts
from tests.support.call_events import NINE
from tests.support.db import writing


def user(engine: Engine, name: str = "Dana", role: Role = Role.OWNER) -> accounts.UserRecord:
    with writing(engine) as session:
        return accounts.create_user(session, name, "$argon2id$hash", role, now=NINE)


def test_a_user_is_found_however_the_name_is_typed(engine: Engine) -> None:
    with Session(engine) as session:
        assert accounts.has_users(session) is False
    dana = user(engine)
    with Session(engine) as session:
        assert accounts.has_users(session) is True
        assert accounts.find_user(session, " DANA ") == dana
        assert accounts.get_user(session, dana.id) == dana
        assert accounts.find_user(session, "dan") is None


def test_two_users_cannot_have_one_name(engine: Engine) -> None:
    user(engine)
    with pytest.raises(DuplicateError, match="dana"):
        user(engine, "DANA")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_user_has_a_name(sqlite_engine: Engine, name: str) -> None:
    with pytest.raises(InvalidError):
        user(sqlite_engine, name)


def test_a_new_password_takes_the_place_of_the_old(engine: Engine) -> None:
    dana = user(engine)
    with writing(engine) as session:
        after = accounts.set_password(session, dana.id, "new hash", must_change_password=True)
    assert (after.password_hash, after.must_change_password) == ("new hash", True)


def test_the_last_owner_stays_one(engine: Engine) -> None:
    dana, luis = user(engine), user(engine, "Luis", Role.VIEWER)
    with writing(engine) as session:
        for role, active in ((Role.VIEWER, True), (Role.OWNER, False)):
            with pytest.raises(InvalidError, match="last owner"):
                accounts.set_access(session, dana.id, role, active=active)
        accounts.set_access(session, luis.id, Role.OWNER, active=True)
        assert accounts.set_access(session, dana.id, Role.VIEWER, active=False).active is False


def test_a_sign_in_is_remembered(engine: Engine) -> None:
    dana = user(engine)
    with writing(engine) as session:
        accounts.note_sign_in(session, dana.id, NINE)
    with Session(engine) as session:
        [after] = accounts.list_users(session)
    assert after.last_sign_in_at == NINE


def test_a_key_is_found_by_its_prefix_until_long_after_it_was_revoked(engine: Engine) -> None:
    with writing(engine) as session:
        key = accounts.create_api_key(session, "CRM", "fd_abc", "hash", Role.VIEWER, now=NINE)
    with writing(engine) as session:
        revoked = accounts.revoke_api_key(session, key.id, NINE)
        again = accounts.revoke_api_key(session, key.id, NINE + timedelta(days=1))
    assert revoked.revoked_at == again.revoked_at == NINE
    with Session(engine) as session:
        assert accounts.find_api_key(session, "fd_abc") == revoked
        assert accounts.find_api_key(session, "fd_ab") is None
        assert accounts.list_api_keys(session) == [revoked]


def test_two_keys_cannot_have_one_prefix(engine: Engine) -> None:
    with writing(engine) as session:
        accounts.create_api_key(session, "CRM", "fd_abc", "hash", Role.VIEWER, now=NINE)
        with pytest.raises(DuplicateError):
            accounts.create_api_key(session, "ERP", "fd_abc", "hash", Role.VIEWER, now=NINE)


def test_the_last_use_of_a_busy_key_is_not_written_every_time(engine: Engine) -> None:
    with writing(engine) as session:
        key = accounts.create_api_key(session, "CRM", "fd_abc", "hash", Role.VIEWER, now=NINE)
        for seconds in (0, 1, 59, 61):
            accounts.note_api_key_use(session, key.id, NINE + timedelta(seconds=seconds))
            used = accounts.find_api_key(session, "fd_abc")
            assert used is not None
            assert used.last_used_at == NINE + timedelta(seconds=61 if seconds == 61 else 0)


def test_who_is_not_there_is_not_found(engine: Engine) -> None:
    with writing(engine) as session:
        with pytest.raises(NotFoundError):
            accounts.get_user(session, 7)
        with pytest.raises(NotFoundError):
            accounts.revoke_api_key(session, 7, NINE)
