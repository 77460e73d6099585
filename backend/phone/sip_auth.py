"""Digest authentication (RFC 2617, RFC 8760), the answering side."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from backend.core.errors import LineError
from backend.phone.sip_message import SipResponse, split_outside_quotes

_HASHES: dict[str, Callable[[bytes], str]] = {
    # MD5 is what RFC 3261 prescribes and every PBX offers; it protects nothing but a local call.
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account at the PBX."""

    user: str
    password: str


def authorization(
    response: SipResponse, credentials: Credentials, method: str, uri: str
) -> tuple[str, str]:
    """Header name and value that answer a 401 or 407.

    Raises LineError when the challenge is malformed or of a kind we cannot answer.
    """
    proxy = response.status == 407
    challenges = response.headers.all("Proxy-Authenticate" if proxy else "WWW-Authenticate")
    for challenge in challenges:
        scheme, _, rest = challenge.partition(" ")
        fields = _fields(rest)
        algorithm = fields.get("algorithm", "MD5").upper()
        qops = [item.strip() for item in fields.get("qop", "").split(",") if item.strip()]
        usable_qop = not qops or "auth" in qops
        if scheme.lower() == "digest" and algorithm in _HASHES and usable_qop and "nonce" in fields:
            value = _digest(fields, algorithm, bool(qops), credentials, method, uri)
            return ("Proxy-Authorization" if proxy else "Authorization"), value
    raise LineError("The PBX asks for a sign-in this phone cannot do (not Digest MD5 or SHA-256).")


def _digest(
    fields: dict[str, str],
    algorithm: str,
    with_qop: bool,
    credentials: Credentials,
    method: str,
    uri: str,
) -> str:
    digest = _HASHES[algorithm]
    realm, nonce = fields.get("realm", ""), fields["nonce"]
    ha1 = digest(f"{credentials.user}:{realm}:{credentials.password}".encode())
    ha2 = digest(f"{method}:{uri}".encode())
    quoted = {
        "username": credentials.user,
        "realm": realm,
        "nonce": nonce,
        "uri": uri,
    }
    plain = {"algorithm": algorithm}
    if with_qop:
        cnonce, count = secrets.token_hex(8), "00000001"
        quoted["response"] = digest(f"{ha1}:{nonce}:{count}:{cnonce}:auth:{ha2}".encode())
        quoted["cnonce"] = cnonce
        plain |= {"qop": "auth", "nc": count}
    else:
        quoted["response"] = digest(f"{ha1}:{nonce}:{ha2}".encode())
    if "opaque" in fields:
        quoted["opaque"] = fields["opaque"]
    parts = [f'{key}="{value}"' for key, value in quoted.items()]
    parts += [f"{key}={value}" for key, value in plain.items()]
    return "Digest " + ", ".join(parts)


def _fields(text: str) -> dict[str, str]:
    fields = {}
    for part in split_outside_quotes(text, ","):
        name, _, value = part.partition("=")
        fields[name.strip().lower()] = value.strip().strip('"')
    return fields
