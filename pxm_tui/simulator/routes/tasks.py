"""Tasks of a node and of the whole cluster (pve-manager, Tasks.pm and Cluster.pm)."""

from datetime import UTC, datetime

from pxm_tui.simulator.answers import Download
from pxm_tui.simulator.errors import parameter_error
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.tasks import Task, Upid

RECENT = 25
"""How many finished tasks of a node `GET /cluster/tasks` has at most."""
PAGE = 50


def list_cluster_tasks(call: Call) -> list[Entry]:
    """Answer `GET /cluster/tasks`.

    Without Sys.Audit on / the user of a task is compared with who asks, and the user of a token's task has no
    token in its name: a token sees nothing, not even its own tasks.
    """
    everything = call.may("/", "Sys.Audit")
    entries: list[Entry] = []
    for node in call.cluster.nodes.values():
        if call.cluster.figures_time(node, call.now) is None:
            continue
        running = call.cluster.tasks.running(node.name)
        recent = call.cluster.tasks.finished(node.name)[: max(0, RECENT - len(running))]
        for task in (*running, *recent):
            if everything or task.upid.user == call.authid:
                entries.append(_broadcast(task))
    return call.shuffled(entries)


def _broadcast(task: Task) -> Entry:
    """Describe a task as the nodes tell each other of it."""
    entry = _named(task)
    if task.status is None:
        return entry | {"pid": task.upid.pid}
    return entry | {"endtime": int(task.ended_at or 0), "status": task.status, "saved": "1"}


def _named(task: Task) -> Entry:
    upid = task.upid
    entry: Entry = {
        "upid": task.name,
        "node": upid.node,
        "type": upid.kind,
        "id": upid.subject,
        "user": upid.user,
        "starttime": upid.starttime,
    }
    if upid.token is not None:
        entry["tokenid"] = upid.token
    return entry


def list_tasks(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/tasks`: a page of the tasks that match, newest first."""
    source = call.text("source") or "archive"
    tasks: list[Task] = []
    if source in {"active", "all"}:
        tasks += call.cluster.tasks.running(call.node.name)
    if source in {"archive", "all"}:
        tasks += call.cluster.tasks.finished(call.node.name)
    auditor = call.may(f"/nodes/{call.node.name}", "Sys.Audit")
    found = [task for task in tasks if (auditor or _owns(call.authid, task.upid)) and _matches(call, task)]
    call.total = len(found)
    start, limit = call.number("start") or 0, call.number("limit")
    return [_listed(task) for task in found[start : start + (PAGE if limit is None else limit)]]


def _listed(task: Task) -> Entry:
    entry = _named(task) | {"pid": task.upid.pid, "pstart": task.upid.pstart}
    if task.status is not None:
        return entry | {"endtime": int(task.ended_at or 0), "status": task.status}
    # A task that runs is listed with the full name of the token that started it.
    entry.pop("tokenid", None)
    return entry | {"user": task.upid.authid, "status": "RUNNING", "saved": "0"}


def _matches(call: Call, task: Task) -> bool:
    upid, vmid = task.upid, call.text("vmid")
    user = (call.text("userfilter") or "").lower()
    since, until = call.number("since"), call.number("until")
    return (
        user in upid.authid.lower()
        and call.text("typefilter") in {None, upid.kind}
        and vmid in {None, upid.subject}
        and (since is None or upid.starttime >= since)
        and (until is None or upid.starttime <= until)
        and _has_status(call, task)
    )


def _has_status(call: Call, task: Task) -> bool:
    """Tell whether a task ended as asked for; `errors` overrides the list of statuses."""
    if call.number("errors"):
        return task.status is not None and task.status != "OK"
    wanted = {status.lower() for status in call.items("statusfilter")}
    return not wanted or task.status is None or _status_type(task.status) in wanted


def _status_type(status: str) -> str:
    if status == "OK":
        return "ok"
    if status.startswith("WARNINGS: "):
        return "warning"
    return "unknown" if status == "unexpected status" else "error"


def _owns(authid: str, upid: Upid) -> bool:
    """Tell whether a task is somebody's own: a user's tokens' tasks are, a token has none but its own."""
    return authid in {upid.authid, upid.user}


def show_index(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/tasks/{upid}`."""
    _parse(call)
    return [{"name": "log"}, {"name": "status"}]


def show_status(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/tasks/{upid}/status`."""
    _parse(call)
    task = call.cluster.tasks.find(call.node.name, call.place["upid"])
    if task is None:
        raise parameter_error({"upid": "no such task"})
    _require(call, task.upid, "Sys.Audit")
    entry = _named(task) | {"pid": task.upid.pid, "pstart": task.upid.pstart}
    if task.status is None:
        return entry | {"status": "running"}
    return entry | {"status": "stopped", "exitstatus": task.status}


def show_log(call: Call) -> list[Entry] | Download:
    """Answer `GET /nodes/{node}/tasks/{upid}/log`: lines from `start` on, or all of it as a text."""
    upid = _parse(call)
    _require(call, upid, "Sys.Audit")
    task = call.cluster.tasks.find(call.node.name, call.place["upid"])
    if call.number("download"):
        lines = [] if task is None else task.lines
        began = datetime.fromtimestamp(upid.starttime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Download(f"task-{upid.node}-{upid.kind}-{began}.log", "".join(f"{line}\n" for line in lines))
    if task is None:
        call.total = 1
        return [{"n": 1, "t": "unable to open file - No such file or directory"}]
    lines = task.lines or ["no content"]
    call.total = len(lines)
    start = call.number("start") or 0
    limit = call.number("limit")
    if limit is None or (limit == 0 and not call.release.at_least(8)):
        limit = PAGE
    end = start + limit if limit else len(lines)
    return [{"n": number, "t": line} for number, line in enumerate(lines, 1)][start:end]


def stop_task(call: Call) -> None:
    """Answer `DELETE /nodes/{node}/tasks/{upid}`."""
    upid = _parse(call)
    _require(call, upid, "Sys.Modify")
    task = call.cluster.tasks.find(call.node.name, call.place["upid"])
    if task is not None:
        call.cluster.tasks.stop(task, call.now)


def _parse(call: Call) -> Upid:
    try:
        return Upid.parse(call.place["upid"])
    except ValueError as error:
        raise parameter_error({"upid": str(error)}) from None


def _require(call: Call, upid: Upid, privilege: str) -> None:
    if not _owns(call.authid, upid):
        call.require(f"/nodes/{call.node.name}", [privilege])


TASK = "/nodes/{node}/tasks/{upid}"

ROUTES = (
    Route("GET", "/cluster/tasks", list_cluster_tasks),
    Route("GET", "/nodes/{node}/tasks", list_tasks),
    Route("GET", TASK, show_index),
    Route("GET", TASK + "/status", show_status),
    Route("GET", TASK + "/log", show_log),
    Route("DELETE", TASK, stop_task),
)
