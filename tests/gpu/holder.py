"""`holder.py MIB`: takes memory of device 0 and fills it, says "held" or the error, then answers each line with its state."""

import ctypes
import sys

PATTERN = 0xA5


def main():
    cuda = ctypes.CDLL("libcuda.so.1")
    size = int(sys.argv[1]) * 1024**2
    device, context, place = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
    for name, call in (
        ("cuInit", lambda: cuda.cuInit(0)),
        ("cuDeviceGet", lambda: cuda.cuDeviceGet(ctypes.byref(device), 0)),
        ("cuCtxCreate", lambda: cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device)),
        ("cuMemAlloc", lambda: cuda.cuMemAlloc_v2(ctypes.byref(place), ctypes.c_size_t(size))),
        ("cuMemsetD8", lambda: cuda.cuMemsetD8_v2(place, ctypes.c_ubyte(PATTERN), ctypes.c_size_t(size))),
        ("cuCtxSynchronize", cuda.cuCtxSynchronize),
    ):
        if code := call():
            print(f"{name} {code}", flush=True)
            break
    else:
        print("held", flush=True)
    for _ in sys.stdin:
        found = (ctypes.c_ubyte * size)()
        code = cuda.cuMemcpyDtoH_v2(found, place, ctypes.c_size_t(size))
        same = code == 0 and bytes(found) == bytes([PATTERN]) * size
        print("same" if same else f"changed {code}", flush=True)


if __name__ == "__main__":
    main()
