"""The form of an edit: the record as it is, to be changed, and what the changes are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from pxm_tui.domain.addresses import DEFAULT_PORT, check_name, parse_endpoint, parse_fingerprint, parse_label
from pxm_tui.domain.certificate import Trust
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import InvalidError
from pxm_tui.services.authority import wished_trust
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.editing import edited_endpoints
from pxm_tui.tui.draft import ENVIRONMENTS
from pxm_tui.tui.fields import Choice, FormInput
from pxm_tui.tui.form_body import FormBody
from pxm_tui.tui.forms import FieldRow, LoginFields
from pxm_tui.tui.name_gate import NameGate

UNCHANGED = "empty: stays as it is"


class EditForm(FormBody):
    """The fields, filled with what the record has; secrets are empty.

    Args:
        cluster: the record.
        no_token: why no token can be made of a password; empty where one can.
    """

    DEFAULT_CSS = """
    EditForm NameGate { padding-left: 13; }
    """

    OWN_FIELDS = ("name", "environment", "labels", "endpoints", "guard", "fingerprint", "ca_file")
    FIELDS = frozenset({*OWN_FIELDS, *LoginFields.FIELDS})

    def __init__(self, cluster: Cluster, *, no_token: str = "") -> None:
        super().__init__()
        self._cluster = cluster
        environment = cluster.environment or "none"
        known = ENVIRONMENTS if environment in ENVIRONMENTS else (*ENVIRONMENTS, environment)
        self.cluster_name = FormInput(cluster.name, id="name")
        self.environment = Choice(tuple((word, word) for word in known), id="environment")
        self.environment.choose(environment)
        self.labels = FormInput(
            " ".join(f"{key}={value}" for key, value in cluster.labels if key != "env"), id="labels"
        )
        self.endpoints = FormInput(" ".join(typed_endpoint(one) for one in cluster.endpoints), id="endpoints")
        self.guard = Choice((("off", "may change it"), ("on", "read-only")), id="guard")
        self.guard.choose("on" if cluster.read_only else "off")
        self.gate = NameGate(cluster)
        self.gate.display = False
        self.fingerprint = FormInput("", id="fingerprint")
        self.ca_file = FormInput("", id="ca_file")
        self.login = LoginFields.of(cluster.login, UNCHANGED, no_token=no_token)

    def compose(self) -> ComposeResult:
        """One row a field."""
        yield FieldRow("Name", self.cluster_name, id="row-name")
        yield FieldRow("Environment", self.environment, id="row-environment")
        yield FieldRow("Labels", self.labels, "key=value, separated by spaces", id="row-labels")
        yield FieldRow("Endpoints", self.endpoints, "the registered one first", id="row-endpoints")
        yield FieldRow("Actions", self.guard, id="row-guard")
        yield self.gate
        yield FieldRow("Trust", self.fingerprint, "a SHA-256; " + UNCHANGED, id="row-fingerprint")
        yield FieldRow("CA file", self.ca_file, "a path here; " + UNCHANGED, id="row-ca_file")
        yield self.login

    @on(Choice.Changed, "#guard")
    def _guard_changed(self, event: Choice.Changed) -> None:
        event.stop()
        self.gate.display = self.gate.wanted and self._opens

    @property
    def _opens(self) -> bool:
        """The cluster is read-only, and is to be writable."""
        return self._cluster.read_only and self.guard.value == "off"

    # What is wrong

    def clear_problems(self) -> None:
        """Nothing is wrong any more."""
        for field in self.OWN_FIELDS:
            self.row(field).clear()
        self.login.clear_problems()

    # Reading it

    @property
    def authority_path(self) -> Path | None:
        """The file of authorities that was named."""
        typed = self.ca_file.value.strip()
        return Path(typed).expanduser() if typed else None

    def changes(self, authority: str | None = None) -> Changes:
        """What is to be different from the record as it was when the form was opened.

        Args:
            authority: what is in the file at `authority_path`.

        Raises:
            InvalidError: naming the first field that is wrong, from the top.
        """
        self.login.settle()
        return Changes(
            name=check_name(self.cluster_name.value),
            labels=self._labels(),
            endpoints=self._endpoints(),
            read_only=self._guard(),
            trust=self._trust(authority),
            credentials=self.login.other_than(self._cluster.login),
            token=self.login.token_role,
        ).against(self._cluster)

    def _labels(self) -> tuple[tuple[str, str], ...]:
        typed = dict(parse_label(word) for word in self.labels.value.split())
        if "env" in typed:
            raise InvalidError("labels", "The environment is chosen above: leave env= out here.", field="labels")
        if self.environment.value != "none":
            typed["env"] = self.environment.value
        return tuple(sorted(typed.items()))

    def _endpoints(self) -> tuple[Endpoint, ...]:
        words = self.endpoints.value.replace(",", " ").split()
        try:
            typed = tuple(dict.fromkeys(parse_endpoint(word).endpoint for word in words))
        except InvalidError as error:
            raise InvalidError(error.cause, error.message, do=error.do, field="endpoints") from None
        return edited_endpoints((), typed, ())

    def _guard(self) -> bool:
        if self._opens and self.gate.closed:
            raise InvalidError("guard", "It is production: type its name to make it writable.", field="guard")
        return self.guard.value == "on"

    def _trust(self, authority: str | None) -> Trust | None:
        typed = self.fingerprint.value.strip()
        fingerprint = parse_fingerprint(typed) if typed else None
        return wished_trust(fingerprint, authority) if fingerprint or authority else None

    def inputs(self) -> Iterator[FormInput]:
        """All fields to type in."""
        yield from (self.cluster_name, self.labels, self.endpoints, self.gate.typed, self.fingerprint, self.ca_file)
        yield from self.login.inputs()

    def controls(self) -> Iterator[Widget]:
        """All fields."""
        yield from self.inputs()
        yield from (self.environment, self.guard, *self.login.choices())


def typed_endpoint(endpoint: Endpoint) -> str:
    """As short as it can be typed: without the usual port."""
    return endpoint.host if endpoint.port == DEFAULT_PORT else endpoint.authority
