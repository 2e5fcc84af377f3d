"""The container updater, which keeps an account's totals, with our swift.conf: its own script reads /etc/swift alone."""

import sys
from pathlib import Path

from swift.common.utils import set_swift_dir

set_swift_dir(str(Path(sys.argv[1]).parent))
from swift.container.updater import main  # noqa: E402

main()
