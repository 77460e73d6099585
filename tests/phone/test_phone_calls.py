"""Calls placed over real UDP to a small peer: results, dialogs, sign-in, giving up."""

import asyncio
import time

import pytest

from backend.core.errors import LineError
from backend.phone.phone import Phone
from backend.phone.results import CallOverError, DialError, EndedBy
from backend.phone.sip_auth import Credentials
from backend.phone.sip_message import SipRequest
from tests.phone.peer import contact_of, peer
from tests.support.loop import run
from tests.support.pbx import free_port


def test_an_answered_call_is_acknowledged_and_hung_up_with_bye() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            assert call.answered_at_s > call.dialled_at_s
            end = await call.hang_up()
            assert end.by is EndedBy.PHONE
            assert [pbx.count(m) for m in ("INVITE", "ACK", "BYE")] == [1, 1, 1]

    run(scenario())


def test_leaving_the_phone_hangs_up_what_is_left() -> None:
    async def scenario() -> None:
        async with peer() as pbx:
            async with Phone() as phone:
                calls = [await phone.dial(pbx.uri()) for _ in range(3)]
            assert pbx.count("BYE") == 3
            assert all(call.ended for call in calls)

    run(scenario())


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (404, "Not Found", "unknown extension: 404 Not Found"),
        (486, "Busy Here", "busy: 486"),
        (503, "Service Unavailable", "overloaded"),
        (603, "Decline", "declined"),
        (302, "Moved", "refused: 302"),
    ],
)
def test_a_refusal_says_what_it_means(status: int, reason: str, words: str) -> None:
    async def scenario() -> None:
        async with peer(status=status, reason=reason) as pbx, Phone() as phone:
            with pytest.raises(DialError, match=words) as caught:
                await phone.dial(pbx.uri("999"))
            assert caught.value.status == status
            await pbx.until(lambda: pbx.count("ACK") == 1)

    run(scenario())


def test_a_port_where_nothing_listens_is_reported_at_once() -> None:
    async def scenario() -> None:
        async with Phone() as phone:
            began_s = time.monotonic()
            port = free_port()
            with pytest.raises(DialError, match="nothing answers SIP") as caught:
                await phone.dial(f"sip:100@127.0.0.1:{port}", timeout_s=10)
            assert caught.value.fix
            assert time.monotonic() - began_s < 5

    run(scenario())


def test_a_lost_invite_is_sent_again() -> None:
    async def scenario() -> None:
        async with peer(ignore_first=1) as pbx, Phone() as phone:
            await phone.dial(pbx.uri())
            assert pbx.count("INVITE") == 2

    run(scenario())


def test_a_repeated_answer_is_acknowledged_again() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            await phone.dial(pbx.uri())
            await pbx.until(lambda: pbx.count("ACK") == 1)
            assert pbx.invite is not None
            pbx.respond(pbx.invite, 200, "OK", body=pbx.description())
            await pbx.until(lambda: pbx.count("ACK") == 2)

    run(scenario())


def test_an_extension_that_only_rings_is_cancelled() -> None:
    async def scenario() -> None:
        async with peer(rings=True) as pbx, Phone() as phone:
            with pytest.raises(DialError, match="nobody answered"):
                await phone.dial(pbx.uri(), timeout_s=0.2)
            await pbx.until(lambda: pbx.count("CANCEL") == 1 and pbx.count("ACK") == 1)

    run(scenario())


def test_cancelling_the_task_that_dials_cancels_the_call() -> None:
    async def scenario() -> None:
        async with peer(rings=True) as pbx, Phone() as phone:
            dialling = asyncio.create_task(phone.dial(pbx.uri()))
            await pbx.until(lambda: pbx.count("INVITE") == 1)
            dialling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialling
            await pbx.until(lambda: pbx.count("ACK") == 1)

    run(scenario())


def test_closing_the_phone_while_it_dials_ends_the_dialling() -> None:
    async def scenario() -> None:
        async with peer(rings=True) as pbx:
            async with Phone() as phone:
                dialling = asyncio.create_task(phone.dial(pbx.uri()))
                await pbx.until(lambda: pbx.count("INVITE") == 1)
            with pytest.raises(LineError, match="closed"):
                await dialling
            assert pbx.count("CANCEL") == 1

    run(scenario())


def test_signing_in_answers_the_challenge() -> None:
    async def scenario() -> None:
        async with peer(password="secret") as pbx, Phone() as phone:
            await phone.dial(pbx.uri(), credentials=Credentials("1001", "secret"))
            assert pbx.count("INVITE") == 2

    run(scenario())


@pytest.mark.parametrize("credentials", [None, Credentials("1001", "wrong")])
def test_a_wrong_or_missing_password_is_told_apart_from_other_refusals(
    credentials: Credentials | None,
) -> None:
    async def scenario() -> None:
        async with peer(password="secret") as pbx, Phone() as phone:
            with pytest.raises(DialError, match="password: 401"):
                await phone.dial(pbx.uri(), credentials=credentials)

    run(scenario())


def test_the_peer_hanging_up_ends_the_call_with_its_reason() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            waiting = asyncio.create_task(call.wait_for_voice(0, timeout_s=5))
            response = await pbx.request("BYE", reason="Q.850;cause=16")
            assert response.status == 200
            end = await call.wait_ended(timeout_s=5)
            assert (end.by, end.reason) == (EndedBy.PEER, "Q.850;cause=16")
            with pytest.raises(CallOverError):
                await waiting
            with pytest.raises(CallOverError):
                await call.send_keys("1")

    run(scenario())


