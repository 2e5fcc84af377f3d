"""Storage: EBS volumes and their snapshots."""
