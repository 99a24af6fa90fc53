"""Reading a file of certificate authorities that was named by a person or in a list of clusters."""

from __future__ import annotations

from pathlib import Path

from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.text import one_line

MOST_CA_BYTES = 1_000_000


def read_ca(path: Path) -> str:
    """The content of a CA file. Raises `InvalidError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_CA_BYTES)
    except OSError as error:
        raise _bad_ca(path, f"cannot be read: {error.strerror}") from None
    if b"-----BEGIN CERTIFICATE-----" not in content or not content.isascii():
        raise _bad_ca(path, "holds no certificate in PEM form")
    return content.decode("ascii")


def _bad_ca(path: Path, why: str) -> InvalidError:
    return InvalidError(
        "ca_file",
        f"{one_line(str(path))} {why}.",
        do="On a node the cluster's authority is /etc/pve/pve-root-ca.pem.",
        field="ca_file",
    )
