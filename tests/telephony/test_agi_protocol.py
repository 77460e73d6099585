import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import LineError
from backend.telephony.agi.protocol import (
    AgiReply,
    format_command,
    parse_environment,
    parse_reply,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("200 result=0", AgiReply(200, "0")),
        ("200 result=1 (FRONTDESK)", AgiReply(200, "1", "FRONTDESK")),
        ("200 result=49 endpos=8000", AgiReply(200, "49", endpos=8000)),
        ("200 result=-1 (hangup) endpos=123", AgiReply(200, "-1", "hangup", 123)),
        ("200 result=3234 (timeout) endpos=9", AgiReply(200, "3234", "timeout", 9)),
        ("200 result= (timeout)", AgiReply(200, "", "timeout")),
        ("200 result=0104", AgiReply(200, "0104")),
        ("200 result=1 (a (nested) value)", AgiReply(200, "1", "a (nested) value")),
        ("510 Invalid or unknown command", AgiReply(510, note="Invalid or unknown command")),
    ],
)
def test_replies_are_read_as_asterisk_writes_them(line: str, expected: AgiReply) -> None:
    assert parse_reply(line) == (expected, False)


def test_a_usage_block_says_that_more_lines_follow() -> None:
    reply, more = parse_reply("520-Invalid command syntax.  Proper usage follows:")
    assert (reply.code, more) == (520, True)


def test_a_key_that_ended_a_recording_is_a_digit() -> None:
    assert parse_reply("200 result=35 (dtmf) endpos=400")[0].digit == "#"


def test_left_over_milliseconds_of_a_recording_are_no_digit() -> None:
    assert parse_reply("200 result=51 (timeout) endpos=400")[0].digit == ""


@given(st.text())
def test_any_line_is_a_reply_or_a_line_error(line: str) -> None:
    try:
        reply, _ = parse_reply(line)
    except LineError:
        return
    assert 100 <= reply.code <= 999


@given(st.text(alphabet=st.characters(min_codepoint=32)))
def test_an_argument_survives_quoting(argument: str) -> None:
    quoted = format_command("NOOP", argument).removeprefix("NOOP ")
    if quoted.startswith('"'):
        quoted = quoted[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    assert quoted == argument


@pytest.mark.parametrize("bad", ["a\nHANGUP", "a\r", "\x00"])
def test_an_argument_cannot_smuggle_in_a_second_command(bad: str) -> None:
    with pytest.raises(LineError):
        format_command("SET VARIABLE", "name", bad)


def test_the_environment_is_read_into_variables() -> None:
    lines = ["agi_network: yes", "agi_channel: PJSIP/1001-0001", "agi_callerid: 1001", "agi_arg_1:"]
    assert parse_environment(lines)["agi_callerid"] == "1001"


@pytest.mark.parametrize("lines", [["GET / HTTP/1.1"], ["agi_network: yes"], []])
def test_what_is_not_an_agi_environment_is_refused(lines: list[str]) -> None:
    with pytest.raises(LineError):
        parse_environment(lines)
