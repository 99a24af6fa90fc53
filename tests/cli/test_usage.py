"""Wrong usage: exit status 2, in words or in JSON, and nothing repeated that could be a secret."""

from __future__ import annotations

import pytest

from pxm_tui import __version__
from pxm_tui.cli.grammar import COMMANDS, SECRET_OPTIONS, cli_help_table
from tests.cli.conftest import Pxm

SECRET = "hunter2-of-the-command-line"


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(pxm: Pxm, option: str) -> None:
    done = pxm(option)
    assert (done.status, done.out, done.err) == (0, f"pxm {__version__}\n", "")


def test_help_names_every_command(pxm: Pxm) -> None:
    done = pxm("--help")
    assert done.status == 0
    assert done.err == ""
    assert all(f"    {command[0]} " in done.out for command in COMMANDS)
    assert max(len(line) for line in done.out.splitlines()) <= 79


@pytest.mark.parametrize("command", [command[0] for command in COMMANDS])
def test_every_command_has_help(pxm: Pxm, command: str) -> None:
    done = pxm(command, "--help")
    assert done.status == 0
    assert done.out.startswith(f"usage: pxm {command}")
    assert max(len(line) for line in done.out.splitlines()) <= 79


def test_help_says_how_to_register_many(pxm: Pxm) -> None:
    shown = pxm("register", "--help").out
    assert "  while read -r name url id secret sha256; do\n    printf '%s\\n' \"$secret\" | pxm register" in shown
    assert shown.index("Check a cluster live") < shown.index("done < clusters.txt\n") < shown.index("positional")


def test_every_option_of_register_does_something(pxm: Pxm) -> None:
    assert "changes nothing yet" not in " ".join(pxm("register", "--help").out.split())


def test_the_table_for_the_documentation_has_every_command() -> None:
    rows = cli_help_table()
    assert list(dict.fromkeys(usage.split()[1] for usage, _ in rows[1:])) == [command[0] for command in COMMANDS]
    assert ("pxm demo --serve [OPTION…]", dict(rows)["pxm demo --serve [OPTION…]"]) in rows
    assert all(help_text.endswith(".") or ";" in help_text for _, help_text in rows)


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["register", "only-a-name"],
        ["register", "a", "b", "c", "--user", "root@pam"],
        ["list", "--bogus"],
        ["list", "surplus"],
        ["show"],
        ["deregister"],
        ["register", "a", "pve1"],
        ["register", "a", "pve1", "--user", "root@pam", "--token-id", "root@pam!x"],
        ["register", "a", "pve1", "--user", "root@pam", "--otp-stdin"],
        ["register", "a", "pve1", "--token-id", "root@pam!x", "--token-secret-stdin", "--otp-stdin"],
        ["--refresh"],
        ["demo", "--serve", "--clusters", "many"],
        ["demo", "--serve", "--clusters", "-1"],
        ["demo", "--serve", "--bogus"],
        ["demo", "--bogus"],
    ],
)
def test_wrong_usage(pxm: Pxm, arguments: list[str]) -> None:
    done = pxm(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith("pxm: ")
    assert "Traceback" not in done.err
    said = pxm(*arguments, "--json")
    assert said.status == 2
    assert said.err == ""
    assert said.json["error"]["code"] == "invalid"
    assert said.json["error"]["cause"] == "usage"
    assert said.json["error"]["message"]


def test_an_option_of_the_fleet_says_what_it_lacks(pxm: Pxm) -> None:
    assert pxm("demo", "--scenario", "x.toml").err.startswith("pxm: Unknown option --scenario without --serve.\n")
    assert "--scenario FILE" in pxm("demo", "--help").out


@pytest.mark.parametrize("option", sorted(SECRET_OPTIONS))
@pytest.mark.parametrize("glue", [" ", "="])
def test_a_secret_is_never_taken_from_the_command_line(pxm: Pxm, option: str, glue: str) -> None:
    words = f"register a pve1 --user root@pam {option}{glue}{SECRET}".split()
    done = pxm(*words)
    assert done.status == 2
    assert option in done.err
    assert "stdin" in done.err or "PXM_VAULT_PASSPHRASE_FILE" in done.err
    assert SECRET not in done.out + done.err
    said = pxm(*words, "--json")
    assert said.status == 2
    assert SECRET not in said.out + said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["register", "a", "pve1", "--user", "root@pam", f"--password-stdin={SECRET}"],
        ["register", "a", "pve1", SECRET],
        ["register", "a", "pve1", f"-p{SECRET}"],
        ["register", "a", "pve1", f"--{SECRET}"],
        ["register", "a", f"root:{SECRET}@pve1", "--user", "root@pam", "--password-stdin"],
        ["register", "a", "pve1", "--token-id", f"root@pam!x={SECRET}", "--token-secret-stdin"],
    ],
)
def test_what_could_be_a_secret_is_not_repeated(pxm: Pxm, arguments: list[str]) -> None:
    for more in ([], ["--json"]):
        done = pxm(*arguments, *more, stdin="x\n")
        assert done.status == 2
        assert SECRET not in done.out + done.err


def test_abbreviations_are_no_options(pxm: Pxm) -> None:
    assert pxm("list", "--js").status == 2
    assert pxm("register", "a", "pve1", "--user", "root@pam", "--password-std").status == 2


def test_the_data_directory_may_stand_before_or_after_the_command(pxm: Pxm, tmp_path: object) -> None:
    assert pxm("--data-dir", f"{tmp_path}/one", "list", "--json").json == {"clusters": [], "total": 0}
    assert pxm("list", "--json", "--data-dir", f"{tmp_path}/two").json == {"clusters": [], "total": 0}


@pytest.mark.parametrize("arguments", [[], ["demo"], ["--ascii", "--refresh", "off"]])
def test_the_terminal_ui_needs_a_terminal(pxm: Pxm, arguments: list[str]) -> None:
    done = pxm(*arguments)
    assert done.status == 2
    assert done.err.startswith("pxm: no terminal here. Use a command: pxm ")
    assert ("--serve" in done.err) == (arguments == ["demo"])
