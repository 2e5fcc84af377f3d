"""Deciding how many replicas there should be. Pure functions of what was observed."""
