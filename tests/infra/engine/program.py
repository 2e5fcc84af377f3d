"""Runs a Pulumi program in a process of its own, as the language host of Pulumi's CLI does; the SDK holds no such entry.

Arguments: address of the services, project, stack, "true" for a preview, the program's file. The configuration comes in
PULUMI_CONFIG and PULUMI_CONFIG_SECRET_KEYS. Ends with 1 when the program fails; what went wrong is logged to the engine.
"""

import asyncio
import logging
import os
import runpy
import sys
import threading
import time
import traceback
from pathlib import Path


def end_with(engine: int) -> None:
    """End this process when the engine that started it is gone: nobody else would."""
    while os.getppid() == engine:
        time.sleep(0.5)
    os._exit(1)


def main(address: str, project: str, stack: str, preview: str, program: str) -> int:
    """Run the program against the services; 0 when it went through."""
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    # Python puts this file's folder first; to the program its own belongs there
    sys.path[0] = str(Path(program).parent)
    import pulumi
    from pulumi.runtime import config

    config.set_all_config(config.get_config_env(), config.get_config_secret_keys_env())
    settings = pulumi.runtime.Settings(
        project=project,
        stack=stack,
        monitor=address,
        engine=address,
        parallel=16,
        dry_run=preview == "true",
        organization="organization",
    )
    pulumi.runtime.configure(settings)
    sys.argv = [program]
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run(program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception:
        pulumi.log.error(traceback.format_exc())
        return 1
    finally:
        loop.close()
    return 0


def _run(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
