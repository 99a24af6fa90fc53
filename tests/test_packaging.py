"""What is installed: the lower bounds that are tested are those that are promised."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_lowest_versions_are_the_lower_bounds() -> None:
    bounds = [re.match(r"([\w-]+)>=([\d.]+)", line) for line in PROJECT["project"]["dependencies"]]
    promised = {found[1]: found[2] for found in bounds if found}
    lines = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    assert dict(line.split("==") for line in lines if not line.startswith("#")) == promised


def test_the_manual_page_is_installed() -> None:
    build = PROJECT["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["shared-data"] == {"pxm_tui/deploy/pxm.1": "share/man/man1/pxm.1"}
    assert (ROOT / "pxm_tui" / "deploy" / "pxm.1").is_file()


def test_every_package_says_what_belongs_in_it() -> None:
    for path in (ROOT / "pxm_tui").rglob("__init__.py"):
        assert path.read_text(encoding="utf-8").startswith('"""'), path


def test_what_is_no_python_is_shipped_too() -> None:
    others = {path.suffix for path in (ROOT / "pxm_tui").rglob("*") if path.is_file()} - {".py", ".pyc"}
    assert others <= {".tcss", ".json", ".typed", ".service", ".1", ""}, (
        "the wheel takes all of pxm_tui; say here what is new"
    )
