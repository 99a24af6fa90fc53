"""The pictures in the README show the program as it is."""

import subprocess
import sys
from pathlib import Path

from tests.screenshots import DIRECTORY


def test_the_pictures_are_current(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tests.screenshots", str(tmp_path)], check=True, cwd=DIRECTORY.parent)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.svg")}
    kept = {path.name: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.svg")}
    assert made.keys() == kept.keys()
    stale = [name for name in made if made[name] != kept[name]]
    assert not stale, "look at them, then: python -m tests.screenshots"
