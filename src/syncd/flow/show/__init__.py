"""What people read: why content stands where it does, what the daemon does, the ledger in pages."""
