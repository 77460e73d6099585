"""What the trunk's TLS needs: our certificate, and the authorities we believe."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from backend.core.errors import PbxError

_DAYS = 3650
# Debian, Fedora, SUSE, Alpine
_AUTHORITIES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files."""

    certificate: Path
    key: Path
    authorities: Path


def tls_files(folder: Path, name: str) -> TlsFiles:
    """The certificate in `folder` (made for `name` if there is none) and the system's authorities.

    Twilio does not check the certificate of the PBX it calls, so one we sign ourselves does.
    Raises PbxError.
    """
    authorities = next((path for path in _AUTHORITIES if path.is_file()), None)
    if authorities is None:
        raise PbxError(
            "The trunk needs the list of certificate authorities, which this machine lacks.",
            fix="Install the package ca-certificates.",
        )
    files = TlsFiles(folder / "frontdesk.crt", folder / "frontdesk.key", authorities)
    if not (files.certificate.is_file() and files.key.is_file()):
        _make(files, name)
    return files


def _make(files: TlsFiles, name: str) -> None:
    if shutil.which("openssl") is None:
        raise PbxError(
            "The trunk needs a certificate, and there is no openssl to make one.",
            fix=f"Install openssl, or put your own in {files.certificate} and {files.key}.",
        )
    files.key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days {_DAYS}".split()
    result = subprocess.run(
        [
            *command,
            *("-subj", f"/CN={name}", "-keyout", str(files.key), "-out", str(files.certificate)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        files.certificate.unlink(missing_ok=True)
        raise PbxError(f"openssl could not make a certificate: {result.stderr.strip()[-200:]}")
    files.key.chmod(0o600)
