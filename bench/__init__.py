"""The measurements of `make bench`: production code side by side with its yardsticks, in one run on one machine."""
