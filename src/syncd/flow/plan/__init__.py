"""Another revision: what it would change, shown before it is applied."""
