"""The calls of the API, described once for both clients: what is sent, and what the answer means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr, ValidationError

from pxm_tui.api import models, routes
from pxm_tui.api.routes import Route

T = TypeVar("T")
_Answer = TypeVar("_Answer", bound=models.Answer)


class PxmApiError(Exception):
    """The API answered with an error.

    Attributes:
        status: of the answer.
        fault: `code`, `cause`, `message`, `hint`, and where there are such `field` and `certificate`.
        steps: how far a registration came.
    """

    def __init__(self, status: int, fault: models.Fault, steps: tuple[models.Step, ...] = ()) -> None:
        super().__init__(f"{status} {fault.code}/{fault.cause}: {fault.message} {fault.hint}".rstrip())
        self.status = status
        self.fault = fault
        self.steps = steps


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call.

    Attributes:
        route: which.
        understand: makes the result of a successful answer.
        cluster_id: for the path.
        parameters: the query.
        body: the JSON, secrets in clear; it is not shown.
    """

    route: Route
    understand: Callable[[httpx.Response], T]
    cluster_id: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    body: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<Call {self.route.name}>"

    def request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The request to be sent."""
        path = self.route.path.replace("{id}", quote(self.cluster_id, safe=""))
        return client.build_request(self.route.method, path, params=list(self.parameters), json=self.body)

    def result(self, response: httpx.Response) -> T:
        """What the answer means. Raises `PxmApiError`."""
        if response.status_code in self.route.replies:
            return self.understand(response)
        raise _error(response)


def _error(response: httpx.Response) -> PxmApiError:
    try:
        failure = models.Failure.model_validate_json(response.content)
    except ValidationError:
        fault = models.Fault(
            code="unreachable",
            cause="bad_answer",
            message=f"The answer is not one of pxm's API (status {response.status_code}).",
            hint="Look at the address, and at what stands between.",
        )
        return PxmApiError(response.status_code, fault)
    return PxmApiError(response.status_code, failure.error, tuple(failure.steps or ()))


def _as(model: type[_Answer]) -> Callable[[httpx.Response], _Answer]:
    return lambda response: model.model_validate_json(response.content)


def _words(**flags: bool) -> tuple[tuple[str, str], ...]:
    return tuple((name, "true") for name, value in flags.items() if value)


def _body(request: models.Request) -> dict[str, Any]:
    """What was set, secrets in clear."""
    found = request.model_dump(exclude_unset=True)
    return {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in found.items()}


def register(request: models.RegisterRequest) -> Call[models.Cluster]:
    """Check a cluster live and register it; gives its record."""
    return Call(routes.REGISTER, _as(models.Cluster), body=_body(request))


def dry_run(request: models.RegisterRequest) -> Call[models.Steps]:
    """Run the steps of a registration and save nothing."""
    return Call(routes.REGISTER, _as(models.Steps), parameters=_words(dry_run=True), body=_body(request))


def list_clusters(
    *,
    status: Iterable[models.StatusWord] = (),
    label: Iterable[str] = (),
    sort: models.SortWord = "name",
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[models.ClusterList]:
    """The registered clusters as they were last seen.

    Args:
        status: only those with one of these.
        label: `key=value`, or `key`; only those with all of these.
        sort: a leading `-` turns the order around.
        limit: at most so many; None: all of them.
        cursor: `next_cursor` of the page before.
    """
    parameters = [*(("status", word) for word in status), *(("label", text) for text in label), ("sort", sort)]
    parameters += [("limit", str(limit))] if limit is not None else []
    parameters += [("cursor", cursor)] if cursor is not None else []
    return Call(routes.LIST, _as(models.ClusterList), parameters=tuple(parameters))


def get(cluster_id: str) -> Call[models.Cluster]:
    """One record as it was last seen."""
    return Call(routes.GET, _as(models.Cluster), cluster_id)


def edit(cluster_id: str, request: models.EditRequest) -> Call[models.Cluster]:
    """Change what is set in `request`; gives the new record."""
    return Call(routes.EDIT, _as(models.Cluster), cluster_id, body=_body(request))


def check(cluster_id: str, *, retry: bool = False) -> Call[models.CheckReport]:
    """Check a cluster live now; `retry` sends a login that was refused once more."""
    return Call(routes.CHECK, _as(models.CheckReport), cluster_id, _words(retry=retry))


def deregister(cluster_id: str, *, keep_token: bool = False) -> Call[models.Deregistration | None]:
    """Erase record and secret; gives what is left to clean up on the cluster, None where nothing is."""

    def understand(response: httpx.Response) -> models.Deregistration | None:
        return None if response.status_code == 204 else _as(models.Deregistration)(response)

    return Call(routes.DEREGISTER, understand, cluster_id, _words(keep_token=keep_token))


def health() -> Call[models.Health]:
    """Whether the server lives and can work; no error where it cannot."""
    return Call(routes.HEALTH, _as(models.Health))


def metrics() -> Call[str]:
    """Figures in Prometheus' text format."""
    return Call(routes.METRICS, lambda response: response.text)


def openapi() -> Call[dict[str, Any]]:
    """The OpenAPI document."""
    return Call(routes.OPENAPI, lambda response: dict(response.json()))
