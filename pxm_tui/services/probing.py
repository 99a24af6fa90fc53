"""The quiet look at an endpoint while somebody still types: address, connect, certificate. No login, no question."""

from __future__ import annotations

from contextlib import aclosing, suppress

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import CertificateError, PxmError
from pxm_tui.domain.times import left_words
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.conversation import Conversation
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.ports import Clock, ProxmoxGateway, Timer

PROBE_STEPS = ("address", "connect", "certificate")


async def probe(gateway: ProxmoxGateway, endpoint: Endpoint, dialog: Dialog, clock: Clock, timer: Timer) -> None:
    """Run the first three steps; a failure is told by its step alone."""
    checklist = Checklist(PROBE_STEPS, dialog.step, timer)
    session = gateway.open(endpoint)
    async with aclosing(session):
        with suppress(PxmError):
            await Conversation(session, endpoint, checklist).reach()
            with checklist.step("certificate") as notes:
                try:
                    certificate = await session.secure(Trust(TrustMode.SYSTEM))
                    left = left_words(certificate.not_after, clock())
                    notes.message = f"vouched for by an authority of this machine{left}"
                except CertificateError as error:
                    if error.certificate is None:
                        raise
                    notes.warn(
                        error.cause,
                        "not vouched for by any authority here; you decide before the login is sent",
                    )
