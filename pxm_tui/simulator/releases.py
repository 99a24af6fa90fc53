"""The Proxmox VE releases that a simulated cluster can run, and how they differ on the wire."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Release:
    """One release of Proxmox VE.

    Attributes:
        number: major and minor number.
        version: as `GET /version` gives it.
        repository: the `repoid` of that package.
        parser_line: line of pve-http-server's AnyEvent.pm that its JSON errors name.
        kernel: the kernel's release.
        base: version of the package `proxmox-ve`.
    """

    number: tuple[int, int]
    version: str
    repository: str
    parser_line: int
    kernel: str
    base: str

    @property
    def name(self) -> str:
        """The release as `GET /version` names it, such as `8.4`."""
        return f"{self.number[0]}.{self.number[1]}"

    def at_least(self, major: int, minor: int = 0) -> bool:
        """Tell whether this is `major`.`minor` or later."""
        return self.number >= (major, minor)

    @property
    def message_in_body(self) -> bool:
        """Errors carry a `message` and protocol errors a text (pve-http-server 5.2.0 and later)."""
        return self.at_least(8, 4)

    @property
    def body_limit(self) -> int:
        """Largest accepted request body in bytes (512 KiB since pve-http-server 5.2.1)."""
        return 512 * 1024 if self.at_least(8, 4) else 64 * 1024

    @property
    def redirects_plain_http(self) -> bool:
        """Plain HTTP on the TLS port is redirected (pve-http-server 4.2-1 and later)."""
        return self.at_least(7, 4)

    @property
    def deflates(self) -> bool:
        """Bodies are compressed by deflate where gzip is not accepted (pve-http-server 5.1.0 and later)."""
        return self.at_least(8, 2)

    @property
    def hides_authentication_details(self) -> bool:
        """Every failure before the handler reads `Authentication failed!` (pve-manager 9.1.5 and later)."""
        return self.at_least(9, 2)

    @property
    def authority_has_key_usage(self) -> bool:
        """The cluster's CA has a keyUsage extension (pve-cluster 9.1.2 and later)."""
        return self.at_least(9, 2)


RELEASES = {
    "6.4": Release((6, 4), "6.4-15", "af7986e6", 844, "5.4.203-1-pve", "6.4-1"),
    "7.4": Release((7, 4), "7.4-16", "0f39f621", 880, "5.15.108-1-pve", "7.4-1"),
    "8.4": Release((8, 4), "8.4.1", "2a5fa54a8503f96d", 917, "6.8.12-9-pve", "8.4.0"),
    "9.2": Release((9, 2), "9.2.11", "f6997e698c7933ea", 934, "6.17.2-1-pve", "9.2.0"),
}
"""Every release that can be chosen, oldest first."""

_EARLIER = {
    "6.4": ("6.4-13", "9f411e79", "5.4.174-2-pve"),
    "7.4": ("7.4-3", "9002ab8a", "5.15.102-1-pve"),
    "8.4": ("8.4.0", "ec58e45e1bcdf2ac", "6.8.12-8-pve"),
    "9.2": ("9.2.6", "83043a4cf1b0ff5b", "6.14.11-4-pve"),
}


def before_update(release: Release) -> Release:
    """What a node runs on which the last update of this release has not been installed."""
    version, repository, kernel = _EARLIER[release.name]
    return replace(release, version=version, repository=repository, kernel=kernel)
