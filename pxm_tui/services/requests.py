"""What a person asks for, checked before anything is contacted: the registration request."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from pxm_tui.domain.addresses import (
    check_name,
    check_token_id,
    check_user,
    parse_endpoint,
    parse_fingerprint,
    parse_label,
)
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.pem import fingerprints, split
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.services.ports import Credentials


class RegistrationRequest(BaseModel):
    """A cluster to be registered.

    Either `user` and `password`, or `token_id` and `token_secret`. An empty `name` stands for the cluster's own.
    `trust_ca` is the content of a CA file, `fingerprint` the SHA-256 of the leaf, or of the cluster's own authority,
    that is expected; beside a CA file it names the authority in it. With none of them the operating system's
    authorities count, and a person is asked. With `mint_token` a password makes an API token of `token_role` and is
    forgotten.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")

    endpoint: str
    name: str = ""
    user: str = ""
    password: SecretStr | None = None
    token_id: str = ""
    token_secret: SecretStr | None = None
    code: SecretStr | None = None
    fingerprint: str | None = None
    trust_ca: str | None = Field(default=None, repr=False)
    labels: tuple[tuple[str, str], ...] = ()
    separate: bool = False
    """Register it as a cluster of its own, even where it is known already."""
    mint_token: bool = True
    token_role: TokenRole = TokenRole.AUDITOR

    @field_validator("endpoint")
    @classmethod
    def _endpoint(cls, text: str) -> str:
        return parse_endpoint(text).endpoint.url

    @field_validator("name")
    @classmethod
    def _name(cls, text: str) -> str:
        return check_name(text) if text.strip() else ""

    @field_validator("user")
    @classmethod
    def _user(cls, text: str) -> str:
        return check_user(text) if text.strip() else ""

    @field_validator("token_id")
    @classmethod
    def _token_id(cls, text: str) -> str:
        return check_token_id(text) if text.strip() else ""

    @field_validator("fingerprint")
    @classmethod
    def _fingerprint(cls, text: str | None) -> str | None:
        return parse_fingerprint(text) if text else None

    @field_validator("labels")
    @classmethod
    def _labels(cls, labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(dict(parse_label(f"{key}={value}") for key, value in labels).items()))

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.token_id or self.token_secret is not None:
            _need(self.token_id, "token_id", "The token ID is missing.", "It is user@realm!name.")
            _need(_text(self.token_secret), "token_secret", "The token's secret is missing.")
        else:
            _need(self.user, "user", "The user is missing.", "Example: root@pam.")
            _need(_text(self.password), "password", "The password is missing.")
        if self.fingerprint and self.trust_ca:
            need_both(self.fingerprint, self.trust_ca)
        return self

    @property
    def target(self) -> Endpoint:
        """The endpoint, parsed."""
        return parse_endpoint(self.endpoint).endpoint

    @property
    def method(self) -> LoginMethod:
        """How to log in."""
        return LoginMethod.TOKEN if self.token_id else LoginMethod.PASSWORD

    def credentials(self) -> Credentials:
        """What is sent to log in."""
        return credentials_of(self.user, self.password, self.token_id, self.token_secret)


def credentials_of(
    user: str, password: SecretStr | None, token_id: str = "", token_secret: SecretStr | None = None
) -> Credentials:
    """The credentials of a user and password, or of a token."""
    if token_id:
        return Credentials(LoginMethod.TOKEN, token_id.partition("!")[0], Secret(_text(token_secret)), token_id)
    return Credentials(LoginMethod.PASSWORD, user, Secret(_text(password)))


def need_both(fingerprint: str, trust_ca: str) -> None:
    """A fingerprint beside a CA file says which authority in it is the cluster's own. Raises `InvalidError`."""
    if fingerprint not in fingerprints(split(trust_ca)):
        raise InvalidError(
            "fingerprint",
            "The fingerprint is that of no certificate in the CA file.",
            do="With a CA file, give the fingerprint of the cluster's own authority in it, or none.",
            field="fingerprint",
        )


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""


def _need(value: str, field: str, message: str, do: str = "") -> None:
    if not value:
        raise InvalidError(field, message, do=do, field=field)


def build_request(**fields: object) -> RegistrationRequest:
    """Make a request of untrusted fields.

    Raises:
        InvalidError: naming the first field that is wrong.
    """
    try:
        return RegistrationRequest.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        location = ".".join(str(part) for part in first["loc"]) or "request"
        raise InvalidError(location, f"{location}: {first['msg']}.", field=location) from None
