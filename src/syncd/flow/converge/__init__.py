"""What should stand at each place, what does, and the calls in between."""
