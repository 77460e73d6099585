"""Accounts of browser phones, in a real Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.core.errors import LineError
from backend.telephony.ari import accounts
from backend.telephony.ari.accounts import PhoneAccounts
from backend.telephony.ari.client import AriClient
from backend.telephony.ari.errors import AriError
from tests.ari.harness import address_of, observer
from tests.support.loop import run
from tests.support.pbx import running_pbx

pytestmark = pytest.mark.pbx


@asynccontextmanager
async def a_pbx(tmp_path: Path) -> AsyncIterator[AriClient]:
    async with running_pbx(tmp_path) as (settings, server), observer(settings, server) as client:
        assert address_of(settings, server).app != client.address.app
        yield client


async def endpoints(client: AriClient) -> set[str]:
    found = await client.request("GET", "endpoints/PJSIP")
    return {one["resource"] for one in found if one["resource"].startswith("browser_")}


async def removed(client: AriClient) -> None:
    async with asyncio.timeout(5):
        while await endpoints(client):  # noqa: ASYNC110 - Asterisk has no event for us
            await asyncio.sleep(0.02)


def test_an_account_is_there_until_it_is_removed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_pbx(tmp_path) as client:
            phones = PhoneAccounts(client)
            account = await phones.make("anna")
            assert await endpoints(client) == {account.name}
            assert phones.belongs(account.name, "anna")
            assert not phones.belongs(account.name, "bob")
            await phones.remove(account.name)
            await removed(client)
            with pytest.raises(AriError):  # neither is its password
                await client.request(
                    "GET", f"asterisk/config/dynamic/res_pjsip/auth/{account.name}"
                )

    run(scenario())


def test_an_account_is_used_once_and_by_its_owner(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_pbx(tmp_path) as client:
            phones = PhoneAccounts(client)
            account = await phones.make("anna")
            with pytest.raises(LineError, match="not there any more"):
                phones.use(account.name, "bob")
            phones.use(account.name, "anna")
            with pytest.raises(LineError, match="in use already"):
                phones.use(account.name, "anna")
            await phones.aclose()
            await removed(client)

    run(scenario())


def test_an_account_nobody_uses_goes_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "UNUSED_S", 0.1)

    async def scenario() -> None:
        async with a_pbx(tmp_path) as client:
            phones = PhoneAccounts(client)
            account = await phones.make("anna")
            await removed(client)
            assert not phones.belongs(account.name, "anna")
            await phones.aclose()

    run(scenario())


def test_what_a_bot_that_was_killed_has_left_is_swept(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with a_pbx(tmp_path) as client:
            killed, ours = PhoneAccounts(client), PhoneAccounts(client)
            left = await killed.make("anna")
            killed.use(left.name, "anna")  # no timer goes on
            made = await ours.make("bob")
            assert await endpoints(client) == {made.name}
            await ours.aclose()

    run(scenario())
