"""The audit: who changed what, from where, with which result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Actor:
    """Who runs this program, and from where.

    Attributes:
        user: the account it runs as.
        host: this machine's name.
        tty: the terminal, such as `pts/3`; empty without one.
        ssh: the address that the person's ssh session came from; empty without one.
        login: who logged in to this machine, where that is another account (sudo, su).
    """

    user: str
    host: str
    tty: str = ""
    ssh: str = ""
    login: str = ""

    def words(self) -> str:
        """Such as `root (anna) from 10.1.2.3, pts/3 on jump1`."""
        who = f"{self.user} ({self.login})" if self.login else self.user
        came = f" from {self.ssh}," if self.ssh else ""
        return f"{who}{came} {self.tty or 'no terminal'} on {self.host}"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that the program made.

    Attributes:
        at: when, as in records: `2026-11-22T10:30:00Z`.
        actor: who, and from where.
        action: what, such as `register`.
        result: `done`, or how it failed.
        cluster_id: which cluster; empty for the program itself.
        cluster_name: its name at that time.
        upid: the task on the cluster, where there is one.
        facts: what else is known, in the order in which it was given; never a secret.
        number: its place in the audit, from 1; 0 before it was written.
        sound: it is as it was written.
    """

    at: str
    actor: Actor
    action: str
    result: str
    cluster_id: str = ""
    cluster_name: str = ""
    upid: str = ""
    facts: tuple[tuple[str, str | int], ...] = ()
    number: int = 0
    sound: bool = True

    def words(self) -> str:
        """What happened, on one line."""
        facts = "".join(f", {name} {value}" for name, value in self.facts if value)
        task = f", task {self.upid}" if self.upid else ""
        damaged = "" if self.sound else "! damaged: "
        return f"{damaged}{self.action}: {self.result}{facts}{task}"

    def to_json(self) -> dict[str, Any]:
        """The entry as it is stored and printed."""
        actor = self.actor
        return {
            "number": self.number,
            "time": self.at,
            "user": actor.user,
            "from": {"host": actor.host, "tty": actor.tty, "ssh": actor.ssh, "login": actor.login},
            "cluster": {"id": self.cluster_id, "name": self.cluster_name} if self.cluster_id else None,
            "action": self.action,
            "result": self.result,
            "upid": self.upid or None,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class AuditBreak:
    """The first line of the audit that is not as it was written.

    Attributes:
        file: the file's name.
        line: the line in that file, from 1.
        why: what is wrong with it.
    """

    file: str
    line: int
    why: str

    def words(self) -> str:
        """Where, and what."""
        return f"{self.file}, line {self.line}: {self.why}."


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """Whether the audit is as it was written.

    Attributes:
        lines: how many were looked at.
        broken: the first that is damaged; None where all are intact.
    """

    lines: int
    broken: AuditBreak | None = None

    def words(self) -> str:
        """In one sentence."""
        if self.broken is not None:
            return f"The audit is broken. {self.broken.words()}"
        return f"The audit is intact, {self.lines} lines." if self.lines else "Nothing has been audited yet."

    def to_json(self) -> dict[str, Any]:
        """As `pxm audit verify --json` prints it."""
        broken = self.broken
        return {
            "intact": broken is None,
            "lines": self.lines,
            "broken": {"file": broken.file, "line": broken.line, "why": broken.why} if broken else None,
        }
