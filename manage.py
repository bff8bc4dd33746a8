#!/usr/bin/env python
"""Runs a management command of this checkout."""

from evsportal.manage import main

if __name__ == "__main__":
    main()
