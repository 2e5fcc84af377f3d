"""Starts and stops replicas on a machine: engines, hosts, and the worker that runs inside."""
