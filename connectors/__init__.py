"""Connectors: one file per vendor, pages in, canonical facts out."""
