"""UPIDs, lists of tasks, their logs, and stopping them."""

import pytest

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.inventory import Node, make_node
from pxm_tui.simulator.tasks import Task, TaskError, Tasks, Trouble, Upid, Work
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import NOW, VERSIONS, start_api
from tests.simulator.wire import ask, form, login, session_headers

UPID = "UPID:pve1:000073F1:0004345E:6B036C3B:qmcreate:120:root@pam!ci:"


@pytest.fixture
def tasks() -> tuple[Tasks, Node]:
    node = make_node("seed", "pve1", 1, "127.0.0.1", NOW)
    return Tasks({"pve1": node}, seeded("numbers"), lambda _node: []), node


def begin(tasks: tuple[Tasks, Node], body: object, kind: str = "qmstart", subject: object = 100) -> Task:
    engine, node = tasks
    return engine.start(node, body, NOW, kind=kind, subject=subject, authid="root@pam!ci")  # type: ignore[arg-type]


def test_upid_is_written_and_read() -> None:
    upid = Upid.parse(UPID)
    assert str(upid) == UPID
    assert (upid.node, upid.pid, upid.pstart, upid.starttime) == ("pve1", 29681, 275550, 1795386427)
    assert (upid.kind, upid.subject, upid.user, upid.token) == ("qmcreate", "120", "root@pam", "ci")
    assert Upid.parse("UPID:pve1:00000001:0123456789:00000001:vzdump::root@pam:".replace("0123456789", "012345678"))


