"""Autoscaling: managed instance groups."""
