"""The same demands, answered by the scheduler of Ray's autoscaler (v2).

It knows neither prices nor devices: a node's GPUs are one pool to it. So it is told of their memory as one sum, and by a
resource for each class which nodes hold one at all. That is generous: what it plans may not fit the devices.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.instance import Sale, Want

GIB = 1024**3
FITS = 1e6
"""More than any number of replicas: a resource that only says that a class fits."""


def ray_plan(sales: Sequence[Sale], wants: Sequence[Want]) -> dict[str, float]:
    """What Ray's plan costs, and the processor seconds that it took; ImportError without Ray."""
    from ray.autoscaler.v2.instance_manager.config import NodeTypeConfig
    from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
    from ray.autoscaler.v2.utils import ResourceRequestUtil

    prices = {f"{number}": sale.price for number, sale in enumerate(sales)}
    total = sum(want.count for want in wants)
    request = SchedulingRequest(
        disable_launch_config_check=True,
        node_type_configs={
            name: NodeTypeConfig(name=name, min_worker_nodes=0, max_worker_nodes=total, resources=_offered(sale, wants))
            for name, sale in zip(prices, sales, strict=True)
        },
        max_num_nodes=total,
        resource_requests=ResourceRequestUtil.group_by_count(
            [ResourceRequestUtil.make(_wanted(number, want)) for number, want in enumerate(wants) for _ in range(want.count)]
        ),
    )
    start = time.process_time()
    answer = ResourceDemandScheduler().schedule(request)
    seconds = time.process_time() - start
    cost = sum(prices[launch.instance_type] * launch.count for launch in answer.to_launch)
    missing = sum(each.count for each in answer.infeasible_resource_requests)
    return {"cost": round(cost, 4), "cpu_s": round(seconds, 3)} | ({"missing": missing} if missing else {})


def _offered(sale: Sale, wants: Sequence[Want]) -> dict[str, float]:
    has = {"CPU": sale.cpu, "memory": sale.memory * GIB}
    if sale.devices:
        has |= {"GPU": float(sale.devices), "gpu_memory": sale.devices * sale.device_memory}
    return has | {f"class{number}": FITS for number, want in enumerate(wants) if want.fits(sale)}


def _wanted(number: int, want: Want) -> dict[str, float]:
    needs = {"CPU": want.cpu, "memory": want.memory * GIB, f"class{number}": 1.0}
    if want.devices and not want.share:
        needs["GPU"] = float(want.devices)
    if want.devices and want.device_memory:
        needs["gpu_memory"] = want.devices * want.device_memory
    return needs
