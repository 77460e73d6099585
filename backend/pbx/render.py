"""From the settings to the text of Asterisk's configuration files. No file is written here."""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.config import ROOT, Settings
from backend.core.errors import PbxError
from backend.pbx.secrets_file import PbxSecrets
from backend.pbx.tls_files import TlsFiles

TEMPLATES = ROOT / "asterisk"
BOT_EXTENSION = "100"
STREAM_EXTENSION = "200"
ECHO_EXTENSION = "600"
SOFTPHONE = "1001"
IN_CONTEXT = "frontdesk-in"
"""What anybody may dial: the bot, the echo test."""
BOT_CONTEXT = "frontdesk-bot"
STREAM_CONTEXT = "frontdesk-stream"
BLIND_CONTEXT = "frontdesk-blind"
PERSON_CONTEXT = "frontdesk-person"
FALLBACK_CONTEXT = "frontdesk-fallback"
NOT_ALLOWED_CAUSE = 52
"""Hang-up cause of frontdesk-person for anybody who is not listed: "outgoing calls barred"."""
MAX_MESSAGE_S = 180
MAX_TRANSFER_S = 4 * 3600
"""A caller may talk to a person as long as they like; a bound all the same."""

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_TRUNK = "twilio-trunk.conf"
_CALLS = "frontdesk-calls.conf"
_OWN_SOUNDS = "frontdesk"


@dataclass(frozen=True, slots=True)
class Account:
    """One SIP account of the own PBX."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class TransferTarget:
    """Somebody the bot may put callers through to."""

    extension: str
    devices: str
    """First argument of Dial; may be an expression that comes out empty."""
    caller_id: str = ""
    """Number shown instead of the caller's, where the trunk allows no other."""


def account_names(settings: Settings) -> tuple[str, ...]:
    """The softphone, and the telephone of the person callers are put through to.

    Raises PbxError when that person's extension is already something else.
    """
    human = settings.human_extension
    if not human or human == SOFTPHONE or human in settings.outside_numbers:
        return (SOFTPHONE,)
    if human in (BOT_EXTENSION, STREAM_EXTENSION, ECHO_EXTENSION):
        raise PbxError(
            f"FRONTDESK_HUMAN_EXTENSION is {human}, which is Frontdesk's own extension.",
            fix="Choose another, e.g. 2001.",
        )
    if human.startswith("+"):
        raise PbxError(
            f"FRONTDESK_HUMAN_EXTENSION is {human}, an outside number that is not listed.",
            fix="Add it to FRONTDESK_OUTSIDE_NUMBERS too.",
        )
    return (SOFTPHONE, human)


def sip_address(settings: Settings) -> IPv4Address | IPv6Address:
    """The address the own PBX takes SIP on. Raises PbxError when it is not one."""
    try:
        return ip_address(settings.sip_host)
    except ValueError as error:
        raise PbxError(
            f"FRONTDESK_SIP_HOST is {settings.sip_host!r}, which is not an IP address.",
            fix="Use 127.0.0.1 for this machine only, 0.0.0.0 for every network.",
        ) from error


def uses_trunk(settings: Settings) -> bool:
    """Whether a Twilio trunk is configured, in either direction."""
    return bool(settings.twilio_domain or settings.twilio_numbers)


def run_folder(settings: Settings) -> Path:
    """Everything the own PBX reads and writes."""
    return settings.data_dir.absolute() / "pbx"


def render(
    settings: Settings, secrets: PbxSecrets, modules: Path, tls: TlsFiles | None
) -> dict[str, str]:
    """Every file of the own PBX's `etc`, by name. `tls` is needed for the trunk only.

    Raises PbxError for settings that Asterisk cannot be given.
    """
    values = _calls_values(settings) | _own_values(settings, secrets, modules, tls)
    environment = _environment()
    return {
        path.name: environment.get_template(path.name).render(values)
        for path in sorted(TEMPLATES.glob("*.conf"))
        if path.name != _TRUNK or values["trunk"]
    }


def snippet(settings: Settings) -> str:
    """What the owner of another Asterisk pastes into it. Raises PbxError."""
    media = settings.agi_media_dir_on_pbx or str(settings.media_dir.absolute())
    host = settings.agi_host if settings.agi_host not in ("0.0.0.0", "::") else socket.gethostname()  # noqa: S104
    values = _calls_values(settings) | {
        "media": _path(media),
        "sounds": f"{_path(media)}/fallback",
        "agi_host": _host(host),
        "our_media": str(settings.media_dir.absolute()),
        "same_path": not settings.agi_media_dir_on_pbx,
        "bot_extension": BOT_EXTENSION,
        "stream_extension": STREAM_EXTENSION,
        "ari_port": settings.ari_port,
        "ari_user": ini_value(settings.ari_user),
        "transfer_targets": [
            TransferTarget(number, f"Local/{number}@from-internal")
            for number in _external_targets(settings)
        ],
    }
    environment = _environment()
    values["calls"] = environment.get_template(_CALLS).render(values)
    return environment.get_template("external-pbx.txt").render(values)


def ini_value(value: str) -> str:
    """A setting's text as a value in Asterisk's files. Raises PbxError for control characters."""
    if not value.isprintable():
        raise PbxError(f"The setting {value!r} has characters that Asterisk cannot read.")
    return value.replace("\\", "\\\\").replace(";", "\\;")


def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - configuration files, not HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["ini"] = ini_value
    return environment


