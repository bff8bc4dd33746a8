"""Checks that read the database are asked only where one is named."""

import pytest
from django.core.checks import run_checks


def test_plain_check_reads_no_database():
    assert run_checks(tags=["database"]) == []  # pytest-django refuses each query


def test_check_of_a_named_database_reads_it():
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        run_checks(tags=["database"], databases=["default"])
