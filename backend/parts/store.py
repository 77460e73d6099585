"""The folder of unpacked parts: complete or not there at all, however a run ended."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.core.errors import PartMissingError
from backend.parts.program import Program

_STAMP = "part.json"


class Store:
    """`<data_dir>/parts`: one folder a part, its downloaded packages, and a lock beside it."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir.absolute() / "parts"

    def load(self, name: str, recipe: str) -> Program | None:
        """The part kept under this name and recipe, or None."""
        tree = self._root / name
        try:
            stamp = json.loads((tree / _STAMP).read_bytes())
            command = tuple(word.replace("{tree}", str(tree)) for word in stamp["command"])
            env = {key: value.replace("{tree}", str(tree)) for key, value in stamp["env"].items()}
            if stamp["recipe"] != recipe:
                return None
            return Program(name, stamp["version"], command, tree, env)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, name: str, recipe: str, build: Callable[[Path], Program]) -> Program:
        """Have `build` fill a new folder, and put it in place in one step when it is complete.

        Call it with the part's `lock` held. Raises PartMissingError.
        """
        new, old, place = (self._root / f"{prefix}{name}" for prefix in (".new-", ".old-", ""))
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        try:
            new.mkdir(parents=True)
            program = build(new)
            self._stamp(new, recipe, program)
            os.sync()  # the stamp must not survive a power cut that the files did not
            if place.exists():
                place.rename(old)
            new.rename(place)
        except OSError as error:
            raise PartMissingError(
                f"{name} cannot be unpacked under {self._root}: {error.strerror}.",
                fix="Free some space there, or set FRONTDESK_DATA_DIR to another place.",
            ) from error
        finally:
            for leftover in (new, old):
                shutil.rmtree(leftover, ignore_errors=True)
        kept = self.load(name, recipe)
        if kept is None:
            raise PartMissingError(f"{name} was unpacked but cannot be read back.")
        return kept

    def downloads(self, name: str) -> Path:
        """Where this part's packages are kept, so that it can be unpacked again offline."""
        return self._root / "packages" / name

    def need_mb(self, size: int) -> None:
        """Raise PartMissingError when the disk has less room than that."""
        self._root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._root).free // 2**20
        if free < size:
            raise PartMissingError(
                f"{size} MB are needed under {self._root}, {free} MB are free.",
                fix="Free some space there, or set FRONTDESK_DATA_DIR to another place.",
            )

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Held by one process at a time; freed by the kernel when its holder dies."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / f".{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _stamp(self, tree: Path, recipe: str, program: Program) -> None:
        movable = [word.replace(str(tree), "{tree}") for word in program.command]
        env = {key: value.replace(str(tree), "{tree}") for key, value in program.env.items()}
        stamp = {"recipe": recipe, "version": program.version, "command": movable, "env": env}
        (tree / _STAMP).write_text(json.dumps(stamp, indent=1), encoding="utf-8")
