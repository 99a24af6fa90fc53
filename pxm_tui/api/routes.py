"""Every call of the REST API, declared once: the server, the OpenAPI document and the client are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from pxm_tui.api import models

API = "/api/v1"
VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"

JSON, TEXT, HTML = "application/json", "text/plain", "text/html"


@dataclass(frozen=True, slots=True)
class Reply:
    """One way in which a call succeeds.

    Attributes:
        what: in words.
        model: of the body; None: there is none, or it is no JSON.
        media: of the body; empty: there is none.
        headers: that come with it, and what they say.
    """

    what: str
    model: type[models.Answer] | None = None
    media: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One call.

    Attributes:
        name: of the operation, and of the client's method.
        method: `GET`, `POST`, `PATCH` or `DELETE`.
        path: a template.
        summary: one line.
        role: the least role that may call it; empty: no token is needed.
        replies: by status, how it succeeds.
        parameters: the query.
        body: the request's JSON.
        live: it talks to a cluster.
        faults: statuses of failures beyond those that follow from the rest.
    """

    name: str
    method: str
    path: str
    summary: str
    role: str
    replies: dict[int, Reply]
    parameters: type[models.Request] = models.NoParameters
    body: type[models.Request] | None = None
    live: bool = False
    faults: tuple[int, ...] = ()

    @property
    def failures(self) -> tuple[int, ...]:
        """The statuses with which it can fail."""
        found = {429, 504, *self.faults}
        if self.parameters is not models.NoParameters:
            found.add(422)
        if self.role:
            found |= {401, 422, 507} | ({403} if self.role != VIEWER else set())
        if "{" in self.path:
            found.add(404)
        if self.body is not None:
            found |= {400, 408, 413, 415, 422}
        if self.live:
            found |= {422, 502}
        return tuple(sorted(found - set(self.replies)))


_RECORD = Reply("The record.", models.Cluster)
_ONE = f"{API}/clusters/{{id}}"

REGISTER = Route(
    "register",
    "POST",
    f"{API}/clusters",
    "Check a cluster live, step by step, and register it.",
    ADMIN,
    {
        201: Reply("It is registered.", models.Cluster, headers=(("Location", "The path of the new record."),)),
        200: Reply("With `dry_run`: the steps; nothing was saved.", models.Steps),
    },
    models.RegisterParameters,
    models.RegisterRequest,
    live=True,
    faults=(409,),
)
LIST = Route(
    "list",
    "GET",
    f"{API}/clusters",
    "The registered clusters as they were last seen.",
    VIEWER,
    {200: Reply("A page.", models.ClusterList)},
    models.ListParameters,
)
GET = Route("get", "GET", _ONE, "One record as it was last seen.", VIEWER, {200: _RECORD})
EDIT = Route(
    "edit",
    "PATCH",
    _ONE,
    "Change name, labels, endpoints or guard; never trust or login.",
    ADMIN,
    {200: _RECORD},
    body=models.EditRequest,
    live=True,
    faults=(409,),
)
CHECK = Route(
    "check",
    "POST",
    f"{_ONE}/check",
    "Check a cluster live now; what is wrong with it stands in the record and the steps.",
    OPERATOR,
    {200: Reply("The steps and the record.", models.CheckReport)},
    models.CheckParameters,
    live=True,
)
DEREGISTER = Route(
    "deregister",
    "DELETE",
    _ONE,
    "Erase record and secret here, and revoke the token that pxm made where it may; works when the cluster is dead.",
    ADMIN,
    {
        204: Reply("It is gone, and nothing is left to clean up on the cluster.", media=""),
        200: Reply("It is gone here; this is left to clean up on the cluster.", models.Deregistration),
    },
    models.DeregisterParameters,
)
HEALTH = Route(
    "health",
    "GET",
    "/health",
    "Liveness and readiness (registry and secret store).",
    "",
    {
        200: Reply("It lives, and can work.", models.Health),
        507: Reply("It lives, but cannot work.", models.Health),
    },
    models.HealthParameters,
)
METRICS = Route("metrics", "GET", "/metrics", "Figures for Prometheus.", VIEWER, {200: Reply("Text.", media=TEXT)})
OPENAPI = Route(
    "openapi", "GET", "/openapi.json", "The OpenAPI document.", "", {200: Reply("OpenAPI 3.1.", media=JSON)}
)
DOCS = Route("docs", "GET", "/docs", "The same as a page for people.", "", {200: Reply("A page.", media=HTML)})

ROUTES = (REGISTER, LIST, GET, EDIT, CHECK, DEREGISTER, HEALTH, METRICS, OPENAPI, DOCS)
