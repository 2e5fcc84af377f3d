"""Which GPU a call was answered on."""

import os


def apply(input):
    """The input, and the devices that this replica may use."""
    return {"input": input, "devices": os.environ.get("CUDA_VISIBLE_DEVICES")}
