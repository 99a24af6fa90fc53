"""Stand-ins for tests of services and screens: a scripted gateway, a still clock, an open secret store, a bundle."""

from tests.fakes.bench import Bench, StillClock, make_bench, make_means, make_mint
from tests.fakes.samples import (
    ANNA,
    AUDITOR,
    EVERYTHING,
    HOSTILE_NAME,
    NOW,
    TOP_PATHS,
    certificate,
    cluster,
    observation,
    reason,
    sketch_fleet,
)
from tests.fakes.server import FakeGateway, FakeOffice, FakeServer, FakeSession
from tests.fakes.stores import FakeAuditLog, FakeCache, FakeIntents, FakePreferences, FakeSecrets

__all__ = [
    "ANNA",
    "AUDITOR",
    "EVERYTHING",
    "HOSTILE_NAME",
    "NOW",
    "TOP_PATHS",
    "Bench",
    "FakeAuditLog",
    "FakeCache",
    "FakeGateway",
    "FakeIntents",
    "FakeOffice",
    "FakePreferences",
    "FakeSecrets",
    "FakeServer",
    "FakeSession",
    "StillClock",
    "certificate",
    "cluster",
    "make_bench",
    "make_means",
    "make_mint",
    "observation",
    "reason",
    "sketch_fleet",
]
