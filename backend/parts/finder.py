"""Finding system programs, and fetching those that are missing."""

import os
import re
import shutil
from pathlib import Path

from backend.core.errors import PartMissingError
from backend.parts.apt import PrivateApt, apt_error, run_quietly, unpack
from backend.parts.asterisk import ensure_asterisk, find_asterisk
from backend.parts.catalog import PARTS, Part
from backend.parts.program import Finding, Program, Progress
from backend.parts.store import Store


def find(name: str, data_dir: Path, *, named: str = "") -> Program | None:
    """A part that can be used right now; takes a few milliseconds, fetches nothing.

    `name` is `asterisk` or one of `PARTS`; `named` is the setting `asterisk`. Raises
    PartMissingError when the program named there cannot be used.
    """
    if name == "asterisk":
        return find_asterisk(data_dir, named)
    part = PARTS[name]
    return _installed(part) or Store(data_dir).load(name, _recipe(part))


def ensure(name: str, data_dir: Path, progress: Progress, *, named: str = "") -> Program:
    """As `find`; what is missing is installed (root) or unpacked under `<data_dir>/parts`.

    Blocks, for seconds to minutes when something is fetched. Raises PartMissingError.
    """
    if name == "asterisk":
        return ensure_asterisk(data_dir, progress, named)
    found = find(name, data_dir)
    if found is not None:
        return found
    part = PARTS[name]
    if part.installable and os.geteuid() == 0 and _install(part, progress):
        found = _installed(part)
    return found or unpack_part(part, Store(data_dir), progress)


def unpack_part(
    part: Part, store: Store, progress: Progress, status: Path | None = None
) -> Program:
    """Unpack a part with whatever it needs that the machine has not got.

    `status` is a dpkg status file to take for the machine's own. Raises PartMissingError.
    """
    recipe = _recipe(part)
    with store.lock(part.name):
        found = store.load(part.name, recipe)
        if found is not None:
            return found
        store.need_mb(part.needed_mb)

        def build(tree: Path) -> Program:
            kept = store.downloads(part.name)
            progress(f"{part.name}: downloading and unpacking ({part.purpose})")
            apt = PrivateApt(kept, status=status)
            apt.update()
            unpack(apt.download(apt.closure(part.packages)), tree)
            apt.forget_lists()
            shutil.rmtree(kept / "archives")  # the machine's release does not move away
            return _unpacked(part, tree)

        try:
            return store.keep(part.name, recipe, build)
        except PartMissingError as error:
            raise PartMissingError(
                f"{part.name} ({part.purpose}) could not be fetched. {error.message}",
                fix=f"{error.fix} Or: apt-get install {' '.join(part.packages)}".strip(),
            ) from error


def part_findings(data_dir: Path) -> list[Finding]:
    """What `doctor` says of the parts in `PARTS`."""
    findings = []
    for part in PARTS.values():
        program = find(part.name, data_dir)
        findings.append(
            Finding(part.name, True, f"{program.command[0]} ({part.purpose})")
            if program
            else Finding(
                part.name,
                False,
                f"missing ({part.purpose})",
                f"apt-get install {' '.join(part.packages)}, or run scripts/up again.",
            )
        )
    return findings


def _install(part: Part, progress: Progress) -> bool:
    """Whether apt installed it."""
    if shutil.which("apt-get") is None:
        return False
    progress(f"{part.name}: installing ({part.purpose})")
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
    result = run_quietly([*install, "-o", "DPkg::Lock::Timeout=60", *part.packages])
    if result.returncode:  # a machine fresh from an image has no package lists, or has old ones
        run_quietly(["apt-get", "update", "-q"])
        result = run_quietly([*install, *part.packages])
    if result.returncode == 0:
        return True
    progress(f"{part.name}: not installed: {apt_error(result.stderr, Path('/var'))}")
    return False


def _installed(part: Part) -> Program | None:
    path = _program(part, Path("/"))
    on_path = shutil.which(part.name)
    command = on_path or (str(path) if path else "")
    return Program(part.name, "", (command,), Path("/")) if command else None


def _unpacked(part: Part, tree: Path) -> Program:
    path = _program(part, tree, skip_scripts=True)
    if path is None:
        raise PartMissingError(f"The packages of {part.name} do not have the program.")
    libraries = _library_folders(tree)
    environment = {
        key: value.format(libraries=libraries[0] if libraries else "")
        for key, value in part.environment
    }
    environment["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
    return Program(part.name, "", (str(path),), tree, environment)


def _program(part: Part, root: Path, *, skip_scripts: bool = False) -> Path | None:
    for pattern in part.programs:
        found = [path for path in root.glob(pattern) if os.access(path, os.X_OK)]
        if skip_scripts:
            found = [path for path in found if path.read_bytes()[:2] != b"#!"]
        if found:
            return max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))])
    return None


def _library_folders(tree: Path) -> list[Path]:
    """Folders with libraries, the architecture's own first."""
    folders = {path.parent for path in (tree / "usr/lib").glob("**/*.so.*")}
    return sorted(folders, key=lambda path: (not path.name.endswith("-linux-gnu"), path))


def _recipe(part: Part) -> str:
    return " ".join(part.packages)
