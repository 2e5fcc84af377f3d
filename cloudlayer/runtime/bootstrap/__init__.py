"""From a cloud's bare image to a machine that runs containers: what is asked of it at its first start, and what it tells then.

`user_data` is what cloud-init gets; the scripts of `machine/` go with it. `report` reads what `PROBE` prints there.
"""

from cloudlayer.runtime.bootstrap.report import PROBE, Report, read_report
from cloudlayer.runtime.bootstrap.user_data import STAY, USER, Boot, user_data

__all__ = ["PROBE", "STAY", "USER", "Boot", "Report", "read_report", "user_data"]
