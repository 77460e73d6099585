"""The secret that signs cookies: made once, readable by the owner of the process only."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from backend.core.errors import ConfigError

SECRET_BYTES = 32


def load_or_create_secret(path: Path) -> bytes:
    """Read the secret at `path`, making it (mode 0600, in a 0700 folder) when it is not there.

    Two processes that start at the same moment end up with the same secret. Raises ConfigError
    when the file is damaged or cannot be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _create(path)
        path.chmod(0o600)
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise ConfigError(
            f"The secret that signs sessions cannot be kept in {path}: {error.strerror}.",
            fix="Make FRONTDESK_DATA_DIR a folder this user can write to.",
        ) from error
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise ConfigError(
            f"The secret that signs sessions, {path}, is damaged.",
            fix="Delete the file and start again; everybody has to sign in again.",
        )
    return secret


def _create(path: Path) -> None:
    # Written elsewhere first and then linked: nobody ever reads half a secret.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secret-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
