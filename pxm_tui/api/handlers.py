"""What each call does: it hands a request to a service, and the answer back as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from pxm_tui.api import docs, models
from pxm_tui.api.faults import Refusal, refusal
from pxm_tui.api.metrics import CONTENT_TYPE, RequestCounter, metrics_text
from pxm_tui.api.openapi import document_bytes
from pxm_tui.api.paging import page_of
from pxm_tui.api.routes import API
from pxm_tui.domain.access import ApiToken
from pxm_tui.domain.addresses import check_name, parse_endpoint, parse_label
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import PxmError, StorageError
from pxm_tui.domain.messages import not_found
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.bundle import Services
from pxm_tui.services.survey import held_back
from pxm_tui.services.unattended import Unattended

if TYPE_CHECKING:
    from pxm_tui.services.edit_changes import Changes

_HEALTH_SECONDS = 5.0
_KEPT_LISTS = 16

FIELDS = {"endpoint": "api_endpoint", "user": "username", "code": "otp", "trust_ca": "ca", "ca_file": "ca"}
"""What the API calls the fields of the services' requests."""
EDITED = {**FIELDS, "endpoint": "endpoints"}
"""The same of a change."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, understood.

    Attributes:
        caller: whose token came with it; None for a stranger.
        cluster_id: from the path, or empty.
        parameters: the query.
        body: the JSON, or None where the call takes none.
    """

    caller: ApiToken | None
    cluster_id: str
    parameters: Any
    body: Any = None


Handler = Callable[[Call], Awaitable[web.Response]]


class Handlers:
    """One method for each route, by its name.

    Args:
        services: what can be done.
        requests: the API's own figures.
    """

    def __init__(self, services: Services, requests: RequestCounter) -> None:
        self._services = services
        self._requests = requests
        self._listed: tuple[Cluster, ...] | None = None
        self._lists: dict[str, bytes] = {}

    def named(self, name: str) -> Handler:
        """The method for a route."""
        found: Handler = getattr(self, name)
        return found

    # Reading

    async def list(self, call: Call) -> web.Response:
        """A page; its bytes are used again for as long as the registry is the same."""
        clusters = await self._services.clusters.list()
        if clusters is not self._listed:
            self._listed, self._lists = clusters, {}
        asked = repr(call.parameters)
        if asked not in self._lists:
            page = page_of(clusters, call.parameters)
            if len(self._lists) >= _KEPT_LISTS:
                self._lists.clear()
            self._lists[asked] = _bytes(
                {
                    "clusters": [cluster.to_json() for cluster in page.clusters],
                    "total": page.total,
                    "next_cursor": page.next_cursor,
                }
            )
        return _json(self._lists[asked])

    async def get(self, call: Call) -> web.Response:
        """One record."""
        return _json((await self._cluster(call)).to_json())

    async def _cluster(self, call: Call) -> Cluster:
        """The cluster in the path, by its whole id: what changes something must not guess. Raises `NotFoundError`."""
        cluster = await self._services.clusters.get(call.cluster_id)
        if cluster.id != call.cluster_id:
            raise not_found(call.cluster_id, ())
        return cluster

    def _snapshot(self, cluster: Cluster) -> Snapshot:
        views = self._services.fleet.view().clusters
        return next((view.snapshot for view in views if view.cluster.id == cluster.id), Snapshot(cluster.id))

    # Changing

    async def register(self, call: Call) -> web.Response:
        """Register, or with `dry_run` only try."""
        from pxm_tui.services.registration import RegistrationFailedError

        request = as_request(call.body)
        dry_run = call.parameters.dry_run
        try:
            found = await self._services.clusters.register(request, Unattended(), dry_run=dry_run)
        except RegistrationFailedError as failure:
            raise refusal(renamed(failure.error), failure.steps) from None
        if dry_run:
            return _json({"steps": [step.to_json() for step in found.steps]})
        cluster, _ = await self._services.clusters.edits.take_endpoints(found.cluster, found.snapshot.nodes)
        await self._services.fleet.adopt(cluster, found.snapshot)
        return _json(cluster.to_json(), status=201, headers={"Location": f"{API}/clusters/{cluster.id}"})

    async def edit(self, call: Call) -> web.Response:
        """Change what is in the body; a new endpoint has to prove that it is of the same cluster."""
        from pxm_tui.services.editing import EditFailedError

        cluster = await self._cluster(call)
        changes, before = as_changes(call.body, cluster), self._snapshot(cluster)
        try:
            done = await self._services.clusters.edits.edit(cluster.id, changes, before, Unattended())
        except EditFailedError as stopped:
            raise refusal(renamed(stopped.error, EDITED), stopped.steps) from None
        await self._services.fleet.reload()
        return _json(done.cluster.to_json())

    async def check(self, call: Call) -> web.Response:
        """Check now; a login that was refused is only sent again on request."""
        cluster = await self._cluster(call)
        if cluster.login.refused and not call.parameters.retry:
            return _json(held_back(cluster).to_json())
        report = await self._services.clusters.check(cluster.id, self._snapshot(cluster), Unattended())
        await self._services.fleet.adopt(report.cluster, report.snapshot, failed=report.error is not None)
        return _json(report.to_json())

    async def deregister(self, call: Call) -> web.Response:
        """Erase record and secret; what is left on the cluster is reported."""
        cluster = await self._cluster(call)
        report = await self._services.clusters.deregister(
            cluster.id, dialog=Unattended(), keep_token=call.parameters.keep_token
        )
        await self._services.fleet.reload()
        return _json(report.to_json()) if report.cleanup else web.Response(status=204)

    # The server itself

    async def health(self, call: Call) -> web.Response:
        """Whether it lives and can work; why not is for those who show a token."""
        repository, secret_store = await asyncio.gather(
            _working(self._services.clusters.list), _working(self._open_secrets)
        )
        ready = repository == secret_store == "ok"
        found: dict[str, Any] = {"live": True, "ready": ready}
        if call.caller is not None:
            found |= {"repository": repository, "secret_store": secret_store}
        return _json(found, status=200 if ready or call.parameters.live else 507)

    async def _open_secrets(self) -> None:
        if not (await self._services.clusters.vault()).open:
            raise StorageError("secret_store", "It is locked, and there is nobody to ask for its passphrase.")

    async def metrics(self, call: Call) -> web.Response:  # noqa: ARG002
        """Figures for Prometheus."""
        text = metrics_text(self._services.fleet.view(), self._requests, self._services.clock())
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(self, call: Call) -> web.Response:  # noqa: ARG002
        """The OpenAPI document."""
        return _json(document_bytes())

    async def docs(self, call: Call) -> web.Response:  # noqa: ARG002
        """The same for people."""
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": docs.policy()}
        return web.Response(body=docs.page(), headers=headers)


