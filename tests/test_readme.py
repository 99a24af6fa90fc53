"""The README is true: what it generates is current, its commands are there, its pictures exist."""

import re

import pytest

from tests.attacks import ATTACKS
from tests.readme import MANUAL, README, command, manual, rendered

TEXT = README.read_text(encoding="utf-8")


def test_generated_parts_are_current() -> None:
    assert rendered(TEXT) == TEXT, "run: python -m tests.readme write"


def test_the_manual_page_is_current() -> None:
    assert manual() == MANUAL.read_text(encoding="utf-8"), "run: python -m tests.readme write"


def test_its_two_commands_are_one_line_each() -> None:
    for name in ("demo", "tests"):
        assert "\n" not in command(name)
        assert "-m venv" in command(name)


def test_its_pictures_exist() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT)
    assert pictures
    for picture in pictures:
        assert (README.parent / picture).is_file(), picture


def test_its_links_inside_the_project_exist() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", TEXT):
        assert (README.parent / target).exists(), target


@pytest.mark.parametrize("test", sorted({test for _, _, tests in ATTACKS for test in tests}))
def test_what_shows_an_attack_is_a_test(test: str) -> None:
    file, _, name = test.partition("::")
    text = (README.parent / file).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE)
