"""Schemathesis against the running server: no 5xx but those that are documented, no answer outside the schema."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pxm_tui.client import PxmClient, RegisterRequest
from pxm_tui.simulator.thread import FleetThread
from tests.api.process import Place, serving

CONFIG = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 502, 504, 507]

[checks.positive_data_acceptance]
enabled = false  # a valid request to register is refused where no such cluster answers: that is 422

[[operations]]
include-name = "GET /api/v1/clusters/{{id}}"
parameters = {{ id = "{id}" }}

[[operations]]
include-name = "PATCH /api/v1/clusters/{{id}}"
parameters = {{ id = "{id}" }}

[[operations]]
include-name = "POST /api/v1/clusters/{{id}}/check"
parameters = {{ id = "{id}" }}
"""
EXAMPLES = "25"
FEWEST_CASES = 400


@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(tmp_path: Path, fleet: FleetThread) -> None:
    place, cluster = Place(tmp_path), fleet.clusters[1]
    token = place.token("admin")
    with serving(place, "--rate-limit", "100000", "--live-limit", "100000") as server:
        request = RegisterRequest.model_validate(
            {
                "name": "alone",
                "api_endpoint": cluster.endpoint,
                "username": cluster.username,
                "password": cluster.password,
                "fingerprint": cluster.fingerprint,
                "mint_token": False,
            }
        )
        with PxmClient(server.url, token) as client:
            record = client.register(request)
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG.format(id=record.id))
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "--config-file", str(config),
                "run", f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {token}",
                "--max-examples", EXAMPLES, "--seed", "1", "--generation-database", "none",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=place.environment(),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        generated = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
        assert generated, done.stdout
        assert generated[1] == generated[2]
        assert int(generated[1]) >= FEWEST_CASES
        assert not re.search(r": 500,", (place.data / "state" / "pxm.log").read_text())