@pytest.mark.parametrize("text", ["UPID:foo", UPID[:-1], UPID.replace("qmcreate", ""), "x" + UPID, UPID + "\n"])
def test_what_is_no_upid(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse worker upid"):
        Upid.parse(text)


def test_a_body_sees_the_moments_of_its_steps(tasks: tuple[Tasks, Node]) -> None:
    seen: list[float] = []

    def body(task: Task) -> Work:
        for _ in range(3):
            seen.append(task.now - NOW)
            task.say("a line")
            yield 2.0

    task = begin(tasks, body)
    assert seen == [0.0]
    tasks[0].catch_up(NOW + 100)
    assert seen == [0.0, 2.0, 4.0]
    assert task.status == "OK"
    assert task.ended_at == NOW + 6
    assert task.lines == ["a line", "a line", "a line", "TASK OK"]


def test_failure_warnings_and_interruption(tasks: tuple[Tasks, Node]) -> None:
    engine, _ = tasks
    released: list[str] = []

    def failing(task: Task) -> Work:
        task.at_the_end(lambda: released.append("failing"))
        yield 1.0
        raise TaskError("VM 100 already running")

    def careless(task: Task) -> Work:
        task.warn("something")
        yield 1.0

    def endless(task: Task) -> Work:
        task.at_the_end(lambda: released.append("endless"))
        while True:
            yield 1.0

    failed, warned, running = (begin(tasks, body) for body in (failing, careless, endless))
    engine.catch_up(NOW + 50)
    assert failed.lines == ["TASK ERROR: VM 100 already running"]
    assert warned.status == "WARNINGS: 1"
    assert warned.lines == ["WARN: something", "TASK WARNINGS: 1"]
    assert warned.succeeded
    assert running.running
    engine.stop(running, NOW + 51)
    engine.catch_up(NOW + 99)
    assert running.lines == ["TASK ERROR: received interrupt"]
    assert released == ["failing", "endless"]
    assert engine.running("pve1") == []
    assert engine.finished("pve1") == [running, warned, failed]


def test_a_task_waits_for_another(tasks: tuple[Tasks, Node]) -> None:
    engine, _ = tasks

    def short(_task: Task) -> Work:
        yield 3.0

    inner: list[Task] = []

    def outer(task: Task) -> Work:
        inner.append(begin(tasks, short))
        yield inner[0]
        task.say(f"{inner[0].status} after {task.now - NOW:.0f}")
        yield inner[0]

    task = begin(tasks, outer)
    engine.catch_up(NOW + 10)
    assert task.lines == ["OK after 3", "TASK OK"]


def test_a_node_that_goes_down_takes_its_tasks_along(tasks: tuple[Tasks, Node]) -> None:
    def body(_task: Task) -> Work:
        yield 3.0

    task = begin(tasks, body)
    tasks[1].offline_since = NOW + 1
    tasks[0].catch_up(NOW + 10)
    assert task.status == "unexpected status"


def test_tasks_that_go_wrong(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    troubles = api.cluster.state.tasks.troubles
    troubles.append(Trouble("qmstart", "start failed: QEMU exited with code 1"))
    assert api.do(api.path(103) + "/status/start") == "start failed: QEMU exited with code 1"
    assert api.do(api.path(103) + "/status/start") == "OK"
    troubles.append(Trouble("qmshutdown", None, subject="103", left=None))
    upid = api.post(api.path(103) + "/status/shutdown")
    api.clock.advance(86400)
    assert api.get(f"/nodes/pve1/tasks/{upid}/status")["status"] == "running"
    assert api.current(103)["status"] == "running"
    assert api.do(api.path(103) + "/status/stop") == (
        "can't lock file '/var/lock/qemu-server/lock-103.conf' - got timeout"
    )
    assert api.do(api.path(103) + "/status/stop", overrule_shutdown=1) == "OK"
    assert api.wait(upid) == "received interrupt"


@pytest.mark.parametrize("version", VERSIONS)
def test_fields_of_a_upid_follow_the_node(fresh_fleet: FleetFactory, version: str) -> None:
    api = start_api(fresh_fleet, version)
    upid = api.post(api.path(103) + "/status/start")
    parts = Upid.parse(upid)
    node = api.cluster.state.nodes[api.guest(103).node]
    assert (parts.node, parts.kind, parts.subject, parts.authid) == (node.name, "qmstart", "103", "root@pam!fleet")
    assert parts.starttime == int(NOW)
    assert parts.pstart == round((NOW - node.started_at) * 100)
    path = f"/nodes/{node.name}/tasks"
    running = api.get(f"{path}/{upid}/status")
    assert running["status"] == "running"
    assert running["user"] == "root@pam"
    assert running["tokenid"] == "fleet"
    assert "exitstatus" not in running
    assert api.get(path, source="active") == [
        {
            **{"upid": upid, "node": node.name, "type": "qmstart", "id": "103", "user": "root@pam!fleet"},
            **{"starttime": int(NOW), "pid": parts.pid, "pstart": parts.pstart, "status": "RUNNING", "saved": "0"},
        }
    ]
    assert upid not in {task["upid"] for task in api.get(path)}
    assert next(task for task in api.get("/cluster/tasks") if task["upid"] == upid)["pid"] == parts.pid
    api.clock.advance(3)
    assert api.get(f"{path}/{upid}/status")["exitstatus"] == "OK"
    listed = api.get(path)[0]
    assert (listed["upid"], listed["status"], listed["user"], listed["tokenid"]) == (upid, "OK", "root@pam", "fleet")
    assert api.get(path, source="active") == []
    finished = next(task for task in api.get("/cluster/tasks") if task["upid"] == upid)
    assert finished["saved"] == "1"
    assert "pid" not in finished
    assert api.log(upid) == ["TASK OK"]


def test_raw_and_escaped_upids(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    upid = api.post(api.path(103) + "/status/start")
    node = upid.split(":")[1]
    for written in (upid, upid.replace(":", "%3A"), upid.replace(":", "%3A").replace("@", "%40").replace("!", "%21")):
        reply = ask(api.cluster.endpoint, "GET", f"/api2/json/nodes/{node}/tasks/{written}/status", api.headers)
        assert reply.data["upid"] == upid


def test_filters_and_pages(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    path = "/nodes/pve1/tasks"
    assert api.guest(103).node == "pve1"
    before = api.ask("GET", path).json["total"]
    for action in ("start", "start", "stop"):
        api.do(api.path(103) + f"/status/{action}")
    reply = api.ask("GET", path, limit=2)
    assert reply.json["total"] == before + 3
    assert [task["type"] for task in reply.data] == ["qmstop", "qmstart"]
    assert [task["status"] for task in api.get(path, start=1, limit=2)] == ["VM 103 already running", "OK"]
    assert {task["id"] for task in api.get(path, vmid=103)} == {"103"}
    assert {task["type"] for task in api.get(path, typefilter="qmstart", vmid=103)} == {"qmstart"}
    assert [task["status"] for task in api.get(path, errors=1, vmid=103)] == ["VM 103 already running"]
    assert [task["status"] for task in api.get(path, statusfilter="error", vmid=103)] == ["VM 103 already running"]
    assert api.get(path, userfilter="NOBODY") == []
    assert "total" not in api.ask("GET", path, userfilter="NOBODY").json
    assert len(api.get(path, since=int(NOW))) == 3
    assert api.ask("GET", path, statusfilter="fine").status == 400


def test_old_releases_do_not_know_newer_filters(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet, "6.4")
    assert set(api.ask("GET", "/nodes/pve1/tasks", since=1, statusfilter="ok").json["errors"]) == {
        "since",
        "statusfilter",
    }
    upid = api.post(api.path(103) + "/status/start")
    api.wait(upid)
    assert len(api.get(f"/nodes/pve1/tasks/{upid}/log", limit=0)) == 1
    assert "errors" in api.ask("GET", f"/nodes/pve1/tasks/{upid}/log", download=1).json


def test_tokens_and_strangers(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    secret = api.cluster.add_token("operator@pve!t", privsep=False)
    token = api.as_user({"Authorization": f"PVEAPIToken=operator@pve!t={secret}"})
    operator = api.as_user(session_headers(login(api.cluster, username="operator@pve", password="operator-pve-1").data))
    nobody = api.as_user(session_headers(login(api.cluster, username="nobody@pve", password="nobody-pve-1").data))
    upid = token.post(api.path(103) + "/status/start")
    assert token.get("/cluster/tasks") == []
    assert [task["upid"] for task in operator.get("/cluster/tasks")] == [upid]
    api.clock.advance(3)
    for own in (token, operator):
        assert [task["upid"] for task in own.get("/nodes/pve1/tasks")] == [upid]
    assert nobody.get("/nodes/pve1/tasks") == []
    refused = nobody.ask("GET", f"/nodes/pve1/tasks/{upid}/log")
    assert (refused.status, refused.reason) == (403, "Permission check failed (/nodes/pve1, Sys.Audit)")
    refused = nobody.ask("DELETE", f"/nodes/pve1/tasks/{upid}")
    assert refused.reason == "Permission check failed (/nodes/pve1, Sys.Modify)"


def test_a_task_is_stopped(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    upid = api.post(api.path(100) + "/status/shutdown")
    assert api.ask("DELETE", f"/nodes/pve1/tasks/{upid}").data is None
    assert api.wait(upid) == "received interrupt"
    api.clock.advance(60)
    assert api.current(100)["status"] == "running"
    assert api.log(upid) == ["TASK ERROR: received interrupt"]
    assert api.do(api.path(100) + "/status/stop") == "OK"


def test_logs_in_pages_and_as_a_file(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    upid = api.post(api.path(103) + "/status/start")
    path = f"/nodes/pve1/tasks/{upid}/log"
    assert api.ask("GET", path).json == {"data": [{"n": 1, "t": "no content"}], "total": 1}
    task = api.cluster.state.tasks.find("pve1", upid)
    assert task is not None
    task.say("one", "two")
    assert api.ask("GET", path, start=1, limit=1).json == {"data": [{"n": 2, "t": "two"}], "total": 2}
    api.wait(upid)
    assert [line["t"] for line in api.get(path, limit=0)] == ["one", "two", "TASK OK"]
    reply = api.ask("GET", path, download=1)
    assert reply.body == b"one\ntwo\nTASK OK\n"
    assert reply.values("Content-Type") == ["text/plain"]
    assert reply.values("Content-Disposition") == ['attachment; filename="task-pve1-qmstart-2026-11-22T22:25:06Z.log"']


def test_history_is_there_and_stays_the_same(fresh_fleet: FleetFactory) -> None:
    first, second = (start_api(fresh_fleet, seed=7) for _ in range(2))
    lists = [api.get("/nodes/pve1/tasks", limit=500) for api in (first, second)]
    assert len(lists[0]) > 5
    keys = [[(task["upid"].split(":")[5:], task["status"]) for task in tasks] for tasks in lists]
    assert keys[0] == keys[1]
    assert all(task["endtime"] <= NOW for task in lists[0])
    assert [task["endtime"] for task in lists[0]] == sorted((task["endtime"] for task in lists[0]), reverse=True)


def test_bodies_without_a_content_type(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    path = f"/api2/json{api.path(103)}/status/start"
    assert ask(api.cluster.endpoint, "POST", path, api.headers, form(timeout="20")).status == 200
    json_type = {"Content-Type": "application/json"}
    api.clock.advance(5)
    stopped = ask(api.cluster.endpoint, "POST", path.replace("start", "stop"), api.headers | json_type, b"{}")
    assert stopped.status == 200
    empty = {"Content-Type": "application/octet-stream"}
    api.clock.advance(5)
    assert ask(api.cluster.endpoint, "POST", path, api.headers | empty, b"").status == 200
