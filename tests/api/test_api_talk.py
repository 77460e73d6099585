"""The sockets of "Talk to it": who may open one, and the conversation in writing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from backend.api.sockets import holding, talking
from backend.api.sockets.sip import speaks_as
from backend.db.models import Role
from backend.telephony.ari.accounts import PhoneAccounts
from backend.telephony.ari.client import AriClient
from tests.support.office import HOME, Office, open_office, send, token_in, words_of
from tests.support.office_bot import bots


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, seeded: Path, models: Path) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("desk")
    with open_office(folder, seeded, bots(models)) as office:
        yield office


def opened(browser: TestClient, path: str, origin: str = HOME) -> Any:
    return browser.websocket_connect(f"ws://localhost{path}", headers={"origin": origin})


def told(socket: WebSocketTestSession, event: str) -> dict[str, Any]:
    """The next event of that kind."""
    while True:
        message: dict[str, Any] = socket.receive_json()
        if message.get("event") == event:
            return message


def test_a_conversation_is_written(desk: Office) -> None:
    with opened(desk.signed_in(Role.SUPERVISOR), "/talk/chat") as socket:
        assert told(socket, "bot.says")["text"].startswith("Thank you for calling")
        socket.send_json({"type": "say", "text": "what are your opening hours"})
        assert told(socket, "caller.said")["text"] == "what are your opening hours"
        assert told(socket, "agent.understood")["intent"] == "faq/opening-hours"
        assert "Monday to Friday" in told(socket, "bot.says")["text"]
        socket.send_json({"type": "say", "text": "goodbye"})
        assert told(socket, "call.ended")["outcome"] == "completed"
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_nonsense_is_ignored_and_the_conversation_goes_on(desk: Office) -> None:
    with opened(desk.signed_in(Role.SUPERVISOR), "/talk/chat") as socket:
        for nonsense in ("{", "[]", '{"type": "unknown"}', "[" * 5000):
            socket.send_text(nonsense)
        socket.send_json({"type": "say", "text": "what are your opening hours"})
        assert told(socket, "agent.understood")["intent"] == "faq/opening-hours"
        socket.send_json({"type": "say", "text": "goodbye"})
        told(socket, "call.ended")


def test_a_page_that_goes_away_ends_its_conversation(desk: Office) -> None:
    with opened(desk.signed_in(Role.SUPERVISOR), "/talk/chat") as socket:
        call_id = told(socket, "call.started")["call_id"]
    assert call_id not in [call.call_id for call in desk.services.live.calls()]


def test_a_page_that_was_forgotten_keeps_no_line(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "UNTYPED_S", 0.01)
    with opened(desk.signed_in(Role.SUPERVISOR), "/talk/chat") as socket:
        assert told(socket, "call.ended")["outcome"] == "caller_hung_up"


def test_who_is_locked_out_is_cut_off(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "RECHECK_S", 0.01)
    browser = desk.signed_in(Role.SUPERVISOR)
    with opened(browser, "/talk/chat") as socket:
        told(socket, "bot.says")
        send(browser, "/sign-out", form_on="/calls")
        with pytest.raises(WebSocketDisconnect) as cut:
            told(socket, "nothing more")
    assert cut.value.code == holding.POLICY_VIOLATION


def test_who_types_more_than_can_be_answered_is_cut_off(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "MOST_TYPED", 0)
    with opened(desk.signed_in(Role.SUPERVISOR), "/talk/chat") as socket:
        socket.send_json({"type": "say", "text": "hello"})
        assert told(socket, "call.ended")["outcome"] == "caller_hung_up"


def test_a_page_that_goes_away_before_it_speaks_is_no_mistake(desk: Office) -> None:
    with opened(desk.signed_in(Role.SUPERVISOR), "/talk/voice"):
        pass


@pytest.fixture
def phones(desk: Office) -> Iterator[PhoneAccounts]:
    """Telephone accounts, and a desk that makes them."""
    made, services = PhoneAccounts(cast(AriClient, _Asterisk())), desk.services
    desk.app.state.services = replace(services, bot=replace(services.bot_parts, phones=made))
    yield made
    desk.app.state.services = services


def test_an_account_stays_when_somebody_else_tries_to_connect_with_it(
    desk: Office, phones: PhoneAccounts
) -> None:
    owner, other = desk.signed_in(Role.OWNER), desk.signed_in(Role.SUPERVISOR)
    token = token_in(owner.get("/settings"))
    account = owner.post("/api/talk/phone", headers={"x-form-token": token}).json()["account"]
    with (
        opened(other, f"/talk/sip/{account}") as socket,
        pytest.raises(WebSocketDisconnect) as closed,
    ):
        socket.receive_text()
    assert "not there any more" in closed.value.reason
    assert phones.belongs(account, Role.OWNER.value)


class _Asterisk:
    """Takes every account, and has none that was left."""

    address = SimpleNamespace(app="frontdesk")
    trouble = ""

    async def request(self, method: str, path: str, body: object = None) -> Any:
        del method, body
        return [] if path == "endpoints/PJSIP" else {}


@pytest.mark.parametrize(
    ("message", "may_pass"),
    [
        ("REGISTER sip:x SIP/2.0\r\nFrom: <sip:browser_1@x>;tag=a\r\n\r\n", True),
        ('INVITE sip:200@x SIP/2.0\r\nf: "Ann" <sip:browser_1@x>;tag=a\r\n\r\nsdp', True),
        ("\r\n\r\n", True),
        ("SIP/2.0 200 OK\r\nFrom: <sip:200@x>\r\n\r\n", True),
        ("INVITE sip:200@x SIP/2.0\r\nFrom: <sip:anybody@x>;tag=a\r\n\r\n", False),
        ("INVITE sip:200@x SIP/2.0\r\nTo: <sip:browser_1@x>\r\n\r\n", False),
        ("INVITE sip:2@x SIP/2.0\r\nFrom:\r\n <sip:anybody@x>\r\n\r\n", False),
        (
            "INVITE sip:2@x SIP/2.0\r\nFrom: <sip:browser_1@x>\r\nf: <sip:anybody@x>\r\n\r\n",
            False,
        ),
        ("OPTIONS sip:2@x SIP/2.0\r\n\r\nFrom: <sip:browser_1@x>", False),
    ],
)
def test_nobody_speaks_for_another_telephone(message: str, may_pass: bool) -> None:
    assert speaks_as("browser_1", message) is may_pass


@pytest.mark.parametrize("path", ["/talk/chat", "/talk/voice", "/talk/sip/x", "/talk/follow/x"])
def test_strangers_viewers_and_other_sites_are_refused(desk: Office, path: str) -> None:
    supervisor = desk.signed_in(Role.SUPERVISOR)
    for browser, origin in (
        (desk.browser(), HOME),
        (desk.signed_in(Role.VIEWER), HOME),
        (supervisor, "https://evil.example"),
        (supervisor, "null"),
    ):
        with pytest.raises(WebSocketDisconnect), opened(browser, path, origin):
            pass


@pytest.mark.parametrize("path", ["/talk/sip/browser_x_1", "/talk/follow/browser_x_1"])
def test_without_a_pbx_there_is_no_telephone(desk: Office, path: str) -> None:
    with (
        opened(desk.signed_in(Role.SUPERVISOR), path) as socket,
        pytest.raises(WebSocketDisconnect),
    ):
        socket.receive_text()


@pytest.mark.parametrize(
    "first", ["{", '{"type": "start"}', '{"type": "start", "rate_hz": 7}', '{"rate_hz": 48000}']
)
def test_a_voice_without_a_rate_is_refused_with_the_reason(desk: Office, first: str) -> None:
    with opened(desk.signed_in(Role.SUPERVISOR), "/talk/voice") as socket:
        socket.send_text(first)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert "did not say at which rate" in closed.value.reason


def test_an_account_needs_our_own_pbx(desk: Office) -> None:
    browser = desk.signed_in(Role.SUPERVISOR)
    token = token_in(browser.get("/settings"))
    answer = browser.post("/api/talk/phone", headers={"x-form-token": token})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "no-pbx"


def test_the_page_says_why_there_is_no_telephone(desk: Office) -> None:
    page = desk.signed_in(Role.SUPERVISOR).get("/talk")
    assert "The PBX is your own" in words_of(page)
    assert 'value="sip"' not in page.text


def test_the_page_is_not_for_viewers(desk: Office) -> None:
    assert desk.signed_in(Role.VIEWER).get("/talk").status_code == 403
