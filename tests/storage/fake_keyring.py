"""Keyrings of the kinds that there are: good ones, dead ones, and those that keep secrets in the clear."""

from __future__ import annotations

from typing import Any

from pxm_tui.storage.keyholders import Keyring


class FakeBackend:
    """A keyring that works, as long as it is not broken."""

    def __init__(self, broken: Exception | None = None) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = broken

    def get_password(self, service: str, name: str) -> str | None:
        self._fail()
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, password: str) -> None:
        self._fail()
        self.kept[service, name] = password

    def delete_password(self, service: str, name: str) -> None:
        self._fail()
        del self.kept[service, name]

    def _fail(self) -> None:
        if self.broken is not None:
            raise self.broken


class ForgetfulBackend(FakeBackend):
    """Takes everything and keeps nothing."""

    def get_password(self, service: str, name: str) -> str | None:
        return None


def class_named(module: str, name: str, base: type[Any] = FakeBackend, **attributes: Any) -> Any:
    """An instance of a class that calls itself `module.name`."""
    return type(name, (base,), {"__module__": module, "__qualname__": name, **attributes})()


ALLOWED = frozenset({f"{FakeBackend.__module__}.{name}" for name in ("FakeBackend", "ForgetfulBackend")})


def keyring_with(backend: Any, **options: Any) -> Keyring:
    """A keyring that finds this back end, and would take the fake one."""
    return Keyring(lambda: backend, allowed=options.pop("allowed", ALLOWED), **options)
