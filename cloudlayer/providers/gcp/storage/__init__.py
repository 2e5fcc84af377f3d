"""Storage: persistent disks and Hyperdisks, and their snapshots."""
