"""Compute on Azure: virtual machines with a network interface, disks, and what a firewall and a public address take."""
