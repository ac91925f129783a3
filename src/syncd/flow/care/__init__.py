"""What keeps the daemon well: housekeeping, the clock, the trail, backups."""
