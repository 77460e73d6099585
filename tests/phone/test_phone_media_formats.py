"""Session descriptions, RTP packets and key events as bytes."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audio.g711 import Law
from backend.core.errors import LineError
from backend.phone.rtp import check_key, key_event, pack_header, parse_packet
from backend.phone.sdp import build_offer, parse_media

ANSWER = b"""v=0\r
o=- 1 1 IN IP4 10.0.0.1\r
s=Asterisk\r
c=IN IP4 10.0.0.1\r
t=0 0\r
m=audio 20014 RTP/AVP 8 0 97\r
a=rtpmap:97 telephone-event/8000\r
a=sendrecv\r
m=video 9 RTP/AVP 0\r
c=IN IP4 10.9.9.9\r
"""


def test_an_answer_is_read() -> None:
    media = parse_media(ANSWER)
    assert (media.host, media.port) == ("10.0.0.1", 20014)
    assert (media.law, media.event_payload_type, media.listening) == (Law.A, 97, True)


@given(st.ip_addresses(), st.integers(1, 65535), st.permutations(list(Law)))
def test_our_own_offer_is_read_back(host: object, port: int, laws: list[Law]) -> None:
    media = parse_media(build_offer(str(host), port, session_id=1, laws=tuple(laws)))
    assert (media.host, media.port, media.law) == (str(host), port, laws[0])
    assert media.event_payload_type == 101


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"m=audio", b"m=image", "no audio stream"),
        (b"8 0 97", b"18 97", r"no G\.711"),
        (b"20014", b"port", "malformed"),
        (b"20014", b"70000", "no address"),
        (b"c=IN IP4 10.0.0.1", b"c=IN IP4", "bad address"),
        (b"IP4 10.0.0.1\r\nt", b"IP4 pbx.example\r\nt", "no IP address"),
        (b"c=IN IP4 10.0.0.1\r\n", b"", "no address"),
        (b"Asterisk", b"\xff\xfe", "UTF-8"),
    ],
)
def test_an_unusable_answer_says_why(old: bytes, new: bytes, words: str) -> None:
    with pytest.raises(LineError, match=words):
        parse_media(ANSWER.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"sendrecv", b"sendonly"),
        (b"sendrecv", b"inactive"),
        (b"IP4 10.0.0.1\r\nt", b"IP4 0.0.0.0\r\nt"),
    ],
)
def test_hold_is_recognised_in_all_its_forms(old: bytes, new: bytes) -> None:
    assert not parse_media(ANSWER.replace(old, new)).listening


@given(st.binary(max_size=300))
def test_any_bytes_are_a_description_or_a_line_error(data: bytes) -> None:
    with contextlib.suppress(LineError):
        parse_media(data)


@given(st.lists(st.sampled_from([*ANSWER.splitlines(), b"c=", b"m=audio", b"a=rtpmap:x"])))
def test_any_order_of_lines_is_a_description_or_a_line_error(lines: list[bytes]) -> None:
    with contextlib.suppress(LineError):
        parse_media(b"\n".join(lines))


@given(
    st.integers(0, 127), st.integers(0, 2**40), st.integers(0, 2**40), st.booleans(), st.binary()
)
def test_a_packet_is_read_back_and_counters_wrap(
    payload_type: int, sequence: int, timestamp: int, marker: bool, payload: bytes
) -> None:
    packet = parse_packet(
        pack_header(payload_type, sequence, timestamp, 99, marker=marker) + payload
    )
    assert (packet.payload_type, packet.marker, packet.ssrc) == (payload_type, marker, 99)
    assert (packet.sequence, packet.timestamp) == (sequence % 2**16, timestamp % 2**32)
    assert packet.payload == payload


def test_contributors_extension_and_padding_are_not_audio() -> None:
    header = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 2, 0, 1, 2, 3)
    sources, extension = bytes(8), struct.pack("!HHI", 1, 1, 7)
    assert parse_packet(header + sources + extension + b"audio" + b"\0\0\3").payload == b"audio"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_packet_or_a_line_error(data: bytes) -> None:
    with contextlib.suppress(LineError):
        parse_packet(data)
    with contextlib.suppress(LineError):
        parse_packet(b"\xb5" + data)


def test_a_key_event_is_as_rfc_4733_draws_it() -> None:
    assert key_event("#", 320, end=False) == bytes([11, 10, 1, 64])
    assert key_event("D", 99_999, end=True) == bytes([15, 0x8A, 0xFF, 0xFF])


@pytest.mark.parametrize("key", ["", "E", "12", "é"])
def test_what_is_not_a_key_is_refused(key: str) -> None:
    with pytest.raises(LineError, match="telephone key"):
        check_key(key)
