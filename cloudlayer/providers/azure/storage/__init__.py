"""Storage: managed disks, their snapshots, and shares of Azure Files."""
