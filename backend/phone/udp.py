"""UDP sockets whose datagrams carry the kernel's arrival time. Linux only."""

import socket
import struct
import time
from typing import NamedTuple

MAX_DATAGRAM = 65_535

_SO_TIMESTAMPNS = 35
_IP_RECVERR, _IPV6_RECVERR = 11, 25
"""Numbers of linux/socket.h and linux/in.h that the socket module does not name."""
_TIMESPEC = struct.Struct("ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_ERROR_BYTES = 512

Address = tuple[str, int]


class Datagram(NamedTuple):
    """What came, when (`time.monotonic()` seconds), from where."""

    data: bytes
    arrived_s: float
    sender: Address


def open_udp(host: str, *, report_refusals: bool = False) -> socket.socket:
    """A non-blocking socket on a free port. Raises OSError when that cannot be.

    With `report_refusals` a port where nothing listens makes `receive` raise
    ConnectionRefusedError, and `refusals` tells which it was.
    """
    ipv6 = ":" in host
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if report_refusals:
            level = socket.IPPROTO_IPV6 if ipv6 else socket.IPPROTO_IP
            sock.setsockopt(level, _IPV6_RECVERR if ipv6 else _IP_RECVERR, 1)
        sock.bind((host, 0))
    except OSError:
        sock.close()
        raise
    return sock


def wall_to_monotonic_s() -> float:
    """What to add to a wall-clock time to have it on `time.monotonic()`.

    Taken anew for every batch: the wall clock may be set at any time.
    """
    return time.monotonic() - time.time()


def receive(sock: socket.socket, to_monotonic_s: float) -> Datagram:
    """The next datagram. Raises BlockingIOError when none is waiting, other OSErrors as reported.

    `to_monotonic_s` is from `wall_to_monotonic_s`.
    """
    data, ancillary, _, sender = sock.recvmsg(MAX_DATAGRAM, _ANCILLARY_BYTES)
    if ancillary:
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        arrived_s = seconds + nanoseconds * 1e-9 + to_monotonic_s
    else:
        arrived_s = time.monotonic()
    return Datagram(data, arrived_s, (sender[0], sender[1]))


def refusals(sock: socket.socket) -> list[Address]:
    """Where datagrams of ours were refused since the last call."""
    refused: list[Address] = []
    while True:
        try:
            _, _, _, to = sock.recvmsg(0, _ERROR_BYTES, socket.MSG_ERRQUEUE)
        except OSError:  # the queue is empty
            return refused
        refused.append((to[0], to[1]))
