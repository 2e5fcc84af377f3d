"""Storage: volumes and snapshots of Cinder."""
