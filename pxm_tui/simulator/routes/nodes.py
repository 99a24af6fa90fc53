"""One node: its status, version and certificates."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pxm_tui.simulator.certificates import Certificate
from pxm_tui.simulator.inventory import Node
from pxm_tui.simulator.metrics import load_average, node_figures, node_processor
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.cluster import release_of

SWAP = 8 * 2**30


def show_status(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/status`, live figures."""
    node, release = call.node, call.cluster.installed_on(call.node)
    figures = node_figures(node, call.now)
    version = f"#1 SMP PREEMPT_DYNAMIC PMX {release.kernel}"
    data: Entry = {
        "uptime": figures["uptime"],
        "idle": 0,
        "cpu": node_processor(node, call.now),
        "wait": node_processor(node, call.now) / 50,
        "loadavg": load_average(node, call.now),
        "kversion": f"Linux {release.kernel} {version}",
        "pveversion": f"pve-manager/{release.version}/{release.repository}",
        "cpuinfo": _processor(node, release),
        "memory": _memory(node.memory, _whole(figures["mem"]), release),
        "swap": {"total": SWAP, "used": 0, "free": SWAP},
        "ksm": {"shared": 0},
        "rootfs": _root(node.disk, _whole(figures["disk"])),
    }
    if release.at_least(8, 1):
        data["current-kernel"] = {
            "sysname": "Linux",
            "release": release.kernel,
            "version": version,
            "machine": "x86_64",
        }
        data["boot-info"] = {"mode": "efi", "secureboot": 0}
    return data


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _processor(node: Node, release: Release) -> Entry:
    info: Entry = {
        "model": "AMD EPYC 7302P 16-Core Processor",
        "sockets": 1,
        "cores": node.cores // 2,
        "cpus": node.cores,
        "mhz": "2999.998",
        "user_hz": 100,
        "hvm": "1",
        "flags": "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat svm aes avx avx2",
    }
    if release.at_least(9):
        info.update(vendor="AuthenticAMD", family="23")
    return info


def _memory(total: int, used: int, release: Release) -> Entry:
    memory: Entry = {"total": total, "used": used, "free": total - used}
    if release.at_least(9):
        memory["available"] = total - used
    return memory


def _root(total: int, used: int) -> Entry:
    return {"total": total, "used": used, "free": total - used, "avail": int((total - used) * 0.95)}


def show_certificates(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/certificates/info`: the cluster's authority and the node's leaf."""
    authority, leaf = call.cluster.authority.own, call.cluster.leaf(call.node.name)
    return [_describe("pve-root-ca.pem", authority), _describe("pve-ssl.pem", leaf)]


def _describe(filename: str, held: Certificate) -> Entry:
    certificate = held.certificate
    return {
        "filename": filename,
        "fingerprint": held.fingerprint,
        "subject": _one_line(certificate.subject),
        "issuer": _one_line(certificate.issuer),
        "notbefore": int(certificate.not_valid_before_utc.timestamp()),
        "notafter": int(certificate.not_valid_after_utc.timestamp()),
        "san": _alternative_names(certificate),
        **_public_key(certificate),
        "pem": held.pem,
    }


def _public_key(certificate: x509.Certificate) -> Entry:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return {"public-key-type": "rsaEncryption", "public-key-bits": key.key_size}
    bits = key.curve.key_size if isinstance(key, ec.EllipticCurvePublicKey) else 0
    return {"public-key-type": "id-ecPublicKey", "public-key-bits": bits}


def _one_line(name: x509.Name) -> str:
    """Write a name as OpenSSL's one-line form does."""
    return "".join(f"/{part.rfc4514_attribute_name}={part.value!s}" for part in name)


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    found = []
    for name in names:
        if isinstance(name, x509.IPAddress):
            found.append(getattr(name.value, "exploded", str(name.value)))
        else:
            found.append(str(name.value))
    return found


ROUTES = (
    Route("GET", "/nodes/{node}/status", show_status),
    Route("GET", "/nodes/{node}/version", release_of),
    Route("GET", "/nodes/{node}/certificates/info", show_certificates),
)
