"""Reads of our own tables, always through what a person may see. Nothing here changes anything."""
