"""Completion scripts for shells: words only, nothing is contacted; names of clusters come from `pxm list`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pxm_tui.cli.grammar import COMMANDS, COMPLETION_NAMES, GLOBAL, OPTIONS
from pxm_tui.cli.topics import TOPICS

CLUSTERS = {"NAME|ID", "NAME|ID…"}
"""Arguments that take a registered cluster."""
PATHS = ("--ca-file", "--data-dir")
"""Options that take a path."""
NAMES = f"pxm completion {COMPLETION_NAMES} 2>/dev/null"
"""Prints the names of the registered clusters, one a line."""


def _flags(arguments: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The options among a command's arguments, by what is typed."""
    keys = [key for key in dict.fromkeys((*arguments, "--data-dir")) if key.startswith("-")]
    return {OPTIONS[key].get("name", key): OPTIONS[key] for key in keys}


def _takes_value(option: dict[str, Any]) -> bool:
    return option.get("action") != "store_true"


def _words(name: str, arguments: tuple[str, ...]) -> list[str]:
    """What may stand as an argument of a command besides options."""
    if name == "help":
        return [*TOPICS, *(command for command in _commands() if command not in TOPICS)]
    return [word for key in arguments if not key.startswith("-") for word in OPTIONS[key].get("choices", ())]


def _commands() -> list[str]:
    return [name for name, *_ in COMMANDS]


def _cases(line: Callable[[str, list[str], str], str]) -> list[str]:
    """One line a command: its name, the words that it takes, and what else: `names`, `files` or nothing."""
    found = []
    for name, _, _, _, arguments in COMMANDS:
        more = "names" if CLUSTERS & set(arguments) else "files" if "FILE" in arguments else ""
        found.append(line(name, [*_flags(arguments), *_words(name, arguments)], more))
    return found


def _values() -> tuple[dict[str, list[str]], list[str]]:
    """Options that take one of a few words, with the words; and those that take something else, paths aside."""
    chosen: dict[str, list[str]] = {}
    free: list[str] = []
    for *_, arguments in COMMANDS:
        for flag, option in _flags(arguments).items():
            if "choices" in option:
                chosen[flag] = list(dict.fromkeys((*chosen.get(flag, ()), *option["choices"])))
            elif _takes_value(option) and flag not in PATHS:
                free.append(flag)
    return chosen, sorted(set(free))


def bash() -> str:
    """The script for bash."""
    chosen, free = _values()
    return f"""\
# bash completion for pxm
_pxm() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
  local command="" words="" more="" word
  COMPREPLY=()
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in {"|".join(_commands())}) command="$word"; break ;; esac
  done
  case "$previous" in
{_lines(_bash_choice(flag, words) for flag, words in chosen.items())}
    {"|".join(PATHS)}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    {"|".join(free)}) return ;;
  esac
  case "$command" in
{_lines(_cases(lambda name, words, more: f'    {name}) words="{" ".join(words)}" more="{more}" ;;'))}
    *) words="{" ".join((*_commands(), *GLOBAL, "--help", "--version"))}" ;;
  esac
  mapfile -t COMPREPLY < <(
    compgen -W "$words" -- "$current"
    case "$more" in
      names) IFS=$'\\n' compgen -W "$({NAMES})" -- "$current" | sed "s/[^A-Za-z0-9._-]/\\\\\\\\&/g" ;;
      files) compgen -f -- "$current" ;;
    esac
  )
}}
complete -o filenames -F _pxm pxm pxm-tui
"""


def _bash_choice(flag: str, words: list[str]) -> str:
    return f'    {flag}) mapfile -t COMPREPLY < <(compgen -W "{" ".join(words)}" -- "$current"); return ;;'


def zsh() -> str:
    """The script for zsh."""
    chosen, free = _values()
    return f"""\
#compdef pxm pxm-tui
local command="" word
for word in "${{(@)words[2,CURRENT-1]}}"; do
  case "$word" in ({"|".join(_commands())}) command="$word"; break ;; esac
done
case "${{words[CURRENT-1]}}" in
{_lines(f"  ({flag}) compadd -- {' '.join(words)}; return ;;" for flag, words in chosen.items())}
  ({"|".join(PATHS)}) _files; return ;;
  ({"|".join(free)}) return ;;
esac
case "$command" in
{_lines(_cases(_zsh_case))}
  (*) compadd -- {" ".join((*_commands(), *GLOBAL, "--help", "--version"))} ;;
esac
"""


def _zsh_case(name: str, words: list[str], more: str) -> str:
    others = {"names": f'; compadd -- "${{(@f)$({NAMES})}}"', "files": "; _files"}
    return f"  ({name}) compadd -- {' '.join(words)}{others.get(more, '')} ;;"


def fish() -> str:
    """The script for fish."""
    lines = ["# fish completion for pxm", "complete -c pxm -f", "complete -c pxm-tui -w pxm"]
    lines += [_fish_option("__fish_use_subcommand", name, OPTIONS[name]) for name in GLOBAL]
    for name, _, summary, _, arguments in COMMANDS:
        lines.append(f"complete -c pxm -n __fish_use_subcommand -a {name} -d {_quoted(summary)}")
        here = _quoted(f"__fish_seen_subcommand_from {name}")
        lines += [_fish_option(here, flag, option) for flag, option in _flags(arguments).items()]
        if CLUSTERS & set(arguments):
            lines.append(f"complete -c pxm -n {here} -a {_quoted(f'({NAMES})')}")
        if "FILE" in arguments:
            lines.append(f"complete -c pxm -n {here} -F")
        if words := _words(name, arguments):
            lines.append(f"complete -c pxm -n {here} -a {_quoted(' '.join(words))}")
    return "\n".join(lines) + "\n"


def _fish_option(condition: str, flag: str, option: dict[str, Any]) -> str:
    value = ""
    if _takes_value(option):
        value = " -r -F" if flag in PATHS else f" -x -a {_quoted(' '.join(option.get('choices', ())))}"
    return f"complete -c pxm -n {condition} -l {flag.removeprefix('--')}{value} -d {_quoted(option['help'])}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


SCRIPTS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""By the name of the shell."""
