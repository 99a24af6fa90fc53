"""Finds loopback addresses and ports that no other running fleet uses.

On Linux the whole of 127/8 is local, so every node gets an address of its own. A fleet claims a block of them
by the name of an abstract Unix socket, which the kernel gives back when the process ends. Elsewhere all nodes
share 127.0.0.1 and differ by port.
"""

import errno
import socket
import sys
from collections.abc import Iterator

HAS_MANY_ADDRESSES = sys.platform == "linux"
FIRST_OCTET = 16
OCTETS = 200
BLOCKS_PER_OCTET = 4
BACKLOG = 512
PORTS_TO_TRY = 2000


class NoAddressError(OSError):
    """There is no free loopback address or port left."""


class AddressBook:
    """Hands out listening sockets to the nodes of one fleet, in a fixed order that starts from the seed."""

    def __init__(self, seed: int, first_port: int) -> None:
        self._claim: socket.socket | None = None
        self._next_host = 0
        self._block = ""
        self._third = 0
        self.port = first_port
        if HAS_MANY_ADDRESSES:
            self._claim_block(seed)
            self.port = self._free_port(first_port)

    def close(self) -> None:
        """Give the block of addresses back."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def listen_together(self, count: int) -> list[socket.socket]:
        """Give listening sockets for the nodes of one cluster, on one port where addresses allow it.

        Raises:
            NoAddressError: nothing is free.
        """
        opened: list[socket.socket] = []
        try:
            for _ in range(count):
                opened.append(self._listen_next())
        except OSError:
            for open_socket in opened:
                open_socket.close()
            raise
        return opened

    def _listen_next(self) -> socket.socket:
        if not HAS_MANY_ADDRESSES:
            for port in range(self.port, self.port + PORTS_TO_TRY):
                found = try_to_listen("127.0.0.1", port)
                if found is not None:
                    self.port = port + 1
                    return found
            raise NoAddressError(errno.EADDRNOTAVAIL, "no free port")
        for address in self._hosts():
            found = try_to_listen(address, self.port)
            if found is not None:
                return found
        raise NoAddressError(errno.EADDRNOTAVAIL, "no free loopback address")

    def _hosts(self) -> Iterator[str]:
        """Walk through the block: 1 to 254 in each of its 64 third octets."""
        while self._next_host < 64 * 254:
            third, fourth = divmod(self._next_host, 254)
            self._next_host += 1
            yield f"{self._block}.{self._third + third}.{fourth + 1}"

    def _claim_block(self, seed: int) -> None:
        for offset in range(OCTETS * BLOCKS_PER_OCTET):
            octet = FIRST_OCTET + (seed + offset) % OCTETS
            part = offset // OCTETS
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                claim.bind(f"\0pxm-simulator-127.{octet}-{part}")
            except OSError:
                claim.close()
                continue
            self._claim, self._block, self._third = claim, f"127.{octet}", 64 * part
            return
        raise NoAddressError(errno.EADDRNOTAVAIL, "no free block of loopback addresses")

    def _free_port(self, first: int) -> int:
        """Find a port that nobody holds on every address."""
        for port in range(first, first + PORTS_TO_TRY):
            probe = try_to_listen(f"{self._block}.{self._third + 63}.254", port)
            if probe is not None:
                probe.close()
                return port
        self.close()
        raise NoAddressError(errno.EADDRNOTAVAIL, "no free port")


def try_to_listen(address: str, port: int) -> socket.socket | None:
    """Listen on an address; None where it is taken.

    Raises:
        OSError: it fails for another reason.
    """
    candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        candidate.bind((address, port))
        candidate.listen(BACKLOG)
    except OSError as error:
        candidate.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return candidate
