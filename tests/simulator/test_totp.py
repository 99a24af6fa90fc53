"""One-time codes against the test vectors of RFC 6238 and RFC 4226."""

import base64

import pytest

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.totp import hotp, make_recovery_keys, make_secret, matching_counter, totp

SECRET = base64.b32encode(b"12345678901234567890").decode()
KEYS = {"sha1": b"12345678901234567890", "sha256": b"12345678901234567890123456789012"}
KEYS["sha512"] = b"1234567890123456789012345678901234567890123456789012345678901234"


@pytest.mark.parametrize(
    ("now", "algorithm", "code"),
    [
        (59, "sha1", "94287082"),
        (59, "sha256", "46119246"),
        (59, "sha512", "90693936"),
        (1111111109, "sha1", "07081804"),
        (1111111109, "sha256", "68084774"),
        (1111111109, "sha512", "25091201"),
        (1111111111, "sha1", "14050471"),
        (1234567890, "sha1", "89005924"),
        (1234567890, "sha256", "91819424"),
        (2000000000, "sha1", "69279037"),
        (20000000000, "sha1", "65353130"),
        (20000000000, "sha512", "47863826"),
    ],
)
def test_vectors_of_rfc_6238(now: int, algorithm: str, code: str) -> None:
    assert hotp(KEYS[algorithm], now // 30, digits=8, algorithm=algorithm) == code


def test_vectors_of_rfc_4226() -> None:
    codes = [hotp(KEYS["sha1"], counter) for counter in range(4)]
    assert codes == ["755224", "287082", "359152", "969429"]


def test_a_code_fits_its_step_and_the_neighbours() -> None:
    code = totp(SECRET, 59)
    assert code == "287082"
    assert [matching_counter(SECRET, code, now) for now in (0, 29, 59, 89, 90)] == [1, 1, 1, 1, None]


def test_secrets_follow_from_the_seed() -> None:
    assert make_secret(seeded(1)) == make_secret(seeded(1)) != make_secret(seeded(2))
    keys = make_recovery_keys(seeded(1))
    assert list(keys) == list(range(10))
    assert all(len(key) == 19 and key.count("-") == 3 for key in keys.values())
