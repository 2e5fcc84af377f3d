"""Autoscaling: stacks of Heat."""
