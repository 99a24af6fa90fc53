"""The files to run `pxm serve` as a service: what they call exists, and systemd understands its unit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pxm_tui.cli.commands.serve import _limits, _place
from pxm_tui.cli.parser import parse

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "pxm_tui" / "deploy"
UNIT = (DEPLOY / "pxm.service").read_text(encoding="utf-8")
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


def understood(words: list[str]) -> dict[str, object]:
    arguments = parse(words)
    assert arguments is not None
    _limits(arguments)
    return _place(arguments)


def test_what_the_unit_starts_is_understood() -> None:
    command = re.findall(r"^ExecStart=/opt/pxm/bin/pxm (.*)$", UNIT, re.MULTILINE)
    assert understood(command[0].split()) == {"host": "127.0.0.1", "port": 8080, "behind_proxy": False}


def test_what_the_container_starts_is_understood() -> None:
    command = json.loads(re.findall(r"^CMD (.*)$", CONTAINER, re.MULTILINE)[-1])
    assert understood(command) == {"host": "0.0.0.0", "port": 8080, "behind_proxy": True}


def test_the_container_is_made_of_what_is_in_the_repository() -> None:
    copied = [
        words for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINER, re.MULTILINE) for words in [line.split()[:-1]]
    ]
    assert copied
    for name in (name for words in copied for name in words):
        assert (ROOT / name).exists(), name
    assert not re.search(r"^ADD |https?://(?!127\.0\.0\.1)", CONTAINER, re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "pxm.service"
    unit.write_text(UNIT.replace("/opt/pxm/bin/pxm", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
