"""Reads recorded exchanges, and asks again what was asked then with the credentials of another cluster."""

import re
import shlex
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import quote, unquote

from pxm_tui.simulator.accounts import Token
from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.tasks import Task, TaskError, Upid, Work
from pxm_tui.simulator.totp import totp
from tests.simulator.recordings import RECORDINGS, add_tokens
from tests.simulator.wire import Reply

BAD_CSRF = {"csrf-expired", "post-bad-csrf", "post-csrf-of-other-user"}
"""Exchanges whose CSRF token is meant to be refused."""
RUNS = re.compile("running|stop|via-other-node")
"""Exchanges that ask for a task while it runs."""


@dataclass(frozen=True)
class Recording:
    """One exchange as it was recorded."""

    release: str
    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    reply: Reply


NO_REPLY = Reply(0, "", [], b"")
"""What came where the connection was cut."""


def read(release: str, name: str) -> Recording:
    text = (RECORDINGS / release / f"{name}.txt").read_text(errors="replace").replace("\r", "")
    head, _, rest = text.partition("# --- request ---\n")
    asked, _, came = rest.partition("# --- response")
    first, *lines = asked.strip("\n").split("\n")
    method, path, _ = first.split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Recording(release, name, method, path, headers, body_of(head.split("\n")[1]), reply_of(came))


def body_of(command: str) -> bytes | None:
    """Put the body together as curl did."""
    plain = re.sub(r"\$('[^']*')", lambda match: match.group(1).replace("\\n", "\n"), command)
    words = shlex.split(plain.removeprefix("# "))
    parts = []
    for flag, value in pairwise(words):
        if flag in {"-d", "--data"}:
            parts.append(value)
        elif flag == "--data-urlencode":
            name, _, content = value.partition("=")
            parts.append(f"{name}={quote(content, safe='')}")
    return "&".join(parts).encode() if parts else None


def reply_of(text: str) -> Reply:
    head, _, body = text.partition("\n")[2].partition("\n\n")
    status_line, *lines = head.split("\n")
    if not status_line:
        return NO_REPLY
    _, status, reason = status_line.split(" ", 2)
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return Reply(int(status), reason, headers, body.strip("\n").encode())


def give_tokens(cluster: SimulatedCluster, recording: Recording) -> None:
    """Make the tokens of the recordings, with the secret that the request carries where it is a good one."""
    given = unquote(recording.headers.get("Authorization", "")).rpartition("=")[2].strip()
    secret = "another" if recording.name in {"token-wrong-secret"} else given
    add_tokens(cluster, secret)
    if recording.name in {"token-get", "token-list", "token-create-dup", "token-regen"}:
        tokens = cluster.state.accounts.users["admin@pve"].tokens
        tokens["tmp"] = Token("tmp", secret, privsep=False, comment="tmp")


def freshen(clock: ManualClock, cluster: SimulatedCluster, recording: Recording) -> Recording:
    """Put tickets and codes of this cluster in the place of the recorded ones."""
    tickets = cluster.state.tickets
    headers, body = dict(recording.headers), recording.body
    half = tickets.issue_half("totp@pve", {"totp": True, "recovery": list(range(10))}, clock())

    def fresh(match: re.Match[str]) -> str:
        recorded = unquote(match.group(0))
        user = recorded.split(":")[1]
        if recording.name in {"ticket-garbage", "token-and-cookie-bad", "ticket-tampered"}:
            return match.group(0)
        if user.startswith("!tfa!"):
            return quote(half, safe="")
        if user.startswith("tfa!"):
            return quote(tickets.issue_old_half(user.removeprefix("tfa!"), clock()), safe="")
        age = 7300 if recording.name == "ticket-expired" else 0
        return quote(tickets.issue(user, clock() - age), safe="")

    for name in ("Cookie", "Authorization"):
        if name in headers:
            headers[name] = re.sub(r"PVE(:|%3A)[^;\s]*", fresh, headers[name])
    if "CSRFPreventionToken" in headers and recording.name not in BAD_CSRF:
        headers["CSRFPreventionToken"] = tickets.issue_csrf(user_of(recording), clock())
    if body is not None:
        body = freshen_body(clock, cluster, recording, body, half)
        headers.pop("Content-Length", None)
    elif "Content-Length" in headers:
        body = b"-" * int(headers["Content-Length"])
    return replace(recording, path=freshen_task(clock, cluster, recording), headers=headers, body=body)


def user_of(recording: Recording) -> str:
    """Read the user out of the recorded ticket."""
    ticket = unquote(recording.headers.get("Cookie", ""))
    return ticket.split(":")[1].removeprefix("tfa!")


def freshen_task(clock: ManualClock, cluster: SimulatedCluster, recording: Recording) -> str:
    """Run a task like the one in the recorded path and put its name in there."""
    try:
        upid = Upid.parse(unquote(re.search(r"UPID[^/]*", recording.path).group()))  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        return recording.path
    if recording.reply.status >= 400 and "foreign" not in recording.name:
        return recording.path
    state = cluster.state

    def work(task: Task) -> Work:
        task.say(*(f"line {number}" for number in range(1, 6)))
        yield 5.0
        if "aborted" in recording.name:
            raise TaskError("received interrupt")

    node = state.nodes[upid.node]
    task = state.tasks.start(node, work, clock(), kind=upid.kind, subject=upid.subject, authid=upid.authid)
    if not RUNS.search(recording.name):
        clock.advance(30)
    raw = "UPID:" in recording.path
    return re.sub(r"UPID[^/]*", task.name if raw else quote(task.name, safe=""), recording.path)


def freshen_body(clock: ManualClock, cluster: SimulatedCluster, recording: Recording, body: bytes, half: str) -> bytes:
    text = body.decode().replace("local-data", "local-lvm")
    code = totp(cluster.totp_secret, clock())
    if recording.name == "ticket-renew":
        ticket = quote(cluster.state.tickets.issue("admin@pve", clock()), safe="")
        text = re.sub(r"password=.*", f"password={ticket}", text)
    if "tfa-challenge=PVE" in text:
        text = re.sub(r"tfa-challenge=[^&]*", f"tfa-challenge={quote(half, safe='')}", text)
    if recording.name in {"tfa-ok", "tfa64-finish"}:
        text = re.sub(r"(totp:|response=)\d{6}", rf"\g<1>{code}", text)
    if recording.name == "tfa-recovery-ok":
        text = re.sub(r"recovery:[\w-]+", f"recovery:{cluster.credentials.totp_recovery_keys[0]}", text)
    return text.encode()
