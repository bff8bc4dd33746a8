"""Web servers: one for raw bytes in this process, and the whole portal behind TLS."""

import pytest
from django.core.wsgi import get_wsgi_application

from tests.e2e.stack import running
from tests.front.web_client import echo, serving

HOST = "portal.example.org"


@pytest.fixture(scope="module")
def web():
    """The portal's pages that need no database, from its web server."""
    with serving(get_wsgi_application()) as server:
        yield server


@pytest.fixture(scope="module")
def mirror():
    """A web server whose application answers with what it was asked."""
    with serving(echo) as server:
        yield server


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    """The portal as `./run` starts it, behind a proxy on this machine that ends TLS."""
    folder = tmp_path_factory.mktemp("portal")
    settings = {
        "EVSPORTAL_HTTPS": "true",
        "EVSPORTAL_HOSTS": f"{HOST},127.0.0.1",
        "EVSPORTAL_ORIGINS": f"https://{HOST}",
        "EVSPORTAL_TRUSTED_PROXIES": "127.0.0.1",
        "EVSPORTAL_ACCESS_LOG": "true",
    }
    with running(folder, "--no-worker", "--no-sandbox", ready="/healthz", **settings) as stack:
        yield stack
