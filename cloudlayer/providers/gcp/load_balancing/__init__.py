"""Load balancing: Cloud Load Balancing."""
