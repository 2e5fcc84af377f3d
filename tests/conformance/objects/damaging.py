"""Damage at the store, behind the driver's back."""


def flipped(data):
    """The bytes with one of them changed, in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
