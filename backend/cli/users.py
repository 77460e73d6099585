"""`frontdesk users`: sign-in matters for whoever has the machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import typer

from backend.api.api_keys import create_api_key
from backend.api.first_user import ensure_first_user, reset_password
from backend.config import Settings
from backend.core.errors import ConfigError
from backend.db.database import Database
from backend.db.models import Role
from backend.db.store import Store


async def new_password(settings: Settings, name: str) -> None:
    """Print a new one-time password. Raises NotFoundError for an unknown name."""
    async with opened_store(settings) as store:
        password = await ensure_first_user(store, now=datetime.now(UTC))
        if password is None or name != "owner":
            password = await reset_password(store, name)
    typer.echo(f"{name} / {password}   (once; a new one is chosen at sign-in)")


async def new_key(settings: Settings, name: str, role: str) -> None:
    """Print a new API key. Raises ConfigError for an unknown role."""
    if role not in set(Role):
        raise ConfigError(f"There is no role {role}.", fix=f"Choose one of {', '.join(Role)}.")
    async with opened_store(settings) as store:
        key, _ = await create_api_key(store, name, Role(role), now=datetime.now(UTC))
    typer.echo(key)


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The database to write to, from another process than the bot's."""
    database = Database(settings.db_url)
    store = await Store.open(database, settings.data_dir)
    try:
        yield store
    finally:
        await store.aclose()
        database.close()
