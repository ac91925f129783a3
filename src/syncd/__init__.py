"""syncd: creator content from submission to live product media, and down again when rights end."""

__version__ = "0.1.0"
