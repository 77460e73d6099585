"""Where an Asterisk keeps its modules and its data: it differs from build to build."""

from dataclasses import dataclass
from pathlib import Path

from backend.core.errors import PbxError
from backend.parts.program import Program

_MODULES = ("lib/*/asterisk/modules", "lib/asterisk/modules", "lib64/asterisk/modules")
_DATA = ("share/asterisk", "var/lib/asterisk", "lib/asterisk")
_SOUNDS = ("sounds/en_US_f_Allison", "sounds/en")


@dataclass(frozen=True, slots=True)
class Layout:
    """Folders of one installation."""

    modules: Path
    data: Path
    """Has `documentation` and `rest-api`, without which ARI does not start."""
    sounds: Path | None
    """English prompts, where they are installed."""


def layout_of(program: Program) -> Layout:
    """Find the folders of `program`. Raises PbxError."""
    roots = (program.root / "usr", program.root)
    modules = _first(roots, _MODULES, "chan_pjsip.so")
    data = _first((*roots, program.root / "var"), _DATA, "rest-api")
    if modules is None or data is None:
        what = "modules (chan_pjsip.so)" if modules is None else "data (rest-api)"
        raise PbxError(
            f"The {what} of {program.command[-1]} are not where they usually are.",
            fix="Install the complete Asterisk, or leave FRONTDESK_ASTERISK empty.",
        )
    sounds = next((path for name in _SOUNDS if (path := data / name).is_dir()), None)
    return Layout(modules, data, sounds)


def _first(roots: tuple[Path, ...], patterns: tuple[str, ...], member: str) -> Path | None:
    for root in roots:
        for pattern in patterns:
            for path in sorted(root.glob(pattern)):
                if (path / member).exists():
                    return path
    return None
