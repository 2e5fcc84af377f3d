"""The only room that acts for a fleet: its store, its reconciler, its ledger."""
