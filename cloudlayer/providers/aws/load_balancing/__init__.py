"""Load balancing: Elastic Load Balancing v2."""
