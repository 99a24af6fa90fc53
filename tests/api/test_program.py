"""`pxm serve` as it is run: found by curl, beside other programs, on sockets and with TLS, ended by signals."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest

from pxm_tui.client import PxmApiError, PxmClient, RegisterRequest
from pxm_tui.simulator.certificates import CertificateAuthority
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from tests.api.process import Place, curl, serving, until
from tests.fleet_fixtures import FleetFactory


def request(cluster: SimulatedCluster, name: str = "prod", **more: object) -> RegisterRequest:
    return RegisterRequest.model_validate(
        {
            "name": name,
            "api_endpoint": cluster.endpoint,
            "username": cluster.username,
            "password": cluster.password,
            "fingerprint": cluster.fingerprint,
            **more,
        }
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_four_examples_with_curl(tmp_path: Path, fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("prod", guests=4)).clusters[0]
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(cluster.ca_pem)
    place = Place(tmp_path, {"SSL_CERT_FILE": str(authorities)})  # this machine vouches for it, as for a bought one
    bearer = ("-H", f"Authorization: Bearer {place.token('admin')}")
    body = {
        "name": "prod-cluster",
        "api_endpoint": cluster.endpoint,
        "username": cluster.username,
        "password": cluster.password,
    }
    with serving(place) as server:
        clusters = server.url.replace("127.0.0.1", "localhost") + "/api/v1/clusters"
        status, record = curl(
            "-X", "POST", clusters, "-H", "Content-Type: application/json", "-d", json.dumps(body), *bearer
        )
        assert status == 201, record
        assert (record["name"], record["status"]) == ("prod-cluster", "healthy")
        assert curl(clusters, *bearer) == (200, {"clusters": [record], "total": 1, "next_cursor": None})
        assert curl(f"{clusters}/{record['id']}", *bearer) == (200, record)
        assert curl("-X", "DELETE", f"{clusters}/{record['id']}", *bearer)[0] in {200, 204}
        assert curl(f"{clusters}/{record['id']}", *bearer)[0] == 404


def test_it_sees_what_other_programs_do_and_they_what_it_does(tmp_path: Path, fleet: FleetThread) -> None:
    place, cluster = Place(tmp_path), fleet.clusters[1]
    with serving(place) as server, PxmClient(server.url, place.token("admin")) as client:
        done = place.pxm(
            "register", "by-hand", cluster.endpoint, "--user", cluster.username, "--password-stdin", "--no-token",
            "--fingerprint", cluster.fingerprint, stdin=f"{cluster.password}\n",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert [found.name for found in client.list().clusters] == ["by-hand"]
        place.pxm("serve", "token", "revoke", "admin")
        with pytest.raises(Exception, match="401"):
            client.list()
    with serving(place) as server, PxmClient(server.url, place.token("admin")) as client:
        record = client.list().clusters[0]
        assert client.check(record.id).cluster.status == "healthy"
        client.deregister(record.id)
        assert json.loads(place.pxm("list", "--json").stdout)["total"] == 0


def test_it_keeps_what_is_known_of_the_clusters_fresh(tmp_path: Path, fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("prod", guests=4)).clusters[0]
    place = Place(tmp_path)
    with serving(place) as server, PxmClient(server.url, place.token("admin")) as client:
        client.register(request(cluster, mint_token=False))
    with serving(place) as server, PxmClient(server.url, place.token("viewer")) as client:
        until(lambda: re.search(r"^pxm_cluster_checks_total\{.*\} [1-9]", client.metrics(), re.MULTILINE))
        assert client.list().clusters[0].status == "healthy"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_runs_come_to_its_end(
    tmp_path: Path, fresh_fleet: FleetFactory, number: signal.Signals
) -> None:
    cluster = fresh_fleet(ClusterOptions("prod", guests=4)).clusters[0]
    place = Place(tmp_path)
    token = place.token("admin")
    with serving(place) as server:
        answers: list[str] = []

        def register() -> None:
            with PxmClient(server.url, token) as client:
                answers.append(client.register(request(cluster, mint_token=False)).name)

        caller = threading.Thread(target=register)
        caller.start()
        until(lambda: cluster.state.request_count)
        server.process.send_signal(number)
        caller.join(30)
        assert server.wait() == 0
        assert answers == ["prod"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url, trust_env=False)
    assert json.loads(place.pxm("list", "--json").stdout)["total"] == 1


def test_on_a_unix_socket_that_only_its_user_may_open(tmp_path: Path) -> None:
    place, path = Place(tmp_path), tmp_path / "pxm.sock"
    token = place.token("viewer")
    with serving(place, "--unix-socket", str(path)) as server, PxmClient(token=token, unix_socket=path) as client:
        assert path.stat().st_mode & 0o777 == 0o600
        assert client.list().total == 0
        taken = place.pxm("serve", "--unix-socket", str(path))
        assert taken.returncode == 2
        server.process.kill()
        server.wait()
        assert path.exists()
    with serving(place, "--unix-socket", str(path)) as server:
        server.process.terminate()
        assert server.wait() == 0
        assert not path.exists()
    path.write_text("mine")
    assert place.pxm("serve", "--unix-socket", str(path)).returncode == 2
    assert path.read_text() == "mine"


@pytest.fixture
def tls(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Files of an authority, of a certificate for this machine, and of its key."""
    authority = CertificateAuthority("api", now=time.time())
    leaf = authority.issue("api", domain="test", address="127.0.0.1", now=time.time())
    paths = tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    for path, text in zip(paths, (authority.own.pem, leaf.pem, leaf.key_pem), strict=True):
        path.write_text(text)
    return paths


