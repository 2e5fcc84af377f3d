"""The clouds, each a folder that knows no other. What they share is in `base`; they are found by their entry points."""
