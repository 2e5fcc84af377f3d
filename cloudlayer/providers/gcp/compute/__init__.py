"""Compute on Compute Engine."""
