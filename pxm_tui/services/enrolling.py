"""Saving a cluster whose secret is not at hand: its certificate is trusted first, as ever, but nobody logs in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Login, Status, reason_of
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.login_messages import saved_without_secret
from pxm_tui.domain.messages import invalid
from pxm_tui.formats.rows import GivenTrust, ImportRow
from pxm_tui.services.authority import is_known_before, wished_trust
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.conversation import Conversation
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.identity import refuse_same
from pxm_tui.services.registration import Registrar

ENROLL_STEPS = ("name", "address", "connect", "certificate", "save")


class Enroller(Registrar):
    """Saves records without a secret, as `unauthorized`: a check tells so, and a person logs in later."""

    async def enroll(
        self, row: ImportRow, complete: Callable[[Cluster], Cluster], dialog: Dialog, *, dry_run: bool = False
    ) -> Cluster:
        """Save `row`. Where the file has the whole trust, nothing is contacted.

        Raises:
            InvalidError: the row has no name, or its trust contradicts itself.
            PxmError: its certificate cannot be trusted, its name is taken, or it cannot be saved.
        """
        assert row.login is not None  # noqa: S101
        if not row.name:
            raise invalid("name", "The name is missing, and without a secret the cluster cannot be asked for it.")
        checklist = Checklist(ENROLL_STEPS, dialog.step, self.timer)
        with checklist.step("name") as notes:
            notes.message = await self._check_name(row.name)
        trust = self._given(row.trust) if row.trust is not None else await self._trust_of(row, dialog, checklist)
        given, now = row.login, self._now()
        cluster = Cluster(
            id=self.new_id(),
            name=row.name,
            endpoints=row.endpoints,
            login=Login(
                given.method,
                given.user,
                given.token_id,
                changed_at=given.changed_at or now,
                minted=given.minted,
                expires_at=given.expires_at,
            ),
            trust=trust,
            created_at=now,
            updated_at=now,
            labels=row.labels,
            status=Status.UNAUTHORIZED,
            error=replace(reason_of(saved_without_secret(row.name), "login"), since=now),
        )
        cluster = complete(cluster)
        if not dry_run:
            with checklist.step("save") as notes:
                refuse = refuse_same(cluster, separate=row.separate)
                await to_the_end(lambda: self.repository.save(cluster, refuse))
                notes.message = cluster.name
        return cluster

    async def _trust_of(self, row: ImportRow, dialog: Dialog, checklist: Checklist) -> Trust:
        """The trust by a handshake, as at a registration."""
        asked = wished_trust(row.fingerprint, row.ca_pem or None)
        endpoint = row.endpoints[0]
        session = self.gateway.open(endpoint, asked if is_known_before(asked) else None)
        async with aclosing(session):
            await Conversation(session, endpoint, checklist).reach()
            return await self._decide_trust(session, endpoint, asked, dialog, checklist)

    def _given(self, given: GivenTrust) -> Trust:
        """The trust that a file holds; what it says of certificates is read from the certificates themselves."""
        certificate = self._read(given.certificate_pem, "certificate_pem")
        authority = self._read(given.authority_pem, "authority_pem")
        anchor = self._read(given.anchor_pem, "anchor_pem")
        for pem in given.vouched:
            self._read(pem, "vouched")
        if certificate is not None and certificate.sha256 != given.fingerprint:
            raise _contradiction("fingerprint", "is not that of certificate_pem")
        if given.mode is TrustMode.PINNED_LEAF and (anchor is None or anchor.sha256 != given.fingerprint):
            raise _contradiction("fingerprint", "is not that of anchor_pem")
        if given.mode is TrustMode.PINNED_CA and (authority is None or anchor != authority):
            raise _contradiction("authority_pem", "is not anchor_pem")
        if (authority.sha256 if authority is not None else None) != given.ca_fingerprint:
            raise _contradiction("ca_fingerprint", "is not that of authority_pem")
        return Trust(
            given.mode,
            given.fingerprint,
            given.anchor_pem,
            authority,
            certificate,
            given.trusted_at or self._now(),
            given.vouched,
        )

    def _read(self, pem: str, field: str) -> Certificate | None:
        if not pem:
            return None
        try:
            return self.gateway.parse_certificate(pem)
        except ValueError:
            raise _contradiction(field, "holds no certificate that can be read") from None


def _contradiction(field: str, why: str) -> InvalidError:
    return invalid(f"trust.{field}", f"trust.{field} {why}.", "Take the row from `pxm export` as it is.")
