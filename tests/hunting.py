"""The hunt for secrets: which they are, in which spellings, and where they may have gone."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from tests.fleet_fixtures import FleetFactory

PASSWORD = "hunted-Pass+word=&;1"
WRONG = "hunted-Wrong+word=&;2"
PASSPHRASE = "hunted Pass phrase 3"
NEW_PASSPHRASE = "hunted New phrase 4"
TICKET_MARKS = ("PVEAuthCookie", "PVE:root@pam:", "PVE:!tfa!", "PVEAPIToken=")


@dataclass
class Hunt:
    """Where secrets may have gone, and which they are."""

    folder: Path
    cluster: SimulatedCluster
    texts: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> list[str]:
        """All that were used."""
        credentials = self.cluster.credentials
        made = [token.secret for user in self.cluster.state.accounts.users.values() for token in user.tokens.values()]
        return [
            *made,
            PASSWORD,
            WRONG,
            PASSPHRASE,
            NEW_PASSPHRASE,
            self.cluster.token_secret,
            self.cluster.totp_password,
            *credentials.totp_recovery_keys,
        ]

    def needles(self) -> Iterator[bytes]:
        """The secrets in every spelling, and marks of tickets."""
        for secret in self.secrets:
            plain = secret.encode()
            yield from {plain, quote(secret, safe="").encode(), plain.hex().encode(), base64.b64encode(plain)[:-4]}
        yield from (mark.encode() for mark in TICKET_MARKS)

    def haystack(self) -> Iterator[tuple[str, bytes]]:
        """Everything that was left: files, outputs, pictures."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != "passphrase":
                yield str(path), path.read_bytes()
        for number, text in enumerate(self.texts):
            yield f"text {number}", text.encode()

    def look_at_process(self, number: int) -> None:
        """Take in what others can see of a running process, and insist that it leaves no core."""
        for name in ("cmdline", "environ", "comm", "status"):
            self.texts.append(Path(f"/proc/{number}/{name}").read_bytes().decode(errors="replace"))
        limits = Path(f"/proc/{number}/limits").read_text(encoding="utf-8")
        (cores,) = [line.split() for line in limits.splitlines() if line.startswith("Max core file size")]
        assert cores[4:6] == ["0", "0"], "a crash would write the memory to a file"

    def look_at_terminal(self, output: bytes) -> None:
        """Take in all that was written to a terminal, with what went to its clipboard."""
        self.texts.append(output.decode(errors="replace"))
        self.texts.append(re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", output).decode(errors="replace"))
        copied = re.findall(rb"\x1b\]52;[a-z]*;([A-Za-z0-9+/=]*)", output)
        self.texts += [base64.b64decode(part).decode(errors="replace") for part in copied]

    def found(self) -> list[tuple[str, bytes]]:
        """The leaks."""
        needles = list(self.needles())
        return [(where, needle) for where, content in self.haystack() for needle in needles if needle in content]


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """The log of the program takes the place of pytest's; give it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def hunt(tmp_path: Path, fresh_fleet: FleetFactory, logging_as_before: None) -> Hunt:
    """A cluster whose secrets no other test has, and a place to look at."""
    fleet = fresh_fleet(ClusterOptions("hunted", nodes=2, guests=4, password=PASSWORD))
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    passphrase.chmod(0o600)
    return Hunt(tmp_path, fleet.clusters[0])
