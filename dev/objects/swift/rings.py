"""Rings of one device each: rings.py FOLDER account=PORT container=PORT object=PORT"""

import sys

from swift.common.ring import RingBuilder

PARTITION_POWER, REPLICAS, MINIMUM_HOURS = 4, 1, 0

for argument in sys.argv[2:]:
    name, port = argument.split("=")
    builder = RingBuilder(PARTITION_POWER, REPLICAS, MINIMUM_HOURS)
    where = {"ip": "127.0.0.1", "port": int(port), "replication_ip": "127.0.0.1", "replication_port": int(port)}
    builder.add_dev({"region": 1, "zone": 1, "device": "d1", "weight": 1.0, "meta": "", **where})
    builder.rebalance(seed="cloudlayer")
    builder.get_ring().save(f"{sys.argv[1]}/{name}.ring.gz")
