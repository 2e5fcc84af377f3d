"""Which of the machines that exist takes a replica. Pure functions over arrays; the same answers with numpy and with numba."""
