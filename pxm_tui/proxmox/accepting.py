"""What a handshake is verified against, and whether a certificate that OpenSSL let pass is one that was meant.

A trust is a set: the anchor of its mode, and beside it what the cluster itself has vouched for. The two compare
different things (names and dates, or neither), so each is a way of its own, with a context of its own.
"""

from __future__ import annotations

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.pem import fingerprint, fingerprints
from pxm_tui.proxmox.authority import proven_authority


def ways_of(trust: Trust) -> tuple[Trust, ...]:
    """The ways in which a certificate may verify under `trust`, in the order in which they are tried.

    Pins take what was vouched for into their own context. The system's authorities and those of a file compare
    names and dates; what the cluster vouched for is tried after them.
    """
    if trust.mode in {TrustMode.PINNED_CA, TrustMode.PINNED_LEAF}:
        return (trust,)
    usual = Trust(trust.mode, anchor_pem=trust.anchor_pem)
    if trust.mode is TrustMode.SYSTEM and trust.authority is not None:
        return usual, Trust(TrustMode.PINNED_CA, anchor_pem=trust.authority.pem, vouched=trust.vouched)
    return (usual, Trust(TrustMode.PINNED_LEAF, vouched=trust.vouched)) if trust.vouched else (usual,)


def accepts(way: Trust, leaf: bytes) -> bool:
    """Whether `leaf` (DER) is what a pin means: a pinned leaf could be an authority, and sign others.

    For `system` and `ca_file` the handshake is all there is to it.
    """
    if way.mode is TrustMode.PINNED_CA:
        return _is_among(way.vouched, leaf) or proven_authority(leaf, [way.anchor_pem]) is not None
    if way.mode is TrustMode.PINNED_LEAF:
        return fingerprint(leaf) == way.fingerprint or _is_among(way.vouched, leaf)
    return True


def _is_among(pems: tuple[str, ...], leaf: bytes) -> bool:
    return fingerprint(leaf) in fingerprints(pems)
