"""What operators do: connections, exceptions, tokens."""
