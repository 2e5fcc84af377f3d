"""Load balancing: Octavia."""
