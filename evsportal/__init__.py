"""The portal's settings, web server and commands."""

__version__ = "0.1.0"  # of the next release; docs/releasing.md
