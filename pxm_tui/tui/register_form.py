"""The form of a registration: its fields, what they mean together, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from pxm_tui.domain.addresses import ParsedEndpoint, parse_endpoint, parse_label
from pxm_tui.domain.errors import InvalidError
from pxm_tui.tui.draft import ENVIRONMENTS, RegisterDraft
from pxm_tui.tui.fields import Choice, FormInput
from pxm_tui.tui.form_body import FormBody
from pxm_tui.tui.forms import FieldRow, LoginFields

if TYPE_CHECKING:
    from pxm_tui.services.requests import RegistrationRequest

ENDPOINT_HELP = "name, IP address or URL"


class RegisterForm(FormBody):
    """The fields, in the order in which they are asked.

    Args:
        draft: what they begin with.
        no_token: why no token can be made of a password; empty where one can.
    """

    class EndpointChanged(Message):
        """Something was typed into the endpoint."""

    class EndpointLeft(Message):
        """The endpoint was left."""

    def __init__(self, draft: RegisterDraft, *, no_token: str = "") -> None:
        super().__init__()
        self.endpoint = FormInput(draft.endpoint, id="endpoint")
        self.login = LoginFields(
            method=draft.method, user=draft.user, token_id=draft.token_id, makes_token=True, no_token=no_token
        )
        self.login.token.choose(draft.token)
        self.cluster_name = FormInput(draft.name, id="name")
        self.environment = Choice(tuple((word, word) for word in ENVIRONMENTS), id="environment")
        self.environment.choose(draft.environment)
        self.labels = FormInput(draft.labels, id="labels")

    def compose(self) -> ComposeResult:
        """One row a field."""
        yield FieldRow("Endpoint", self.endpoint, ENDPOINT_HELP, id="row-endpoint")
        yield self.login
        yield FieldRow("Name", self.cluster_name, "empty: the cluster's own name", id="row-name")
        yield FieldRow("Environment", self.environment, id="row-environment")
        yield FieldRow("Labels", self.labels, "key=value, separated by spaces", id="row-labels")

    def on_mount(self) -> None:
        """Say how the endpoint is understood."""
        self.describe_endpoint()

    def fill(self, draft: RegisterDraft) -> None:
        """Put other values in all fields, and forget the secrets."""
        self.endpoint.value = draft.endpoint
        self.login.use(draft.method)
        self.login.user.value = draft.user
        self.login.token_id.value = draft.token_id
        self.login.token.choose(draft.token)
        self.cluster_name.value = draft.name
        self.environment.choose(draft.environment)
        self.labels.value = draft.labels
        self.login.forget_secrets()
        self.login.hide_code()
        self.clear_problems()

    def draft(self) -> RegisterDraft:
        """What was typed, without the secrets."""
        return RegisterDraft(
            endpoint=self.endpoint.value,
            method=self.login.method,
            user=self.login.user.value,
            token_id=self.login.token_id.value,
            token=self.login.token.value,
            name=self.cluster_name.value,
            environment=self.environment.value,
            labels=self.labels.value,
        )

    # The endpoint

    def parsed(self) -> ParsedEndpoint:
        """The endpoint as it is understood. Raises `InvalidError`."""
        return parse_endpoint(self.endpoint.value)

    @on(Input.Changed, "#endpoint")
    def _endpoint_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.describe_endpoint()
        self.post_message(self.EndpointChanged())

    @on(Input.Blurred, "#endpoint")
    def _endpoint_left(self, event: Input.Blurred) -> None:
        event.stop()
        self.post_message(self.EndpointLeft())

    def describe_endpoint(self) -> None:
        """Say how it is understood, while it is typed; what cannot be understood yet is not held against it."""
        row = self.row("endpoint")
        row.clear()
        try:
            parsed = self.parsed()
        except InvalidError:
            return
        row.say(parsed.endpoint.url, "help")
        if parsed.notes:
            row.say_below("; ".join(parsed.notes), "note")

    # What is wrong

    def clear_problems(self) -> None:
        """Nothing is wrong any more."""
        for field in ("name", "environment", "labels"):
            self.row(field).clear()
        self.login.clear_problems()
        self.describe_endpoint()

    # Reading it

    def request(self) -> RegistrationRequest:
        """All fields as one request.

        Raises:
            InvalidError: naming the first field that is wrong, from the top.
        """
        from pxm_tui.services.requests import build_request

        self.login.settle()
        login = self.login.request_fields()
        build_request(endpoint=self.endpoint.value, **login)
        build_request(endpoint=self.endpoint.value, name=self.cluster_name.value, **login)
        return build_request(
            endpoint=self.endpoint.value, name=self.cluster_name.value, labels=self._all_labels(), **login
        )

    def _all_labels(self) -> tuple[tuple[str, str], ...]:
        typed = [parse_label(word) for word in self.labels.value.split()]
        if self.environment.value == "none":
            return tuple(typed)
        if any(key == "env" for key, _ in typed):
            raise InvalidError("labels", "The environment is chosen above: leave env= out here.", field="labels")
        return (("env", self.environment.value), *typed)

    def inputs(self) -> Iterator[FormInput]:
        """All fields to type in."""
        yield self.endpoint
        yield from self.login.inputs()
        yield self.cluster_name
        yield self.labels

    def controls(self) -> Iterator[Widget]:
        """All fields."""
        yield from self.inputs()
        yield self.environment
        yield from self.login.choices()


def fresh(draft: RegisterDraft) -> RegisterDraft:
    """The form for the next cluster: environment, user, way of login and the token's role stay."""
    return RegisterDraft(
        method=draft.method,
        user=draft.user,
        token_id=draft.token_id,
        token=draft.token,
        environment=draft.environment,
    )
