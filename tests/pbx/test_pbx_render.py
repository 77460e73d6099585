"""From settings to configuration files: pure, so tested without any Asterisk."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.config import Settings
from backend.core.errors import PbxError
from backend.pbx.render import account_names, ini_value, render, snippet
from backend.pbx.secrets_file import PbxSecrets
from backend.pbx.tls_files import TlsFiles

TLS = TlsFiles(Path("/tls/frontdesk.crt"), Path("/tls/frontdesk.key"), Path("/tls/all.pem"))
TRUNK = {
    "twilio_domain": "acme.pstn.twilio.com",
    "twilio_user": "acme",
    "twilio_password": "p;w\\d",
    "twilio_numbers": "+15551230000,+15551230001",
}


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, data_dir=Path("/srv/desk"), **changes)


def rendered(**changes: Any) -> dict[str, str]:
    chosen = settings(**changes)
    secrets = PbxSecrets(
        sip={name: f"pass-{name}" for name in account_names(chosen)}, ari="ari-pw", ami="ami-pw"
    )
    return render(chosen, secrets, Path("/usr/lib/asterisk/modules"), TLS)


def context(extensions: str, name: str) -> list[str]:
    """The lines of one context, comments left out."""
    body = extensions.split(f"[{name}]\n", 1)[1].split("\n[", 1)[0]
    return [line for line in body.splitlines() if line and not line.lstrip().startswith(";")]


def test_every_port_and_folder_comes_from_the_settings() -> None:
    files = rendered(sip_port=5999, ari_port=8999, ami_port=5998, agi_port=4999, rtp_end=29999)
    assert "bind = 127.0.0.1:5999" in files["pjsip.conf"]
    assert "bindport = 8999" in files["http.conf"]
    assert "port = 5998" in files["manager.conf"]
    assert "AGI(agi://127.0.0.1:4999/call)" in files["frontdesk-calls.conf"]
    assert "rtpend = 29999" in files["rtp.conf"]
    assert "astetcdir => /srv/desk/pbx/etc" in files["asterisk.conf"]
    assert "Record(/srv/desk/media/messages/" in files["frontdesk-calls.conf"]


def test_nothing_but_sip_and_rtp_listens_beyond_loopback() -> None:
    files = rendered(sip_host="0.0.0.0")
    assert "bindaddr = 127.0.0.1" in files["http.conf"]
    assert "bindaddr = 127.0.0.1" in files["manager.conf"]


def test_an_ipv6_address_is_put_in_brackets() -> None:
    assert "bind = [::1]:5160" in rendered(sip_host="::1")["pjsip.conf"]


def test_the_manager_account_cannot_start_calls_or_programs() -> None:
    rights = re.search(r"^write = (.*)$", rendered()["manager.conf"], re.MULTILINE)
    assert rights
    assert set(rights[1].split(",")) == {"call", "reporting"}


def test_without_a_trunk_there_is_no_trace_of_one() -> None:
    files = rendered()
    assert "twilio-trunk.conf" not in files
    assert not any("twilio" in text.lower() for text in (files["pjsip.conf"],))
    assert "@frontdesk-twilio" not in files["frontdesk-calls.conf"]


def test_the_trunk_is_encrypted_and_its_password_survives_special_characters() -> None:
    trunk = rendered(**TRUNK)["twilio-trunk.conf"]
    assert "protocol = tls" in trunk
    assert "verify_server = yes" in trunk
    assert "media_encryption = sdes" in trunk
    assert "password = p\\;w\\\\d" in trunk


def test_calls_from_twilio_reach_the_bot_by_the_listed_numbers_only() -> None:
    lines = context(rendered(**TRUNK)["extensions.conf"], "frontdesk-twilio")
    dialled = [line.split(",")[0].removeprefix("exten => ") for line in lines if "exten" in line]
    assert dialled == ["+15551230000", "+15551230001"]


def test_outside_numbers_need_the_trunk_and_show_one_of_its_numbers() -> None:
    listed = {"outside_numbers": "+15559990000", "human_extension": "+15559990000"}
    without = context(rendered(**listed)["frontdesk-calls.conf"], "frontdesk-transfer")
    with_trunk = context(rendered(**listed, **TRUNK)["frontdesk-calls.conf"], "frontdesk-transfer")
    assert not any("+15559990000" in line for line in without)
    assert "exten => +15559990000,1,Set(TIMEOUT(absolute)=14400)" in with_trunk
    assert " same => n,Set(CALLERID(num)=+15551230000)" in with_trunk


def test_only_the_transfer_context_names_the_trunk() -> None:
    files = rendered(outside_numbers="+15559990000", **TRUNK)
    uses = [
        line
        for name in ("extensions.conf", "frontdesk-calls.conf")
        for line in files[name].splitlines()
        if "PJSIP/" in line and "twilio" in line
    ]
    transfer = context(files["frontdesk-calls.conf"], "frontdesk-transfer")
    assert uses
    assert all(line in transfer for line in uses)


def test_the_persons_extension_gets_a_telephone_of_its_own() -> None:
    files = rendered(human_extension="2001")
    assert "[2001](telephone)" in files["pjsip.conf"]
    assert "password = pass-2001" in files["pjsip.conf"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"human_extension": "100"}, "FRONTDESK_HUMAN_EXTENSION"),
        ({"human_extension": "+15551112222"}, "FRONTDESK_OUTSIDE_NUMBERS"),
        ({"outside_numbers": "_X."}, "FRONTDESK_OUTSIDE_NUMBERS"),
        ({"outside_numbers": "123,_+X."}, "FRONTDESK_OUTSIDE_NUMBERS"),
        ({"twilio_numbers": "100,1,System(x)"}, "FRONTDESK_TWILIO_NUMBERS"),
        ({"twilio_domain": "a;b"}, "FRONTDESK_TWILIO_DOMAIN"),
        ({"sip_host": "office"}, "FRONTDESK_SIP_HOST"),
        ({"rtp_start": 22000, "rtp_end": 21000}, "FRONTDESK_RTP_START"),
        ({"rtp_start": 5000, "rtp_end": 6000}, "FRONTDESK_SIP_PORT"),
    ],
)
def test_a_setting_that_cannot_work_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(PbxError) as error:
        rendered(**changes)
    assert named in str(error.value)


def test_a_folder_that_would_break_the_dialplan_is_refused() -> None:
    with pytest.raises(PbxError, match="special characters"):
        render(
            Settings(_env_file=None, data_dir=Path("/srv/a,b")),
            PbxSecrets(sip={"1001": "x"}, ari="", ami=""),
            Path("/m"),
            None,
        )


@given(st.text())
def test_a_value_never_ends_its_line_nor_starts_a_comment(text: str) -> None:
    try:
        value = ini_value(text)
    except PbxError:
        assert not text.isprintable()
    else:
        assert "\n" not in value
        assert not re.search(r"(?<!\\)(\\\\)*;", value)


def test_the_snippet_has_everything_another_pbx_needs() -> None:
    text = snippet(settings(pbx="external", human_extension="2001", agi_host="10.0.0.5"))
    for name in (
        "from-internal-custom",
        "frontdesk-bot",
        "frontdesk-stream",
        "frontdesk-person",
        "frontdesk-fallback",
        "frontdesk-transfer",
    ):
        assert f"[{name}]" in text
    assert "AGI(agi://10.0.0.5:4573/call)" in text
    assert "exten => 200,1,Goto(frontdesk-stream,200,1)" in text
    assert "FRONTDESK_ARI_PASSWORD" in text
    assert "Local/2001@from-internal" in text
    assert "extensions_custom.conf" in text
    assert "{{" not in text


def test_the_snippet_uses_the_media_folder_as_the_other_machine_sees_it() -> None:
    text = snippet(settings(pbx="external", agi_media_dir_on_pbx="/mnt/desk"))
    assert "Record(/mnt/desk/messages/" in text
    assert "Playback(/mnt/desk/fallback/" in text


def test_the_snippet_names_this_machine_when_the_bot_listens_everywhere() -> None:
    text = snippet(settings(pbx="external", agi_host="0.0.0.0"))
    assert "agi://0.0.0.0" not in text