def _calls_values(settings: Settings) -> dict[str, Any]:
    """What frontdesk-calls.conf takes, on any PBX."""
    return {
        "media": _path(settings.media_dir.absolute()),
        "sounds": _OWN_SOUNDS,
        "agi_host": _host(settings.agi_host),
        "agi_port": settings.agi_port,
        "apps": _apps(settings),
        "not_allowed_cause": NOT_ALLOWED_CAUSE,
        "max_call_s": settings.max_call_s,
        "max_message_s": MAX_MESSAGE_S,
        "max_transfer_s": MAX_TRANSFER_S,
        "ring_s": settings.transfer_ring_s,
    }


def _own_values(
    settings: Settings, secrets: PbxSecrets, modules: Path, tls: TlsFiles | None
) -> dict[str, Any]:
    sip_host = _host(str(sip_address(settings)))
    if not settings.rtp_start < settings.rtp_end or (
        settings.rtp_start <= settings.sip_port <= settings.rtp_end
    ):
        raise PbxError(
            f"RTP ports {settings.rtp_start} to {settings.rtp_end} cannot be used.",
            fix="FRONTDESK_RTP_START must be below FRONTDESK_RTP_END, FRONTDESK_SIP_PORT outside.",
        )
    return {
        "run": _path(run_folder(settings)),
        "modules": _path(modules),
        "bot_extension": BOT_EXTENSION,
        "stream_extension": STREAM_EXTENSION,
        "inbound_context": BOT_CONTEXT if settings.inbound_line == "turns" else STREAM_CONTEXT,
        "inbound_extension": (
            BOT_EXTENSION if settings.inbound_line == "turns" else STREAM_EXTENSION
        ),
        "sounds_folder": _path(TEMPLATES / "sounds"),
        "echo_extension": ECHO_EXTENSION,
        "accounts": [Account(n, secrets.sip[n]) for n in account_names(settings)],
        "transfer_targets": _own_targets(settings),
        "local_networks": _LOOPBACK,
        "sip_bind": f"{sip_host}:{settings.sip_port}",
        "external_address": settings.external_address,
        "rtp_start": settings.rtp_start,
        "rtp_end": settings.rtp_end,
        "ari_port": settings.ari_port,
        "ari_user": ini_value(settings.ari_user),
        "ari_password": secrets.ari,
        "connects_out": settings.ari_connection == "from-pbx",
        "bot_app": settings.bot_app,
        "bot_uri": f"ws://{_host(settings.ari_listen_host)}:{settings.ari_listen_port}/ari",
        "ami_port": settings.ami_port,
        "ami_password": secrets.ami,
        "trunk": uses_trunk(settings),
        "inbound_numbers": _numbers("TWILIO_NUMBERS", settings.twilio_numbers),
        "twilio_domain": _domain(settings.twilio_domain),
        "twilio_user": settings.twilio_user,
        "twilio_password": settings.twilio_password,
        "twilio_tls_port": settings.twilio_tls_port,
        "tls_bind": f"{sip_host}:{settings.twilio_tls_port}",
        "tls": tls,
    }


def transfer_extensions(settings: Settings) -> list[str]:
    """Whom callers may be put through to, as the dialplan has it; on a PBX of yours that may let
    them reach more. Raises PbxError for a setting that is no number."""
    if settings.pbx == "external":
        return _external_targets(settings)
    return [target.extension for target in _own_targets(settings)]


def _own_targets(settings: Settings) -> list[TransferTarget]:
    targets = [
        TransferTarget(name, f"${{PJSIP_DIAL_CONTACTS({name})}}")
        for name in account_names(settings)
    ]
    outside = _numbers("OUTSIDE_NUMBERS", settings.outside_numbers)
    if not settings.twilio_domain:
        return targets
    caller_id = next(iter(settings.twilio_numbers), "")
    return targets + [
        TransferTarget(number, f"PJSIP/{number}@frontdesk-twilio", caller_id) for number in outside
    ]


def _external_targets(settings: Settings) -> list[str]:
    outside = _numbers("OUTSIDE_NUMBERS", settings.outside_numbers)
    human = settings.human_extension
    return [*outside, *([human] if human and human not in outside else [])]


def _apps(settings: Settings) -> tuple[str, ...]:
    if settings.bot_app not in settings.ari_apps:
        raise PbxError(
            f"FRONTDESK_ARI_APP is {settings.bot_app!r}, which is not in FRONTDESK_ARI_APPS.",
            fix="Add it there, so that calls reach this bot.",
        )
    return settings.ari_apps


def _numbers(setting: str, numbers: tuple[str, ...]) -> tuple[str, ...]:
    """Telephone numbers as the dialplan may take them: nothing that could be a pattern."""
    for number in numbers:
        if not re.fullmatch(r"\+?[0-9]{3,20}", number):
            raise PbxError(
                f"FRONTDESK_{setting} has {number!r}, which is not a telephone number.",
                fix="Write it as +15551234567.",
            )
    return numbers


def _domain(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z0-9.-]{1,253}", name):
        raise PbxError(
            f"FRONTDESK_TWILIO_DOMAIN is {name!r}, which is not a host name.",
            fix="Write it as acme.pstn.twilio.com.",
        )
    return name


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _path(path: Path | str) -> str:
    """A path as it can stand in a dialplan, where these characters mean something else."""
    if re.search(r"[,;|\"'`$\[\]{}()&\\]", str(path)) or not str(path).isprintable():
        raise PbxError(
            f"Asterisk cannot work in {path}: the name has special characters.",
            fix="Set FRONTDESK_DATA_DIR to a plain path.",
        )
    return str(path)
