"""The products: mirrored from the PIM, looked up by any of their names, matched to assets."""
