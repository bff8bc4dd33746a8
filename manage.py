#!/usr/bin/env python
"""Runs a management command."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evsportal.settings")
    # ruff: noqa: PLC0415 - Django is imported after the settings' name is known
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a wrong setting deserves a sentence, not a traceback
        sys.exit(f"manage.py: {error}")


if __name__ == "__main__":
    main()