def as_request(body: models.RegisterRequest) -> Any:
    """The services' request for the API's.

    Raises:
        Refusal: 422, naming the field that is wrong.
    """
    from pxm_tui.services.requests import build_request

    try:
        return build_request(
            endpoint=body.api_endpoint,
            name=body.name,
            user=body.username,
            password=body.password,
            token_id=body.token_id,
            token_secret=body.token_secret,
            code=body.otp,
            fingerprint=body.fingerprint,
            trust_ca=body.ca,
            labels=tuple(body.labels.items()),
            mint_token=body.mint_token,
            separate=body.separate,
        )
    except PxmError as error:
        raise refusal(renamed(error)) from None


def as_changes(body: models.EditRequest, cluster: Cluster) -> Changes:
    """The services' changes for the API's.

    Raises:
        Refusal: 422, naming the field that is wrong.
    """
    from pxm_tui.services.edit_changes import Changes
    from pxm_tui.services.editing import edited_labels

    try:
        wanted = body.labels or {}
        given = [parse_label(f"{key}={value}") for key, value in wanted.items() if value is not None]
        gone = [key for key, value in wanted.items() if value is None]
        urls = [parse_endpoint(endpoint.url).endpoint for endpoint in body.endpoints or ()]
        return Changes(
            name=None if body.name is None else check_name(body.name),
            labels=edited_labels(cluster.labels, given, gone) if wanted else None,
            endpoints=tuple(dict.fromkeys(urls)) or None,
            read_only=None if body.guard is None else body.guard.read_only,
        )
    except PxmError as error:
        raise refusal(renamed(error, EDITED)) from None


def renamed(error: PxmError, names: Mapping[str, str] = FIELDS) -> PxmError:
    """The error, with its field as the API calls it."""
    error.field = names.get(error.field or "", error.field)
    return error


async def _working(probe: Callable[[], Awaitable[object]]) -> str:
    """`ok`, or what is wrong."""
    try:
        async with asyncio.timeout(_HEALTH_SECONDS):
            await probe()
    except PxmError as error:
        return error.message
    except TimeoutError:
        return f"No answer within {_HEALTH_SECONDS:g} s."
    return "ok"


def _bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _json(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = value if isinstance(value, bytes) else _bytes(value)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def failure(refused: Refusal) -> web.Response:
    """The answer for a refused request."""
    return _json(refused.to_json(), status=refused.status, headers=refused.headers)
