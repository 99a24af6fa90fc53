"""A typed client of the REST API, synchronous and asynchronous, with the models that the server is made of.

from pxm_tui.client import PxmClient, RegisterRequest

with PxmClient(token=token) as pxm:
for cluster in pxm.list(status=["unreachable"]).clusters:
print(cluster.name, cluster.error.message)
"""

from pxm_tui.api.models import (
    CheckReport,
    Cluster,
    ClusterList,
    Deregistration,
    EditRequest,
    EndpointBody,
    Fault,
    GuardBody,
    Health,
    RegisterRequest,
    Step,
    Steps,
)
from pxm_tui.client.calls import PxmApiError
from pxm_tui.client.clients import AsyncPxmClient, PxmClient

__all__ = [
    "AsyncPxmClient",
    "CheckReport",
    "Cluster",
    "ClusterList",
    "Deregistration",
    "EditRequest",
    "EndpointBody",
    "Fault",
    "GuardBody",
    "Health",
    "PxmApiError",
    "PxmClient",
    "RegisterRequest",
    "Step",
    "Steps",
]
