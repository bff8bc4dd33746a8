"""The plumbing the other tests stand on."""

import socket

import pytest
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_database_is_the_one_asked_for(pytestconfig):
    assert connection.vendor.startswith(pytestconfig.getoption("--database"))


@pytest.mark.django_db
def test_sqlite_database_is_a_shared_file():
    if connection.vendor == "sqlite":
        assert str(settings.VAR_DIR) in str(connection.settings_dict["NAME"])


def test_tests_keep_out_of_the_checkout():
    assert settings.BASE_DIR not in settings.VAR_DIR.parents


def test_nothing_beyond_loopback_is_reachable():
    with socket.socket() as beyond, pytest.raises(AssertionError, match="only loopback"):
        beyond.connect(("192.0.2.1", 80))
