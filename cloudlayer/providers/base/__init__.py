"""What drivers share: retries, waits, pages, error translation, attempts, and the bases of Compute and Provider."""
