"""What the doctor says about the PBX."""

import socket
from pathlib import Path
from typing import Any

import pytest

from backend.config import Settings
from backend.parts.finder import part_findings
from backend.parts.program import Finding
from backend.pbx.check import pbx_findings
from tests.support.loop import run
from tests.support.pbx import PARTS_HOME, asterisk, pbx_settings, running_pbx


def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.part: finding for finding in run(pbx_findings(settings))}


def settings_with_asterisk(tmp_path: Path, **changes: Any) -> Settings:
    """Settings under which the repository's unpacked Asterisk is found."""
    asterisk()
    (tmp_path / "parts").symlink_to(PARTS_HOME / "parts")
    return pbx_settings(tmp_path, **changes)


def test_everything_in_order(tmp_path: Path) -> None:
    found = findings(settings_with_asterisk(tmp_path, human_extension="2001"))
    assert all(finding.ok for finding in found.values())
    assert "is free" in found["PBX ports"].detail
    assert "2001" in found["Transfer"].detail


@pytest.mark.pbx
def test_a_running_pbx_is_said_to_run(tmp_path: Path) -> None:
    asterisk()
    (tmp_path / "parts").symlink_to(PARTS_HOME / "parts")

    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, _):
            ports = next(f for f in await pbx_findings(settings) if f.part == "PBX ports")
            assert ports.ok
            assert "takes calls" in ports.detail

    run(scenario())


def test_an_asterisk_that_is_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    found = findings(pbx_settings(tmp_path))
    assert not found["Asterisk"].ok
    assert "scripts/up" in found["Asterisk"].fix


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = settings_with_asterisk(tmp_path, ami_port=other.getsockname()[1])
        found = findings(settings)
    assert not found["PBX ports"].ok
    assert "FRONTDESK_AMI_PORT" in found["PBX ports"].fix


def test_a_setting_that_cannot_work(tmp_path: Path) -> None:
    found = findings(settings_with_asterisk(tmp_path, outside_numbers="_X."))
    assert "FRONTDESK_OUTSIDE_NUMBERS" in found["PBX settings"].detail


def test_a_person_outside_without_a_trunk_cannot_be_reached(tmp_path: Path) -> None:
    number = "+15551234567"
    found = findings(
        settings_with_asterisk(tmp_path, human_extension=number, outside_numbers=number)
    )
    assert not found["Transfer"].ok


def test_a_trunk_that_twilio_cannot_reach(tmp_path: Path) -> None:
    settings = settings_with_asterisk(tmp_path, twilio_domain="acme.pstn.twilio.com")
    trunk = [f for f in run(pbx_findings(settings)) if f.part == "Twilio trunk"]
    assert not any(finding.ok for finding in trunk)
    fixes = " ".join(finding.fix for finding in trunk)
    for setting in ("SIP_HOST", "EXTERNAL_ADDRESS", "TWILIO_USER", "TWILIO_NUMBERS"):
        assert f"FRONTDESK_{setting}" in fixes


def test_a_pbx_of_your_own_is_not_looked_for(tmp_path: Path) -> None:
    found = findings(pbx_settings(tmp_path, pbx="external", asterisk="/no/such"))
    assert list(found) == ["PBX"]
    assert found["PBX"].ok


def test_missing_parts_come_with_the_command_that_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.parts.finder._installed", lambda _part: None)
    found = {finding.part: finding for finding in part_findings(tmp_path)}
    assert not found["flite"].ok
    assert found["espeak-ng"].fix.startswith("apt-get install espeak-ng")
