"""The kernel's keyring: what is kept there, for how long, and what becomes of a kernel that refuses."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.storage.login_session import LoginSession
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.sealing import Key

ROOT = Path(__file__).parents[2]
NAME = f"test-{os.getpid()}"


class FakeKernel:
    """One keyring, with the calls that are used of it."""

    def __init__(self, refuse: dict[str, int] | None = None) -> None:
        self.keys: dict[int, tuple[bytes, bytes]] = {}
        self.timeouts: dict[int, int] = {}
        self.refuse = refuse or {}

    def __call__(self, number: int, *arguments: Any) -> int:
        if number == 248:
            return self.add(*arguments)
        name = {0: "ring", 9: "unlink", 10: "search", 11: "read", 15: "timeout"}[arguments[0]]
        self.fail_if("keyctl", name)
        return int(getattr(self, name)(*arguments[1:]))

    def fail_if(self, *names: str) -> None:
        for name in names:
            if name in self.refuse:
                raise OSError(self.refuse[name], os.strerror(self.refuse[name]))

    def add(self, kind: bytes, name: bytes, value: bytes, size: int, ring: int) -> int:
        self.fail_if("add")
        assert (kind, size, ring) == (b"user", len(value), 7)
        number = 100 + len(self.keys)
        self.keys[number] = name, value
        return number

    def ring(self, name: int, create: int) -> int:
        assert (name, create) == (-3, 0), "never a session of its own, which would end with the process"
        return 7

    def search(self, _ring: int, _kind: bytes, name: bytes, _into: int) -> int:
        for number, (kept, _) in self.keys.items():
            if kept == name:
                return number
        raise OSError(errno.ENOKEY, os.strerror(errno.ENOKEY))

    def read(self, number: int, room: Any, size: int) -> int:
        value = self.keys[number][1]
        room.raw = value[:size].ljust(len(room), b"\0")
        return len(value)

    def timeout(self, number: int, seconds: int) -> int:
        self.timeouts[number] = seconds
        return 0

    def unlink(self, number: int, _ring: int) -> int:
        del self.keys[number]
        return 0


def session(kernel: FakeKernel, notices: Notices | None = None) -> LoginSession:
    return LoginSession(30, notices or Notices(), call=kernel, machine="x86_64")


def test_a_key_is_kept_for_so_many_minutes_and_forgotten() -> None:
    kernel, key = FakeKernel(), Key.new()
    first, second = session(kernel), session(kernel)
    assert first.load("v1") is None
    assert first.store("v1", key) is True
    assert list(kernel.timeouts.values()) == [30 * 60]
    found = second.load("v1")
    assert found is not None
    assert found.to_text() == key.to_text()
    assert second.load("v2") is None
    second.erase("v1")
    assert kernel.keys == {}
    second.erase("v1")
    assert first.load("v1") is None


def test_a_key_that_would_stay_for_ever_is_not_kept() -> None:
    kernel, notices = FakeKernel({"timeout": errno.EACCES}), Notices()
    assert session(kernel, notices).store("v1", Key.new()) is False
    assert kernel.keys == {}
    assert len(notices.take()) == 1


@pytest.mark.parametrize("value", [b"", b"short", b"x" * 44, b"A" * 200])
def test_what_is_no_key_is_none(value: bytes) -> None:
    kernel = FakeKernel()
    kernel.keys[100] = b"pxm-tui:v1", value
    assert session(kernel).load("v1") is None


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize("call", ["add", "ring"])
def test_a_kernel_that_refuses_is_told_of_once(code: int, call: str) -> None:
    notices = Notices()
    refusing = session(FakeKernel({call: code}), notices)
    for _ in range(2):
        assert refusing.store("v1", Key.new()) is False
        assert refusing.load("v1") is None
        refusing.erase("v1")
    (notice,) = notices.take()
    assert notice.startswith("The kernel's keyring cannot be used here (")
    assert os.strerror(code).lower() in notice


@pytest.mark.parametrize("code", [errno.ENOKEY, errno.EKEYEXPIRED, errno.EKEYREVOKED])
def test_a_key_that_has_gone_is_no_trouble(code: int) -> None:
    notices = Notices()
    gone = session(FakeKernel({"search": code}), notices)
    assert gone.load("v1") is None
    gone.erase("v1")
    assert notices.take() == ()


def test_another_machine_is_a_kernel_that_refuses() -> None:
    notices = Notices()
    assert LoginSession(30, notices, call=FakeKernel(), machine="vax").load("v1") is None
    assert len(notices.take()) == 1


@pytest.fixture
def real() -> Iterator[LoginSession]:
    """The kernel's own, where it lets us."""
    notices = Notices()
    found = LoginSession(1, notices)
    found.load(NAME)
    if notices.take():
        pytest.skip("the kernel has no keyring for us")
    yield found
    found.erase(NAME)


def test_another_process_of_the_session_finds_it(real: LoginSession) -> None:
    key = Key.new()
    if not real.store(NAME, key):
        pytest.skip("the kernel keeps no key for us")
    look = (
        "from pxm_tui.storage.login_session import LoginSession\n"
        "from pxm_tui.storage.notices import Notices\n"
        f"found = LoginSession(1, Notices()).load({NAME!r})\n"
        "print(found.to_text().reveal() if found else None)"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == key.to_text().reveal()
    kept = Path("/proc/keys").read_text(encoding="utf-8")
    (line,) = [line for line in kept.splitlines() if f"pxm-tui:{NAME}" in line]
    assert line.split()[3] != "perm", "it ends by itself"
    real.erase(NAME)
    assert real.load(NAME) is None
