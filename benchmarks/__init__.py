"""What is measured: the gateway, and how soon a function answers from nothing."""
