"""The kernel's keyring of a login session: remembers the key that a passphrase gave, for a time. Linux alone.

Nothing of it is on a disk, and it is gone with the session. Where the kernel refuses, as in most containers, nothing is
remembered and the passphrase is asked for again.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pxm_tui.storage.sealing import Key

if TYPE_CHECKING:
    from pxm_tui.storage.notices import Notices

T = TypeVar("T")

Call = Callable[..., int]
"""A system call: takes its number and arguments, gives its result, raises `OSError`."""

_TYPE = b"user"
_SESSION = -3
_GET_KEYRING_ID, _UNLINK, _SEARCH, _READ, _SET_TIMEOUT = 0, 9, 10, 11, 15
_ROOM = 64
_ABSENT = {"ENOKEY", "EKEYEXPIRED", "EKEYREVOKED"}

_NUMBERS = {"x86_64": (248, 250), "ppc64le": (269, 271), "s390x": (278, 280)} | dict.fromkeys(
    ("aarch64", "riscv64", "loongarch64"), (217, 219)
)
"""`add_key` and `keyctl` by machine; the C library has no functions for them."""


class LoginSession:
    """Keeps keys in the kernel for some minutes. What the kernel refuses is no error: a notice says so, once.

    Args:
        minutes: for how long, from when a person gave the passphrase.
        notices: where a person is told.
        call: makes a system call; another one for tests.
        machine: the kind of processor; this one by default.
    """

    def __init__(self, minutes: int, notices: Notices, *, call: Call | None = None, machine: str | None = None) -> None:
        self.minutes = minutes
        self._notices = notices
        self._call = call
        self._numbers = _NUMBERS.get(machine or platform.machine()) if sys.platform == "linux" else None

    def store(self, name: str, key: Key) -> bool:
        """Remember a key; False where the kernel will not."""
        return self._tried(lambda: self._store(name, key)) is True

    def load(self, name: str) -> Key | None:
        """The key remembered under a name; None where there is none, or its time is over."""
        return self._tried(lambda: self._load(name))

    def erase(self, name: str) -> None:
        """Forget a key."""
        self._tried(lambda: self._erase(name))

    def _store(self, name: str, key: Key) -> bool:
        text, ring = key.to_text(), self._ring()
        found = self._add(_TYPE, _described(name), text.reveal().encode(), len(text.reveal()), ring)
        try:
            self._control(_SET_TIMEOUT, found, self.minutes * 60)
        except OSError:
            self._control(_UNLINK, found, ring)  # rather not at all than for ever
            raise
        return True

    def _load(self, name: str) -> Key | None:
        import ctypes

        found = self._control(_SEARCH, self._ring(), _TYPE, _described(name), 0)
        room = ctypes.create_string_buffer(_ROOM)
        size = self._control(_READ, found, room, _ROOM)
        key = Key.from_text(room.raw[:size].decode("ascii", "replace")) if size <= _ROOM else None
        ctypes.memset(room, 0, _ROOM)
        return key

    def _erase(self, name: str) -> None:
        ring = self._ring()
        self._control(_UNLINK, self._control(_SEARCH, ring, _TYPE, _described(name), 0), ring)

    def _ring(self) -> int:
        """The session's keyring by its number.

        By its name a process whose login made no session would get one of its own, which ends with the process.
        """
        return self._control(_GET_KEYRING_ID, _SESSION, 0)

    def _add(self, *arguments: object) -> int:
        return self._ask(0, *arguments)

    def _control(self, *arguments: object) -> int:
        return self._ask(1, *arguments)

    def _ask(self, which: int, *arguments: object) -> int:
        if self._numbers is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        if self._call is None:
            self._call = _system_calls()
        return self._call(self._numbers[which], *arguments)

    def _tried(self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "")
            if name not in _ABSENT:
                why = (error.strerror or name).lower()
                self._notices.add(f"The kernel's keyring cannot be used here ({why}): no passphrase is remembered.")
            return None


def _described(name: str) -> bytes:
    return f"pxm-tui:{name}".encode()


def _system_calls() -> Call:
    """The C library's `syscall`, every argument as wide as a register."""
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long

    def call(number: int, *arguments: object) -> int:
        wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
        result = int(library.syscall(ctypes.c_long(number), *wide))
        if result < 0:
            found = ctypes.get_errno()
            raise OSError(found, os.strerror(found))
        return result

    return call
