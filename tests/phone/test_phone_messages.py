"""SIP messages, addresses and sign-in as text: what is right is read, the rest is a LineError."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import LineError
from backend.phone.sip_auth import Credentials, authorization
from backend.phone.sip_message import (
    Headers,
    SipRequest,
    SipResponse,
    address_uri,
    parse_message,
    parse_uri,
    split_outside_quotes,
)

RESPONSE = b"""SIP/2.0 200 OK\r
v: SIP/2.0/UDP 127.0.0.1:5070;rport;branch=z9hG4bK1\r
f: "A, \\"B\\"" <sip:1001@127.0.0.1;x=y>;tag=ours\r
To: <sip:600@127.0.0.1>\r
 ;tag=theirs\r
i: abc\r
CSeq: 7 invite\r
Record-Route: <sip:p1;lr>, <sip:p2;lr>\r
l: 4\r
\r
v=0\rtoo much"""


def test_a_response_is_read_with_compact_and_folded_headers() -> None:
    message = parse_message(RESPONSE)
    assert isinstance(message, SipResponse)
    assert (message.status, message.reason, message.call_id) == (200, "OK", "abc")
    assert (message.branch, message.cseq) == ("z9hG4bK1", (7, "INVITE"))
    assert (message.from_tag, message.to_tag) == ("ours", "theirs")
    assert message.headers.all("record-route") == ["<sip:p1;lr>", "<sip:p2;lr>"]
    assert message.body == b"v=0\r"


words = st.text(st.characters(codec="ascii", min_codepoint=33, exclude_characters=":"), min_size=1)


@given(words.filter(str.isalpha), words, st.lists(st.tuples(words, words)), st.binary())
def test_what_is_encoded_is_read_back(
    method: str, uri: str, fields: list[tuple[str, str]], body: bytes
) -> None:
    fields = [(f"X-{name}", value) for name, value in fields]
    message = SipRequest(Headers(list(fields)), body, method=method.upper(), uri=uri)
    read = parse_message(message.encode())
    assert read == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_line_error(data: bytes) -> None:
    with contextlib.suppress(LineError):
        parse_message(data)


@given(st.data())
def test_any_damage_to_a_message_is_read_or_a_line_error(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(RESPONSE)))
    end = data.draw(st.integers(start, len(RESPONSE)))
    damaged = RESPONSE[:start] + data.draw(st.binary(max_size=8)) + RESPONSE[end:]
    with contextlib.suppress(LineError):
        message = parse_message(damaged)
        _ = (message.cseq, message.branch, message.from_tag, message.to_tag)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_line_error(text: str) -> None:
    for reader in (parse_uri, address_uri):
        with contextlib.suppress(LineError):
            reader(text)
    split_outside_quotes(text, ",")


def test_an_address_is_taken_apart() -> None:
    uri = parse_uri("sip:100@pbx.example:5160;transport=udp")
    assert (uri.user, uri.host, uri.port) == ("100", "pbx.example", 5160)
    assert uri.params == {"transport": "udp"}
    assert parse_uri("sip:100@[::1]:5070").host == "::1"
    assert parse_uri("sip:pbx.example").port == 5060


def challenge(value: str, status: int = 401) -> SipResponse:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return SipResponse(Headers([(name, value)]), status=status, reason="")


def test_digest_without_qop_matches_the_example_of_rfc_2069() -> None:
    # RFC 2069 §2.4 with its erratum: the published response was computed wrongly.
    asked = challenge(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
        ' opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    name, value = authorization(
        asked, Credentials("Mufasa", "CircleOfLife"), "GET", "/dir/index.html"
    )
    assert name == "Authorization"
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in value
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value


def test_a_proxy_is_answered_in_its_own_header_and_sha_256_is_known() -> None:
    asked = challenge('Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256', 407)
    name, value = authorization(asked, Credentials("u", "p"), "INVITE", "sip:x")
    assert name == "Proxy-Authorization"
    assert "qop=auth" in value
    assert "algorithm=SHA-256" in value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic realm=x",
        'Digest realm="r"',
        'Digest nonce="n", algorithm=MD5-sess',
        'Digest nonce="n", qop="auth-int"',
    ],
)
def test_a_challenge_we_cannot_answer_is_a_line_error(value: str) -> None:
    with pytest.raises(LineError, match="sign-in"):
        authorization(challenge(value), Credentials("u", "p"), "INVITE", "sip:x")
