"""SIP messages as text (RFC 3261): parsing that raises LineError, never anything else."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backend.core.errors import LineError

MAX_MESSAGE_BYTES = 65_535
"""A UDP datagram holds no more."""

_COMPACT = {
    "i": "call-id",
    "m": "contact",
    "e": "content-encoding",
    "l": "content-length",
    "c": "content-type",
    "f": "from",
    "s": "subject",
    "k": "supported",
    "t": "to",
    "v": "via",
}
"""One-letter header names (RFC 3261 §7.3.3)."""

_UNSAFE = re.compile(r'[\s<>"\x00-\x1f\x7f]')
"""Would end the URI, or the header it is written into."""

_EXAMPLE = "Write e.g. sip:100@127.0.0.1:5160."

_COMMA_LISTS = frozenset({"via", "route", "record-route", "contact", "allow", "supported"})
"""Headers of which one line may hold several values."""


@dataclass(slots=True)
class Headers:
    """Header fields in order; names compare without case."""

    items: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The first value, or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.items if key.lower() == wanted), "")

    def all(self, name: str) -> list[str]:
        """Every value, those of comma-separated lines apart."""
        wanted = name.lower()
        found = [value for key, value in self.items if key.lower() == wanted]
        if wanted in _COMMA_LISTS:
            found = [part for value in found for part in split_outside_quotes(value, ",")]
        return found

    def add(self, name: str, value: str) -> None:
        """Append one field."""
        self.items.append((name, value))

    def require(self, name: str) -> str:
        """The first value. Raises LineError when there is none."""
        value = self.get(name)
        if not value:
            raise LineError(f"The SIP message has no {name} header.")
        return value


@dataclass(slots=True)
class _Message:
    headers: Headers
    body: bytes = b""
    arrived_s: float = field(default=0.0, compare=False, kw_only=True)
    """When it came, `time.monotonic()`; 0 for what we made ourselves."""

    @property
    def call_id(self) -> str:
        """Call-ID; empty when missing."""
        return self.headers.get("Call-ID")

    @property
    def cseq(self) -> tuple[int, str]:
        """CSeq number and method. Raises LineError when malformed."""
        number, _, method = self.headers.require("CSeq").partition(" ")
        if not (number.isascii() and number.isdigit() and len(number) <= 10 and method.strip()):
            raise LineError("The SIP message's CSeq header is malformed.")
        return int(number), method.strip().upper()

    @property
    def branch(self) -> str:
        """The topmost Via's branch: which transaction this belongs to. Empty when missing."""
        vias = self.headers.all("Via")
        return header_params(vias[0]).get("branch", "") if vias else ""

    @property
    def from_tag(self) -> str:
        """Tag of the From header; empty when missing."""
        return address_params(self.headers.get("From")).get("tag", "")

    @property
    def to_tag(self) -> str:
        """Tag of the To header; empty when missing."""
        return address_params(self.headers.get("To")).get("tag", "")

    def _encode(self, start_line: str) -> bytes:
        lines = [start_line, *(f"{name}: {value}" for name, value in self.headers.items)]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(slots=True)
class SipRequest(_Message):
    """A request. `headers` is without Content-Length, which `encode` adds."""

    method: str = ""
    uri: str = ""

    def encode(self) -> bytes:
        """The datagram."""
        return self._encode(f"{self.method} {self.uri} SIP/2.0")


@dataclass(slots=True)
class SipResponse(_Message):
    """A response. `headers` is without Content-Length, which `encode` adds."""

    status: int = 0
    reason: str = ""

    def encode(self) -> bytes:
        """The datagram."""
        return self._encode(f"SIP/2.0 {self.status} {self.reason}")


SipMessage = SipRequest | SipResponse


