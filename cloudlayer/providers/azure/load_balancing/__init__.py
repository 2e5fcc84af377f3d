"""Load balancing: Azure's Standard Load Balancer."""
