"""What goes over the wire, in both directions: the OpenAPI document and the Python client are made from it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="UTC, to the second.")]
StatusWord = Literal["healthy", "degraded", "unreachable", "unauthorized", "untrusted", "unknown"]
CodeWord = Literal[
    "internal",
    "invalid",
    "not_found",
    "already_registered",
    "login_failed",
    "certificate_untrusted",
    "unreachable",
    "not_permitted",
    "storage_unusable",
    "partial_failure",
]
SortWord = Literal[
    "name",
    "-name",
    "status",
    "-status",
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "last_seen_at",
    "-last_seen_at",
]


class Answer(BaseModel):
    """Something that the server says; fields of a newer server are no error."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Request(BaseModel):
    """Something that the server is told; what it does not know is refused, and never quoted."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


# Answers


class EndpointUrl(Answer):
    """One URL of a cluster."""

    url: str = Field(examples=["https://pve1:8006"])


class Login(Answer):
    """Who pxm logs in as; never with what."""

    method: Literal["token", "password"]
    user: str
    token_id: str | None = None
    minted: bool | None = Field(default=None, description="pxm made the token, so pxm revokes it.")
    expires_at: Moment | None = Field(default=None, description="Null where it never ends, or nobody knows when.")


class Trust(Answer):
    """What the cluster's certificates are verified against."""

    mode: Literal["system", "ca_file", "pinned_ca", "pinned_leaf"]
    fingerprint: str | None
    ca_fingerprint: str | None


class Limit(Answer):
    """A privilege that the login lacks to see everything."""

    privilege: str
    path: str


class Reason(Answer):
    """Why a cluster is not healthy."""

    cause: str
    message: str
    hint: str
    since: Moment | None


class Guard(Answer):
    """What keeps a cluster from being changed."""

    read_only: bool


class Cluster(Answer):
    """The record of a registered cluster. Null is "not known, or the login may not see it", never zero."""

    id: str = Field(json_schema_extra={"format": "uuid"})
    name: str
    api_endpoint: str = Field(description="As registered; failover never rewrites it.")
    status: StatusWord
    proxmox_version: str | None
    node_count: int | None
    created_at: Moment
    updated_at: Moment = Field(description="Moves on edits and changes of the status only.")
    endpoints: list[EndpointUrl]
    login: Login
    labels: dict[str, str]
    trust: Trust
    last_seen_at: Moment | None
    nodes_online: int | None
    quorate: bool | None
    guests_running: int | None
    guests_total: int | None
    limits: list[Limit]
    error: Reason | None
    guard: Guard


class ClusterList(Answer):
    """A page of clusters."""

    clusters: list[Cluster]
    total: int = Field(ge=0, description="How many clusters the filter finds, on all pages.")
    next_cursor: str | None = Field(description="`cursor` of the next page; null at the end.")


class Step(Answer):
    """One step of a registration or check."""

    name: str
    state: Literal["waiting", "running", "ok", "warning", "failed", "skipped"]
    ms: int
    cause: str | None
    message: str
    hint: str


class Steps(Answer):
    """What a registration would do; nothing was saved."""

    steps: list[Step]


class CheckReport(Answer):
    """What a live check found."""

    cluster: Cluster
    steps: list[Step]


class Deregistration(Answer):
    """What is left to be cleaned up on the cluster."""

    id: str = Field(json_schema_extra={"format": "uuid"})
    name: str
    revoked: bool | None = Field(description="Whether pxm revoked its token; null where it made none.")
    cleanup: list[str] = Field(description="Commands to run on any node.")


class Certificate(Answer):
    """A certificate that nobody here vouches for; compare it, and come back with its `sha256` as `fingerprint`."""

    sha256: str
    subject: str
    issuer: str
    names: list[str]
    not_before: Moment
    not_after: Moment


class Fault(Answer):
    """What went wrong."""

    code: CodeWord
    cause: str
    message: str
    hint: str
    field: str | None = Field(default=None, description="The field of the request that is wrong.")
    certificate: Certificate | None = None


