"""`pxm help`, the manual page and the completion scripts: all from the same commands, options and topics."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pxm_tui.cli.completion import SCRIPTS
from pxm_tui.cli.configuration import KEYS
from pxm_tui.cli.grammar import COMMANDS, OPTIONS
from pxm_tui.cli.manual import manual_page
from pxm_tui.cli.topics import TOPICS
from pxm_tui.domain.errors import EXIT_STATUS
from pxm_tui.settings_file import SettingsFile
from tests.cli.conftest import Pxm

NAMES = [name for name, *_ in COMMANDS]


def test_without_a_topic_all_are_listed(pxm: Pxm) -> None:
    done = pxm("help")
    assert done.status == 0
    listed = [line.split()[0] for line in done.out.splitlines() if line.startswith("  ") and line[2] != " "]
    assert listed == [*TOPICS, *NAMES]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic(pxm: Pxm, topic: str) -> None:
    done = pxm("help", topic.upper())
    assert (done.status, done.err) == (0, "")
    title, text = TOPICS[topic]
    assert done.out.startswith(f"{title}\n\n{text}\n")
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("command", [name for name in NAMES if name not in TOPICS])
def test_a_command_is_explained_as_by_its_own_help(pxm: Pxm, command: str) -> None:
    assert pxm("help", command).out == pxm(command, "--help").out != ""


def test_a_topic_that_there_is_not(pxm: Pxm) -> None:
    done = pxm("help", "hunted-secret")
    assert done.status == 2
    assert "hunted-secret" not in done.err
    assert all(topic in done.err for topic in TOPICS)


def test_every_exit_status_is_explained(pxm: Pxm) -> None:
    lines = pxm("help", "exit").out.splitlines()
    for code, number in EXIT_STATUS.items():
        assert any(line.split()[:2] == [str(number), str(code)] and len(line.split()) > 2 for line in lines)


def test_the_manual_page_has_every_command_and_topic(pxm: Pxm) -> None:
    done = pxm("help", "--man")
    assert (done.status, done.out) == (0, manual_page())
    for name in NAMES:
        assert f".SS pxm {name}\n" in done.out
    for title, _ in TOPICS.values():
        assert f".SH {title.upper()}".replace("-", "\\-") in done.out


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_manual_page_is_sound_roff() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-z"], input=manual_page(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_script_has_every_command_and_option(pxm: Pxm, shell: str) -> None:
    script = pxm("completion", shell).out
    for name, _, _, _, arguments in COMMANDS:
        assert name in script
        for key in arguments:
            flag = OPTIONS[key].get("name", key)
            assert not flag.startswith("--") or flag.removeprefix("--") in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("pxm ex", ["export"]),
        ("pxm check --na", ["--nagios"]),
        ("pxm export --format ", ["csv", "json", "pdm", "proxxx", "pvetui", "yaml"]),
        ("pxm completion ", ["--data-dir", "bash", "fish", "zsh"]),
        ("pxm show al", ["alone"]),
        ("pxm help mon", ["monitoring"]),
        ("pxm import READ", ["README.md"]),
        ("pxm register --ca-file READ", ["README.md"]),
        ("pxm list --user ", []),
    ],
)
def test_bash_completes(typed: str, expected: list[str], pxm: Pxm, registered: Path, tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(pxm("completion", "bash").out)
    (tmp_path / "README.md").touch()
    words = " ".join(f"'{word}'" for word in typed.split(" "))
    code = (
        f"source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        '_pxm; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", f'pxm() {{ "{sys.executable}" -m pxm_tui "$@"; }}; {code}'],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert (sorted(done.stdout.split()), done.stderr) == (expected, "")


def test_the_names_of_the_clusters(pxm: Pxm, registered: Path) -> None:
    assert pxm("completion", "names").out.splitlines() == ["alone", "old-timer"]


def test_every_key_of_the_configuration_is_explained() -> None:
    explained = [key for keys, _, _ in KEYS for key in keys.split(", ")]
    assert sorted(explained) == sorted(SettingsFile.model_fields)


def test_a_shell_without_a_script_is_told_which_there_are_and_nothing_hidden(pxm: Pxm) -> None:
    done = pxm("completion", "tcsh")
    assert done.status == 2
    assert "choose from 'bash', 'zsh', 'fish'" in done.err
    assert "names" not in done.err
    assert "names" not in pxm("completion", "--help").out
