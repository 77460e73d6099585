"""The folders on disk: what Asterisk runs in, and what it shares with the bot."""

import shutil
from pathlib import Path

from backend.config import Settings
from backend.core.errors import PbxError
from backend.pbx.layout import Layout
from backend.pbx.render import TEMPLATES, render, run_folder, uses_trunk
from backend.pbx.secrets_file import PbxSecrets, write_private
from backend.pbx.tls_files import tls_files

SOUNDS = TEMPLATES / "sounds"
MEDIA_FOLDERS = ("recordings", "messages", "spool", "fallback")
"""Folders of `<data_dir>/media`: finished recordings, messages left while the bot was down, what
is being recorded during a call, and the fallback's prompts."""


def prepare_media(settings: Settings) -> None:
    """Make the folders that bot and PBX share, with the fallback's prompts in them.

    Raises PbxError when they cannot be written.
    """
    try:
        for name in MEDIA_FOLDERS:
            (settings.media_dir / name).mkdir(parents=True, exist_ok=True)
        for prompt in SOUNDS.glob("*.wav"):
            copy = settings.media_dir / "fallback" / prompt.name
            if not copy.is_file() or copy.stat().st_size != prompt.stat().st_size:
                shutil.copyfile(prompt, copy)
    except OSError as error:
        raise _unwritable(settings.media_dir, error) from error


def prepare_run(settings: Settings, secrets: PbxSecrets, layout: Layout) -> Path:
    """Fill the run folder of the own PBX; returns the path of `asterisk.conf`. Raises PbxError."""
    prepare_media(settings)
    run = run_folder(settings)
    tls = None
    if uses_trunk(settings):
        tls = tls_files(
            settings.data_dir.absolute() / "tls", settings.external_address or "frontdesk"
        )
    files = render(settings, secrets, layout.modules, tls)
    try:
        for name in ("etc", "lib", "keys/keys", "spool", "run", "log", "data/sounds"):
            (run / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in (run / "etc").iterdir():
            if path.name not in files:  # of a setting that has been taken back
                path.unlink()
        for name, text in files.items():
            write_private(run / "etc" / name, text)
        _link(run / "data/documentation", layout.data / "documentation")
        _link(run / "data/rest-api", layout.data / "rest-api")
        _link(run / "data/sounds/frontdesk", SOUNDS)
        if layout.sounds is not None:
            _link(run / "data/sounds/en", layout.sounds)
    except OSError as error:
        raise _unwritable(run, error) from error
    return run / "etc" / "asterisk.conf"


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() or link.is_file():
        link.unlink()
    elif link.is_dir():
        shutil.rmtree(link)
    link.symlink_to(target)


def _unwritable(folder: Path, error: OSError) -> PbxError:
    return PbxError(
        f"The PBX's files cannot be written under {folder}: {error.strerror}.",
        fix="Free some space, or check who owns that folder.",
    )
