"""The stores: a file each, over a library each, none of which knows another."""
