"""The demo of `make demo`, in parts."""