@pytest.mark.parametrize("method", ["OPTIONS", "UPDATE", "INFO"])
def test_requests_inside_the_call_are_answered(method: str) -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            await phone.dial(pbx.uri())
            assert (await pbx.request(method)).status == 200

    run(scenario())


def test_an_unknown_method_is_refused_politely() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            await phone.dial(pbx.uri())
            response = await pbx.request("PUBLISH")
            assert response.status == 501
            assert "INVITE" in response.headers.get("Allow")

    run(scenario())


def test_a_new_offer_inside_the_call_is_answered_until_acknowledged() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            await phone.dial(pbx.uri())
            response = await pbx.request("INVITE", pbx.description().decode())
            assert response.status == 200
            assert b"m=audio" in response.body
            first = len(pbx.received)
            # Unacknowledged: the phone repeats it after T1.
            await pbx.until(lambda: len(pbx.received) > first)

    run(scenario())


def test_a_call_on_hold_is_resumed() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            await phone.dial(pbx.uri())
            await pbx.until(lambda: len(pbx.rtp) > 2)
            response = await pbx.request("UPDATE", pbx.description("sendonly").decode())
            assert b"a=recvonly" in response.body
            response = await pbx.request("UPDATE", pbx.description().decode())
            assert b"a=sendrecv" in response.body
            sent = len(pbx.rtp)
            await pbx.until(lambda: len(pbx.rtp) > sent + 4)

    run(scenario())


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\r\n\r\n",
        b"\xff\xfe\x00garbage",
        b"BYE sip:x SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\nCSeq: x\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nVia: ;;;\r\nFrom: <\r\nTo: >\r\n"
        b"Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
    ],
)
def test_garbage_on_the_sip_port_disturbs_nobody(datagram: bytes) -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            pbx.send(datagram)
            assert (await pbx.request("OPTIONS")).status == 200
            assert call.ended is None

    run(scenario())


def test_an_answer_without_a_common_codec_is_hung_up_and_explained() -> None:
    async def scenario() -> None:
        async with peer(types="18") as pbx, Phone() as phone:
            with pytest.raises(LineError, match=r"no G\.711"):
                await phone.dial(pbx.uri())
            await pbx.until(lambda: pbx.count("BYE") == 1)

    run(scenario())


def test_an_answer_without_a_tag_is_an_error_not_a_crash() -> None:
    async def scenario() -> None:
        async with peer(to_tag="") as pbx, Phone() as phone:
            with pytest.raises(LineError, match="tag"):
                await phone.dial(pbx.uri())

    run(scenario())


@pytest.mark.parametrize(
    "uri", ["", "100", "tel:100", "sip:", "sip:100@h:99999", "sip:1@h\r\nX: y", "sip:1@h>x"]
)
def test_a_bad_address_is_named(uri: str) -> None:
    async def scenario() -> None:
        async with Phone() as phone:
            with pytest.raises(LineError, match="address"):
                await phone.dial(uri)

    run(scenario())


def test_a_caller_that_would_end_the_header_is_refused() -> None:
    async def scenario() -> None:
        async with Phone() as phone:
            with pytest.raises(LineError, match="caller"):
                await phone.dial("sip:100@127.0.0.1:5160", caller='a"\r\nEvil: 1')

    run(scenario())


def test_an_address_of_another_machine_cannot_be_used() -> None:
    async def scenario() -> None:
        with pytest.raises(LineError, match=r"192\.0\.2\.1"):
            async with Phone("192.0.2.1"):
                pass

    run(scenario())


def test_a_registered_phone_takes_a_call_and_takes_its_registration_back() -> None:
    async def scenario() -> None:
        async with peer(password="secret") as pbx:
            async with Phone() as phone:
                await phone.register(pbx.uri(), Credentials("1001", "secret"))
                register = next(m for m in pbx.received if isinstance(m, SipRequest))
                arriving = asyncio.create_task(phone.wait_for_call(timeout_s=5))
                await asyncio.sleep(0)
                calling = asyncio.create_task(pbx.call_phone(contact_of(register)))
                incoming = await arriving
                assert incoming.caller == "100"
                call = await incoming.answer()
                assert (await calling).status == 200
                await pbx.until(lambda: bool(pbx.rtp))
                await call.hang_up()
            assert pbx.count("REGISTER") == 4

    run(scenario())


def test_a_wrong_password_cannot_register() -> None:
    async def scenario() -> None:
        async with peer(password="secret") as pbx, Phone() as phone:
            with pytest.raises(DialError, match="password"):
                await phone.register(pbx.uri(), Credentials("1001", "wrong"))

    run(scenario())


def test_a_call_nobody_waits_for_is_declined() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            uri = f"sip:1001@127.0.0.1:{phone.sip_port}"
            assert (await pbx.call_phone(uri)).status == 480

    run(scenario())


def test_a_declined_call_gets_busy() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            uri = f"sip:1001@127.0.0.1:{phone.sip_port}"
            calling = asyncio.create_task(pbx.call_phone(uri))
            (await phone.wait_for_call(timeout_s=5)).decline()
            assert (await calling).status == 486

    run(scenario())


def test_a_call_taken_back_while_ringing_cannot_be_answered() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            uri = f"sip:1001@127.0.0.1:{phone.sip_port}"
            calling = asyncio.create_task(pbx.call_phone(uri))
            incoming = await phone.wait_for_call(timeout_s=5)
            pbx.cancel_call(uri)
            assert (await incoming.wait_given_up(timeout_s=5)).by is EndedBy.PEER
            with pytest.raises(CallOverError):
                await incoming.answer()
            assert (await calling).status == 487

    run(scenario())
