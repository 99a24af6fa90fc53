"""One cluster of a file, before anything is known of it but what the file says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class GivenTrust:
    """The trust of a record, as an export has it: certificates in PEM, from which everything else is read anew.

    Attributes:
        mode: which of the four ways.
        fingerprint: SHA-256 of the leaf that was accepted.
        anchor_pem: what is loaded as the trust anchor; empty for `system`.
        certificate_pem: the leaf as it was when it was trusted.
        authority_pem: the cluster's own CA.
        vouched: leaves in PEM that the cluster vouched for.
        trusted_at: when the decision was made, UTC.
        ca_fingerprint: SHA-256 of the cluster's own CA, as the file says it.
    """

    mode: TrustMode
    fingerprint: str | None = None
    anchor_pem: str = ""
    certificate_pem: str = ""
    authority_pem: str = ""
    vouched: tuple[str, ...] = ()
    trusted_at: datetime | None = None
    ca_fingerprint: str | None = None

    @property
    def pin(self) -> str | None:
        """The fingerprint that a registration with this trust expects: the authority's, where that is pinned."""
        return {TrustMode.PINNED_CA: self.ca_fingerprint, TrustMode.PINNED_LEAF: self.fingerprint}.get(self.mode)


@dataclass(frozen=True, slots=True)
class GivenLogin:
    """Who logs in, and the secret where the file has it.

    Attributes:
        method: token or password.
        user: `user@realm`, the realm may be missing with a password.
        token_id: `user@realm!name` for a token.
        secret: the password or the token's secret; None where the file does not have it.
        code: a second factor for this once.
        mint: a token is made after a password login; None: as for every registration.
        minted: pxm made the token.
        expires_at: when a token that pxm made ends, UTC.
        changed_at: when the login was last changed, UTC.
    """

    method: LoginMethod
    user: str
    token_id: str | None = None
    secret: Secret | None = None
    code: Secret | None = None
    mint: bool | None = None
    minted: bool = False
    expires_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One cluster of a file.

    Attributes:
        place: where in the file, in words, such as `line 3` or `profiles.fra`.
        name: its name here; an empty one takes the cluster's own.
        endpoints: the first is the one that is registered.
        login: who logs in; None only where the row is skipped or wrong.
        fingerprint: SHA-256 of the certificate that is expected.
        ca_pem: certificates of the authority that is expected.
        ca_file: where those are to be read; relative to the file's own directory.
        trust: the whole trust, from an export.
        labels: by key.
        read_only: the guard.
        separate: it is a cluster of its own even where another one shares its certificates, as a cloned lab does.
        cluster_id: the id that it had.
        created_at: when it was registered, UTC.
        notes: what is worth saying of how the row was understood.
        skip: why it is no cluster to be imported; empty where it is one.
        error: what is wrong with the row.
    """

    place: str
    name: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    login: GivenLogin | None = None
    fingerprint: str | None = None
    ca_pem: str = field(default="", repr=False)
    ca_file: str = ""
    trust: GivenTrust | None = field(default=None, repr=False)
    labels: tuple[tuple[str, str], ...] = ()
    read_only: bool = False
    separate: bool = False
    cluster_id: str | None = None
    created_at: datetime | None = None
    notes: tuple[str, ...] = ()
    skip: str = ""
    error: InvalidError | None = None

    @property
    def authority(self) -> str | None:
        """SHA-256 of the cluster's own authority, as the file says it."""
        return self.trust.ca_fingerprint if self.trust is not None else None

    @property
    def has_secret(self) -> bool:
        """The file holds a password, a token's secret or a code for it."""
        return self.login is not None and bool(self.login.secret or self.login.code)