def test_with_tls_it_may_be_heard_beyond_this_machine(tmp_path: Path, tls: tuple[Path, Path, Path]) -> None:
    ca_file, certificate, key = tls
    place = Place(tmp_path)
    arguments = ("--host", "0.0.0.0", "--tls-cert", str(certificate), "--tls-key", str(key))
    with serving(place, *arguments) as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        assert url.startswith("https://")
        with PxmClient(url, place.token("viewer"), ca_file=ca_file) as client:
            assert client.health().ready is True
            server.process.send_signal(signal.SIGHUP)
            assert client.list().total == 0
        port = int(url.rpartition(":")[2])
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", port)) as plain, old.wrap_socket(plain) as secured:
            assert secured.version() == "TLSv1.2"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_tls_it_refuses_to_be(tmp_path: Path, host: str) -> None:
    done = Place(tmp_path).pxm("serve", "--host", host, "--port", "0")
    assert done.returncode == 2
    assert "--tls-cert" in done.stderr


def test_unless_a_proxy_speaks_tls_for_it(tmp_path: Path) -> None:
    with serving(Place(tmp_path), "--host", "0.0.0.0", "--behind-proxy") as server:
        assert httpx.get(f"{server.url.replace('0.0.0.0', '127.0.0.1')}/health", trust_env=False).status_code == 200


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = Place(tmp_path).pxm("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "already in use" in done.stderr


def test_it_prints_no_token_and_says_when_there_is_none(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with serving(place) as server:
        assert httpx.get(f"{server.url}/api/v1/clusters", trust_env=False).status_code == 401
        token = place.token("viewer")
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(f"{server.url}/api/v1/clusters", headers=headers, trust_env=False)
        assert answer.status_code == 200
        server.process.terminate()
        server.wait()
    assert any("pxm serve token add" in line for line in server.said)
    assert "pxm_" not in "".join(server.said)


def test_systemd_is_told_when_it_is_ready(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.settimeout(30)
        with serving(Place(tmp_path, {"NOTIFY_SOCKET": str(path)})) as server:
            assert told.recv(100) == b"READY=1"
            server.process.terminate()
            assert told.recv(100) == b"STOPPING=1"
            assert server.wait() == 0


def test_a_registry_that_cannot_be_read_ends_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.data.mkdir(mode=0o700)
    (place.data / "clusters.json").write_text('{"format": 99}')
    done = place.pxm("serve", "--port", "0")
    assert done.returncode == 9


def test_it_leaves_no_secret_behind(tmp_path: Path, fresh_fleet: FleetFactory) -> None:
    hunted, wrong = "hunted-Pass+word=&;1", "hunted-Wrong+word=&;2"
    cluster = fresh_fleet(ClusterOptions("hunted", guests=4, password=hunted)).clusters[0]
    place = Place(tmp_path)
    token = place.token("admin")
    with serving(place) as server:
        with PxmClient(server.url, token) as client:
            with pytest.raises(PxmApiError, match="credentials"):
                client.register(request(cluster, password=wrong))
            record = client.register(request(cluster))
            client.check(record.id)
            said = client.metrics() + record.model_dump_json()
        httpx.get(f"{server.url}/{token}?{token}", headers={"Authorization": f"Bearer {token}x"}, trust_env=False)
        arguments = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
        server.process.terminate()
        assert server.wait() == 0
    kept = {str(path): path.read_bytes() for path in place.data.rglob("*") if path.is_file()}
    assert any(name.endswith("secrets.vault") for name in kept)
    everything = {**kept, "said": said.encode(), "stderr": "".join(server.said).encode(), "arguments": arguments}
    for secret in (hunted, wrong, token):
        assert [name for name, content in everything.items() if secret.encode() in content] == []
