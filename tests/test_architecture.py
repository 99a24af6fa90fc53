"""What may import what, proven at run time: an import in a fresh interpreter, and a look at what came with it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pxm_tui

HEAVY = ("textual", "rich", "httpx", "pydantic", "tinydb", "aiohttp", "cryptography", "keyring", "pxm_tui.simulator")


def loaded_by(statement: str) -> set[str]:
    """The modules that are loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(chr(10).join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import pxm_tui.domain.messages, pxm_tui.domain.addresses, pxm_tui.domain.describe", set()),
        ("import pxm_tui.services.clusters, pxm_tui.services.fleet", set()),
        ("import pxm_tui.services.registration", {"pydantic"}),
        ("import pxm_tui.bootstrap, pxm_tui.settings", set()),
        ("import pxm_tui.tui.app", {"textual", "rich"}),
        ("import pxm_tui.api.server", {"aiohttp", "pydantic"}),
        ("import pxm_tui.client", {"httpx", "pydantic", "rich"}),  # rich where click is: httpx then loads its own CLI
        ("import pxm_tui.simulator.fleet", {"aiohttp", "cryptography", "pxm_tui.simulator"}),
    ],
)
def test_an_import_brings_only_what_it_needs(statement: str, allowed: set[str]) -> None:
    assert loaded_by(statement) & set(HEAVY) <= allowed


def test_the_simulator_is_another_program() -> None:
    ours = {name for name in loaded_by("import pxm_tui.simulator.serve") if name.startswith("pxm_tui.")}
    assert {name for name in ours if not name.startswith("pxm_tui.simulator")} == set()


def test_the_domain_needs_no_loop() -> None:
    assert "asyncio" not in loaded_by("import pxm_tui.domain.messages, pxm_tui.domain.describe")


TLS_MAKERS = {
    "proxmox/tls.py": "every connection to a cluster",
    "api/listening.py": "what `pxm serve` shows",
    "client/clients.py": "the client of `pxm serve`",
    "simulator_client.py": "the demo's control, on this machine",
}


def test_every_connection_to_a_cluster_is_verified_by_the_one_recipe() -> None:
    """Whatever speaks to a cluster, websockets included, has to come through `proxmox.connections`."""
    package = Path(pxm_tui.__file__).parent
    makers, dialers = set(), set()
    for path in package.rglob("*.py"):
        name = path.relative_to(package).as_posix()
        if name.startswith("simulator/"):
            continue
        called = {_last(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
        if called & {"SSLContext", "create_default_context", "_create_unverified_context", "wrap_socket"}:
            makers.add(name)
        if called & {"wrap_bio", "sock_connect", "open_connection", "create_connection"}:
            dialers.add(name)
    assert makers == set(TLS_MAKERS)
    assert dialers <= {"proxmox/streams.py", "proxmox/dialing.py"}


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
