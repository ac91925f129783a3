"""Marking keys as due because somebody asked, in the background."""
