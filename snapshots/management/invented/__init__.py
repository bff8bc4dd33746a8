"""An invented trail of two years, to measure the portal on: who is there, and what they do by day.

Chance comes from one seed. Rows are made as both databases read them, and inserted past Django's
models but not past the triggers, so that the search finds them as it finds true ones.
"""
