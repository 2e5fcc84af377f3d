"""Compute on EC2."""
