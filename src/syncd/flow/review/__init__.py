"""Before people and with people: checks, grants, rounds of review, decisions."""
