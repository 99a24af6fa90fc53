"""Fixtures for the whole suite: asynchronous tests run on asyncio, the terminal's environment is still."""

import os

import pytest

os.environ["PXM_SYSLOG"] = "off"  # nothing that is tried here belongs in the machine's own log

pytest_plugins = ["tests.fleet_fixtures", "tests.hunting"]


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def still_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what a developer's shell could change about output."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "PXM_DATA_DIR", "PXM_STATE_DIR", "PXM_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
