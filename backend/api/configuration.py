"""What is configured and from where, and changing it in `.env`."""

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backend.config import PREFIX, Settings
from backend.core.errors import ConfigError

_PLAIN = re.compile(r"[A-Za-z0-9_./:@+-]*")
NOTHING = "–"


class Origin(StrEnum):
    """Where a setting's value comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Configured:
    """One setting, as a person sees it."""

    name: str
    """As in the environment."""
    value: str
    """Never that of a secret: “set” or “not set”."""
    origin: Origin
    place: str
    """“Default”, “.env, line 3”, “Environment”."""
    about: str


def configuration(settings: Settings, env_file: Path) -> list[Configured]:
    """Every setting, in the order of the README. Raises ConfigError when the file is unreadable."""
    lines = _lines_of(env_file)
    return [
        Configured(
            name=PREFIX + name.upper(),
            value=_shown(getattr(settings, name), is_secret(name)),
            origin=origin,
            place=place,
            about=(field.description or "").replace("`", ""),
        )
        for name, field in Settings.model_fields.items()
        for origin, place in [_origin(PREFIX + name.upper(), lines, env_file)]
    ]


def is_secret(name: str) -> bool:
    """Whether a setting's value is nobody's business."""
    about = Settings.model_fields[name].json_schema_extra
    return isinstance(about, dict) and bool(about.get("secret"))


def is_in_environment(name: str) -> bool:
    """Whether the environment sets it, over which `.env` has no say."""
    return PREFIX + name.upper() in {given.upper() for given in os.environ}


def change(env_file: Path, values: Mapping[str, str]) -> None:
    """Write settings (by their names in code) into `.env`; every other line stays. An empty value
    is the default's again. In use from the next start on. One at a time.

    Raises ConfigError naming each mistake; nothing is written then.
    """
    _check({name: value for name, value in values.items() if value})
    try:
        lines = _split(_text_of(env_file))
        for name, value in values.items():
            lines = _with(lines, PREFIX + name.upper(), value)
        _write(env_file, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise ConfigError(
            f"{env_file} cannot be written: {error.strerror}; nothing was changed.",
            fix="Set it in the environment instead.",
        ) from error


def _write(env_file: Path, text: str) -> None:
    """Replace the file in one step; where it is a link, the file it leads to."""
    env_file = env_file.resolve()
    # Secrets stand in it: from the first byte on it is nobody else's to read.
    descriptor, name = tempfile.mkstemp(dir=env_file.parent, prefix=f"{env_file.name}.")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as part:
            part.write(text)
            part.flush()
            os.fsync(part.fileno())
        if env_file.exists():
            new.chmod(env_file.stat().st_mode & 0o777)
        new.replace(env_file)
    finally:
        new.unlink(missing_ok=True)


def _check(values: Mapping[str, str]) -> None:
    for name, value in values.items():
        # The file is read line by line, and `${…}` in it stands for something else.
        if not value.isprintable() or "${" in value:
            raise ConfigError(f"{PREFIX}{name.upper()}: such characters cannot be used here.")
    try:
        Settings(_env_file=None, **dict[str, Any](values))
    except ValidationError as error:
        raise ConfigError(
            " ".join(
                f"{PREFIX}{str(one['loc'][0]).upper()}: {one['msg']}." for one in error.errors()
            )
        ) from error


def _with(lines: list[str], name: str, value: str) -> list[str]:
    """The lines with this setting in the place it had, else at the end; without it when empty."""
    places = [place for place, line in enumerate(lines) if _name_of(line) == name]
    kept = [line for place, line in enumerate(lines) if place not in places]
    if not value:
        return kept
    written = f"{name}={value if _PLAIN.fullmatch(value) else _quoted(value)}"
    return [*kept[: places[0]], written, *kept[places[0] :]] if places else [*kept, written]


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _name_of(line: str) -> str:
    name, equals, _ = line.strip().removeprefix("export ").partition("=")
    return name.strip().upper() if equals and not name.startswith("#") else ""


def _lines_of(env_file: Path) -> dict[str, int]:
    """The line each setting stands in, counted from 1; the last one counts."""
    lines = _split(_text_of(env_file))
    return {_name_of(line): number for number, line in enumerate(lines, 1)}


def _text_of(env_file: Path) -> str:
    try:
        return env_file.read_text(encoding="utf-8") if env_file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{env_file} cannot be read: {error}.") from error


def _split(text: str) -> list[str]:
    """Lines as the file's readers see them, who know no other ends than these."""
    return text.removesuffix("\n").split("\n") if text else []


def _origin(name: str, lines: Mapping[str, int], env_file: Path) -> tuple[Origin, str]:
    if name in {given.upper() for given in os.environ}:
        return Origin.ENVIRONMENT, "Environment"
    if name in lines:
        return Origin.FILE, f"{env_file.name}, line {lines[name]}"
    return Origin.DEFAULT, "Default"


def _shown(value: object, secret: bool) -> str:
    if secret:
        return "set" if value else "not set"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOTHING if value in (None, "") else str(value)