def parse_message(data: bytes) -> SipMessage:
    """One datagram as a message. Raises LineError when it is not SIP."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise LineError("A datagram on the SIP port is not SIP: it has no end of headers.")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LineError("A SIP message's headers are not UTF-8.") from error
    start_line, *lines = text.lstrip("\r\n").split("\r\n")
    headers = _parse_headers(lines)
    body = _cut_body(headers, body)
    if start_line.startswith("SIP/2.0 "):
        return _parse_status(start_line, headers, body)
    parts = start_line.split(" ")
    if len(parts) != 3 or parts[2] != "SIP/2.0" or not parts[0].isalpha() or not parts[1]:
        raise LineError(f"Not a SIP start line: {start_line[:80]!r}.")
    return SipRequest(headers, body, method=parts[0].upper(), uri=parts[1])


def _parse_status(start_line: str, headers: Headers, body: bytes) -> SipResponse:
    _, status, reason = (*start_line.split(" ", 2), "")[:3]
    if not (status.isascii() and status.isdigit() and 100 <= int(status[:4]) <= 699):
        raise LineError(f"Not a SIP status line: {start_line[:80]!r}.")
    return SipResponse(headers, body, status=int(status), reason=reason)


def _parse_headers(lines: Iterable[str]) -> Headers:
    headers = Headers()
    for line in lines:
        if line[:1] in (" ", "\t"):
            if not headers.items:
                raise LineError("A SIP message begins with a continuation line.")
            name, value = headers.items[-1]
            headers.items[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not name or not name.isascii():
            raise LineError(f"A SIP header line cannot be read: {line[:80]!r}.")
        headers.add(_COMPACT.get(name.lower(), name), value.strip())
    return headers


def _cut_body(headers: Headers, body: bytes) -> bytes:
    declared = headers.get("Content-Length")
    headers.items = [item for item in headers.items if item[0].lower() != "content-length"]
    if not declared:
        return body
    if not (declared.isascii() and declared.isdigit() and len(declared) <= 9):
        raise LineError("A SIP message's Content-Length is not a number.")
    if int(declared) > len(body):
        raise LineError("A SIP message is cut short: its body is shorter than Content-Length.")
    return body[: int(declared)]


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at `separator` where it is not inside "quotes" or <brackets>; blanks stripped."""
    parts, start, quoted, depth = [], 0, False, 0
    skip = False
    for index, char in enumerate(text):
        if skip:
            skip = False
        elif quoted and char == "\\":
            skip = True
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "<>":
            depth = 1 if char == "<" else 0
        elif char == separator and not quoted and not depth:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def header_params(value: str) -> dict[str, str]:
    """The `;name=value` parameters after a header's value, names in lower case, quotes removed."""
    params = {}
    for part in split_outside_quotes(value, ";")[1:]:
        name, _, text = part.partition("=")
        params[name.strip().lower()] = text.strip().strip('"')
    return params


def address_params(value: str) -> dict[str, str]:
    """Header parameters of a From, To or Contact value (not those of the URI inside <>)."""
    _, bracket, rest = value.rpartition(">")
    return header_params("x" + rest if bracket else value)


def address_uri(value: str) -> str:
    """The URI of a From, To, Contact or Route value. Raises LineError when there is none."""
    _, bracket, rest = value.rpartition("<")
    uri = rest.partition(">" if bracket else ";")[0]
    if not uri.strip():
        raise LineError(f"No SIP address in {value[:80]!r}.")
    return uri.strip()


def strip_tag(value: str) -> str:
    """A From or To value without its header parameters."""
    head, bracket, _ = value.rpartition(">")
    return head + bracket if bracket else value.partition(";")[0]


@dataclass(frozen=True, slots=True)
class SipUri:
    """`sip:user@host:port;params`. `port` is 5060 when not given."""

    user: str
    host: str
    port: int = 5060
    params: Mapping[str, str] = field(default_factory=dict)


def parse_uri(text: str) -> SipUri:
    """A `sip:` URI. Raises LineError saying what is wrong with it."""
    if _UNSAFE.search(text):
        raise LineError(f"{text!r} is not a SIP address.", fix=_EXAMPLE)
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() != "sip":
        raise LineError(f"{text!r} is not a sip: address.", fix=_EXAMPLE)
    rest = rest.partition("?")[0]
    user, _, hostport = rest.rpartition("@")
    params = header_params(hostport)
    hostport = hostport.partition(";")[0]
    host, port = _split_port(hostport, text)
    return SipUri(user=user.partition(":")[0], host=host, port=port, params=params)


def _split_port(hostport: str, whole: str) -> tuple[str, int]:
    if hostport.startswith("["):
        host, _, tail = hostport[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = hostport.partition(":")
    valid_port = not port or (port.isascii() and port.isdigit() and len(port) <= 5)
    number = int(port) if port and valid_port else 5060
    if not host or not valid_port or not 0 < number < 65536:
        raise LineError(f"{whole!r} is not a SIP address.", fix=_EXAMPLE)
    return host, number
