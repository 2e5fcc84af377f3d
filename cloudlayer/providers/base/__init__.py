"""What all providers share: pages, waiters, retries, labels, attempts, and the translation of errors."""
