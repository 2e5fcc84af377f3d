"""A balancer's own process: it relays what comes to the balancer's address to targets that are well.

    python -m cloudlayer.providers.local.proxy FOLDER

It reads FOLDER/proxy.json again whenever that changes, writes what it sees to FOLDER/status.json, holds a lock on FOLDER/lock
for as long as it lives, and ends when FOLDER/proxy.json is gone. It needs nobody, imports the standard library alone, and tells
whoever starts it whether it listens.
"""
