"""The clouds that Pulumi's resources are tried on, each counted and tampered with by its own means."""
