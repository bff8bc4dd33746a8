"""The web server believes no proxy by itself, and reads no name of a script from a header."""

from evsportal import gunicorn as settings


def test_server_believes_nobody_by_itself():
    assert settings.forwarded_allow_ips == ""
    assert settings.forwarder_headers == ""
    assert settings.secure_scheme_headers == {}
