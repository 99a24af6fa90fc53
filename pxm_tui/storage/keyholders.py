"""Who holds the vault's key beside a person: the operating system's keyring, or a file with the passphrase."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.messages import secret_store
from pxm_tui.domain.secret import Secret
from pxm_tui.storage.sealing import Key

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

SERVICE = "pxm-tui"
KEYRING_SECONDS = 2.0
"""How long the keyring may take to answer, seconds. An asleep or prompting one must not hang the program."""

ALLOWED_BACKENDS = frozenset(
    {
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.libsecret.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
        "keyring.backends.macOS.Keyring",
        "keyring.backends.Windows.WinVaultKeyring",
    }
)
"""Back ends that keep secrets encrypted. Others, such as the plain-text file of keyrings.alt, count as none."""

_CHAINER = "keyring.backends.chainer.ChainerBackend"
_LONGEST_PASSPHRASE = 4096


class Keyring:
    """The operating system's keyring, if there is one worth the name. Every call may block for `seconds`.

    Args:
        find: gives the back end of the `keyring` package.
        allowed: full names of the back ends that are taken.
        seconds: how long an answer may take.
    """

    def __init__(
        self,
        find: Callable[[], Any] | None = None,
        *,
        allowed: frozenset[str] = ALLOWED_BACKENDS,
        seconds: float = KEYRING_SECONDS,
    ) -> None:
        self._find = find or _system_keyring
        self._allowed = allowed
        self._seconds = seconds
        self._asked: threading.Thread | None = None

    def usable(self) -> bool:
        """Whether a key can be written, read and erased there."""
        try:
            return self._ask(self._probe)
        except StorageError:
            return False

    def load(self, name: str) -> Key | None:
        """The key kept under a name, or None.

        Raises:
            StorageError: the keyring does not answer, is locked, or is none.
        """
        return self._ask(lambda: Key.from_text(self._backend().get_password(SERVICE, name) or ""))

    def store(self, name: str, key: Key) -> None:
        """Keep a key under a name. Raises as `load`."""
        self._ask(lambda: self._backend().set_password(SERVICE, name, key.to_text().reveal()))

    def erase(self, name: str) -> bool:
        """Remove the key kept under a name; False where the keyring did not do it."""
        try:
            self._ask(lambda: self._backend().delete_password(SERVICE, name))
        except StorageError:
            return False
        return True

    def _backend(self) -> Any:
        backend = self._find()
        if not self._is_allowed(backend):
            raise secret_store(
                "There is no keyring here that keeps secrets encrypted.",
                "Give PXM_VAULT_PASSPHRASE_FILE, or choose a passphrase.",
            )
        return backend

    def _is_allowed(self, backend: Any) -> bool:
        name = f"{type(backend).__module__}.{type(backend).__qualname__}"
        if name == _CHAINER:
            chained = list(backend.backends)
            return bool(chained) and all(self._is_allowed(each) for each in chained)
        return name in self._allowed

    def _probe(self) -> bool:
        backend, name = self._backend(), f"probe-{os.urandom(8).hex()}"
        sample = os.urandom(16).hex()
        backend.set_password(SERVICE, name, sample)
        found = backend.get_password(SERVICE, name)
        backend.delete_password(SERVICE, name)
        return bool(found == sample)

    def _ask(self, question: Callable[[], T]) -> T:
        """Put a question in a thread of its own, which is left behind if no answer comes."""
        if self._asked is not None and self._asked.is_alive():
            raise self._silent()
        answers: list[T] = []
        failures: list[str] = []

        def run() -> None:
            try:
                answers.append(question())
            except StorageError as error:
                failures.append(error.message)
            except Exception as error:  # noqa: BLE001 - back ends raise whatever D-Bus or the system gives
                failures.append(f"The keyring refused ({type(error).__name__}).")

        self._asked = threading.Thread(target=run, name="pxm-keyring", daemon=True)
        self._asked.start()
        self._asked.join(self._seconds)
        if answers:
            return answers[0]
        raise secret_store(failures[0]) if failures else self._silent()

    def _silent(self) -> StorageError:
        return secret_store(f"The keyring did not answer within {self._seconds:g} s.")


def _system_keyring() -> Any:
    import keyring

    return keyring.get_keyring()


def read_passphrase(path: Path) -> Secret:
    """The first line of a passphrase file.

    Raises:
        StorageError: it cannot be read, belongs to another user, is open to others, or is empty.
    """
    try:
        # not waiting for whoever writes into a pipe, which is refused below
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            refusal = _refusal(found)
            if refusal:
                raise secret_store(f"The passphrase file {path} {refusal[0]}.", refusal[1].format(path=path))
            passphrase = Secret(file.readline(_LONGEST_PASSPHRASE).decode("utf-8", "surrogateescape").rstrip("\r\n"))
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise secret_store(
            f"The passphrase file {path} cannot be read: {why}.", "Correct PXM_VAULT_PASSPHRASE_FILE."
        ) from None
    if not passphrase:
        raise secret_store(f"The passphrase file {path} is empty.", "Write the passphrase on its first line.")
    return passphrase


def _refusal(found: os.stat_result) -> tuple[str, str] | None:
    """Why a file is not taken, and what to do."""
    if not stat.S_ISREG(found.st_mode):
        return "is not a plain file", "Correct PXM_VAULT_PASSPHRASE_FILE."
    if found.st_uid != os.geteuid():
        return "belongs to another user", "Use a file of your own: `chown $USER {path}`."
    if found.st_mode & 0o077:
        return f"is open to other users ({found.st_mode & 0o777:04o})", "Close it: `chmod 600 {path}`."
    return None
