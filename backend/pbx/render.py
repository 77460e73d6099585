"""From the settings to Asterisk's configuration files. Pure until `write`."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.config import ROOT, Settings
from backend.core.errors import PbxError
from backend.pbx.layout import Layout
from backend.pbx.secrets_file import PbxSecrets, write_private

TEMPLATES = ROOT / "asterisk"
SOUNDS = TEMPLATES / "sounds"
BOT_EXTENSION = "100"
STREAM_EXTENSION = "200"
ECHO_EXTENSION = "600"
SOFTPHONE = "1001"
BOT_CONTEXT = "frontdesk-bot"
FALLBACK_CONTEXT = "frontdesk-fallback"
TRANSFER_CONTEXT = "frontdesk-transfer"
MAX_MESSAGE_S = 180
MAX_TRANSFER_S = 4 * 3600
"""A caller may talk to a person as long as they like; a bound all the same."""
MEDIA_FOLDERS = ("recordings", "prompts", "messages", "spool")
"""Folders of `<data_dir>/media`: finished recordings, our spoken sentences, messages left while
the bot was down, and what is being written during a call."""

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_TRUNK = "twilio-trunk.conf"


@dataclass(frozen=True, slots=True)
class Account:
    """One SIP account of the own PBX."""

    name: str
    password: str


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
            f"FRONTDESK_HUMAN_EXTENSION is the outside number {human}, which may not be dialled.",
            fix="Add it to FRONTDESK_OUTSIDE_NUMBERS too.",
        )
    return (SOFTPHONE, human)


def render(settings: Settings, secrets: PbxSecrets, modules: Path) -> dict[str, str]:
    """Every configuration file by name. Raises PbxError for settings that cannot be written."""
    environment = Environment(  # noqa: S701 - configuration files, not HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["ini"] = ini_value
    values = _values(settings, secrets, modules)
    return {
        path.name: environment.get_template(path.name).render(values)
        for path in sorted(TEMPLATES.glob("*.conf"))
        if path.name != _TRUNK or values["trunk"]
    }


def ini_value(value: str) -> str:
    """A setting's text as a value in Asterisk's files. Raises PbxError for control characters."""
    if not value.isprintable():
        raise PbxError(f"The setting {value!r} has characters that Asterisk cannot read.")
    return value.replace("\\", "\\\\").replace(";", "\\;")


def write(settings: Settings, secrets: PbxSecrets, layout: Layout) -> Path:
    """Fill the run folder; returns the path of `asterisk.conf`. Raises PbxError."""
    run = run_folder(settings)
    try:
        for name in ("etc", "lib", "keys/keys", "spool", "run", "log", "data/sounds"):
            (run / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in MEDIA_FOLDERS:
            (settings.media_dir / name).mkdir(parents=True, exist_ok=True)
        for name, text in render(settings, secrets, layout.modules).items():
            write_private(run / "etc" / name, text)
        _link(run / "data/documentation", layout.data / "documentation")
        _link(run / "data/rest-api", layout.data / "rest-api")
        _link(run / "data/sounds/frontdesk", SOUNDS)
        if layout.sounds is not None:
            _link(run / "data/sounds/en", layout.sounds)
    except OSError as error:
        raise PbxError(
            f"The PBX's files cannot be written under {run}: {error.strerror}.",
            fix="Free some space, or check who owns that folder.",
        ) from error
    return run / "etc" / "asterisk.conf"


def run_folder(settings: Settings) -> Path:
    """Everything the own PBX reads and writes."""
    return settings.data_dir.absolute() / "pbx"


def _values(settings: Settings, secrets: PbxSecrets, modules: Path) -> dict[str, Any]:
    trunk = bool(settings.twilio_domain)
    return {
        "run": _path(run_folder(settings)),
        "modules": _path(modules),
        "media": _path(settings.media_dir.absolute()),
        "bot_extension": BOT_EXTENSION,
        "echo_extension": ECHO_EXTENSION,
        "accounts": [Account(n, secrets.sip[n]) for n in account_names(settings)],
        "local_networks": _LOOPBACK,
        "sip_bind": f"{_host(settings.sip_host)}:{settings.sip_port}",
        "external_address": settings.external_address,
        "rtp_start": settings.rtp_start,
        "rtp_end": settings.rtp_end,
        "ari_port": settings.ari_port,
        "ari_password": secrets.ari,
        "ami_port": settings.ami_port,
        "ami_password": secrets.ami,
        "agi_host": _host(settings.agi_host),
        "agi_port": settings.agi_port,
        "max_call_s": settings.max_call_s,
        "max_message_s": MAX_MESSAGE_S,
        "max_transfer_s": MAX_TRANSFER_S,
        "ring_s": settings.transfer_ring_s,
        "trunk": trunk,
        "trunk_numbers": _numbers("OUTSIDE_NUMBERS", settings.outside_numbers) if trunk else (),
        "trunk_caller_id": next(iter(settings.twilio_numbers), ""),
    }


def _numbers(setting: str, numbers: tuple[str, ...]) -> tuple[str, ...]:
    """Telephone numbers as the dialplan may take them: nothing that could be a pattern."""
    for number in numbers:
        if not re.fullmatch(r"\+?[0-9]{3,20}", number):
            raise PbxError(
                f"FRONTDESK_{setting} has {number!r}, which is not a telephone number.",
                fix="Write it as +15551234567.",
            )
    return numbers


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _path(path: Path) -> str:
    """A path as it can stand in a dialplan, where these characters mean something else."""
    if re.search(r"[,;|\"'`$\[\]{}()&\\]|[^ -\uffff]", str(path)):
        raise PbxError(
            f"Asterisk cannot work in {path}: the name has special characters.",
            fix="Set FRONTDESK_DATA_DIR to a plain path.",
        )
    return str(path)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() or link.is_file():
        link.unlink()
    elif link.is_dir():
        shutil.rmtree(link)
    link.symlink_to(target)