class Failure(Answer):
    """Every answer that is no success."""

    error: Fault
    steps: list[Step] | None = Field(default=None, description="How far a registration came.")


class Health(Answer):
    """Whether the server lives, and can work. Why not is told to who shows a token."""

    live: Literal[True]
    ready: bool
    repository: str | None = Field(default=None, description="`ok`, or what is wrong; only with a token.")
    secret_store: str | None = Field(default=None, description="`ok`, or what is wrong; only with a token.")


# Requests


class RegisterRequest(Request):
    """A cluster to be registered: `username` and `password`, or `token_id` and `token_secret`."""

    name: str = Field(default="", description="Empty: the cluster's own.", examples=["prod-cluster"])
    api_endpoint: str = Field(examples=["https://pve.example.com:8006"])
    username: str = Field(default="", examples=["root@pam"])
    password: SecretStr | None = None
    token_id: str = Field(default="", examples=["monitor@pve!pxm"])
    token_secret: SecretStr | None = None
    otp: SecretStr | None = Field(default=None, description="The second factor: a TOTP or recovery code.")
    fingerprint: str | None = Field(
        default=None, description="SHA-256 of the served certificate or of the cluster's CA: nothing else is trusted."
    )
    ca: str | None = Field(default=None, repr=False, description="PEM of the authority that signs the certificate.")
    labels: dict[str, str] = Field(default_factory=dict, examples=[{"env": "prod"}])
    mint_token: bool = Field(
        default=True, description="After a password login make a scoped API token and forget the password."
    )
    separate: bool = Field(default=False, description="Register it as a cluster of its own, even if it is known.")


class EndpointBody(Request):
    """One URL of a cluster."""

    url: str


class GuardBody(Request):
    """What keeps a cluster from being changed."""

    read_only: bool


class EditRequest(Request):
    """What to change; what is left out stays. Trust and login cannot be changed here."""

    name: str | None = None
    labels: dict[str, str | None] | None = Field(
        default=None, description="Merged into the present ones (RFC 7396): null takes a label away."
    )
    endpoints: list[EndpointBody] | None = Field(
        default=None, min_length=1, description="All of them, in the order in which they are tried."
    )
    guard: GuardBody | None = None


# Parameters


_NEITHER = "neither"
"""Stands for what pydantic would understand generously, such as `yes` and `1.0`, and the schema does not."""


def _word_as_bool(text: Any) -> Any:
    return {"true": True, "false": False}.get(text, _NEITHER) if isinstance(text, str) else text


def _digits_as_int(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else _NEITHER


Flag = Annotated[bool, BeforeValidator(_word_as_bool)]


class NoParameters(Request):
    """None are known."""


class ListParameters(Request):
    """Which clusters, in which order, how many."""

    status: list[StatusWord] = Field(default_factory=list, description="Only these; may be given several times.")
    label: list[str] = Field(
        default_factory=list, description="`key=value`, or `key` with any value; all that are given must fit."
    )
    sort: SortWord = Field(default="name", description="A leading `-` turns the order around.")
    limit: Annotated[int, BeforeValidator(_digits_as_int), Field(ge=1, le=1000)] | None = Field(
        default=None, description="Clusters a page; without it all of them."
    )
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")


class RegisterParameters(Request):
    """How to register."""

    dry_run: Flag = Field(default=False, description="Run every step, save nothing.")


class CheckParameters(Request):
    """How to check."""

    retry: Flag = Field(
        default=False, description="Send a login that was refused once more. Each try counts for the node's fail2ban."
    )


class DeregisterParameters(Request):
    """How to deregister."""

    keep_token: Flag = Field(default=False, description="Leave the token that pxm made on the cluster.")


class HealthParameters(Request):
    """What to look at."""

    live: Flag = Field(default=False, description="Say 200 for as long as the server answers, ready or not.")
