"""Compute: servers of Nova, with what they need of Neutron, Glance and Cinder."""
