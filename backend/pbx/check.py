"""What `frontdesk doctor` says about the PBX."""

import re
from collections.abc import Iterator

from backend.config import Settings
from backend.core.errors import PartMissingError, PbxError
from backend.parts.asterisk import find_asterisk
from backend.parts.program import Finding, Program
from backend.pbx import probe
from backend.pbx.layout import layout_of
from backend.pbx.render import account_names, render, sip_address, snippet, uses_trunk
from backend.pbx.secrets_file import PbxSecrets
from backend.pbx.tls_files import tls_files

_MEDIA_SINCE = {20: 18, 22: 8, 23: 2}
"""First release of each series whose websocket media channel speaks JSON and answers pings."""


def asterisk_too_old(version: str) -> str:
    """One sentence when this Asterisk cannot carry streaming calls; empty when it can.

    A version nobody can read (a build from source control) is given the benefit of the doubt.
    """
    numbers = re.match(r"(?:Asterisk )?(?:certified/)?(\d+)\.(\d+)", version)
    if numbers is None:
        return ""
    series, release = int(numbers[1]), int(numbers[2])
    since = _MEDIA_SINCE.get(series, 0 if series > max(_MEDIA_SINCE) else None)
    if since is not None and release >= since:
        return ""
    return f"Asterisk {version} is too old for extension 200: it needs 22.8 (or 20.18, 23.2)."


async def pbx_findings(settings: Settings) -> list[Finding]:
    """One finding a fact; starts nothing and writes nothing but the trunk's certificate."""
    if settings.pbx == "external":
        return [_external(settings)]
    program, asterisk = _asterisk(settings)
    findings = [asterisk]
    if program is not None:
        findings.append(_configuration(settings, program))
        if findings[-1].ok:
            findings += [await _listening(settings), _human(settings), *_trunk(settings)]
    return findings


def _external(settings: Settings) -> Finding:
    try:
        snippet(settings)
    except PbxError as error:
        return Finding("PBX", False, error.message, error.fix)
    return Finding("PBX", True, "your own Asterisk; `frontdesk pbx snippet` prints what it needs")


def _asterisk(settings: Settings) -> tuple[Program | None, Finding]:
    try:
        program = find_asterisk(settings.data_dir, settings.asterisk)
    except PartMissingError as error:
        return None, Finding("Asterisk", False, error.message, error.fix)
    if program is None:
        return None, Finding("Asterisk", False, "not there yet", "scripts/up unpacks one.")
    return program, Finding("Asterisk", True, f"{program.version}, {program.command[-1]}")


def _configuration(settings: Settings, program: Program) -> Finding:
    try:
        tls = tls_files(settings.data_dir / "tls", "frontdesk") if uses_trunk(settings) else None
        nobody = PbxSecrets(sip=dict.fromkeys(account_names(settings), ""), ari="", ami="")
        render(settings, nobody, layout_of(program).modules, tls)
    except PbxError as error:
        return Finding("PBX settings", False, error.message, error.fix)
    return Finding("PBX settings", True, "can be written for Asterisk")


async def _listening(settings: Settings) -> Finding:
    where = f"SIP {settings.sip_host}:{settings.sip_port}"
    if await probe.answers(settings, timeout_s=0.5):
        return Finding("PBX ports", True, f"{where} takes calls")
    try:
        probe.require_free(probe.listeners(settings))
    except PbxError as error:
        return Finding("PBX ports", False, error.message, error.fix)
    return Finding("PBX ports", True, f"{where} is free; the PBX is not running")


def _human(settings: Settings) -> Finding:
    human = settings.human_extension
    if not human:
        return Finding("Transfer", True, "nobody: callers who want a person leave a ticket")
    if human in settings.outside_numbers and not settings.twilio_domain:
        return Finding(
            "Transfer",
            False,
            f"{human} is outside and there is no trunk to call it through",
            "Set FRONTDESK_TWILIO_DOMAIN, or a telephone of this PBX as FRONTDESK_HUMAN_EXTENSION.",
        )
    return Finding("Transfer", True, f"callers are put through to {human}")


def _trunk(settings: Settings) -> Iterator[Finding]:
    if not uses_trunk(settings):
        return
    problems = {
        "the PBX listens on this machine only; Twilio cannot reach it": (
            sip_address(settings).is_loopback,
            "Set FRONTDESK_SIP_HOST=0.0.0.0.",
        ),
        "no public address is set; behind NAT callers would hear nothing": (
            not settings.external_address,
            "Set FRONTDESK_EXTERNAL_ADDRESS to the address Twilio reaches you at.",
        ),
        "calls to the outside need the trunk's user and password": (
            bool(settings.twilio_domain)
            and not (settings.twilio_user and settings.twilio_password),
            "Set FRONTDESK_TWILIO_USER and FRONTDESK_TWILIO_PASSWORD.",
        ),
        "no number is listed; calls from Twilio are refused": (
            not settings.twilio_numbers,
            "Set FRONTDESK_TWILIO_NUMBERS.",
        ),
    }
    found = [(text, fix) for text, (wrong, fix) in problems.items() if wrong]
    yield from (Finding("Twilio trunk", False, text, fix) for text, fix in found)
    if not found:
        yield Finding("Twilio trunk", True, f"calls to {', '.join(settings.twilio_numbers)}")
