"""A portal that people sign in to by the lying provider."""

from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import User

from snapshots.models import Action
from snapshots.sso import metadata, tokens
from tests.sso.lying_provider import CLIENT_ID, CLIENT_SECRET, running_provider

CALLBACK = "/accounts/provider/callback/"


@pytest.fixture
def provider(db, settings):
    with running_provider() as provider:
        settings.EVSPORTAL_OIDC_ISSUER = provider.issuer
        settings.EVSPORTAL_OIDC_CLIENT_ID = CLIENT_ID
        settings.EVSPORTAL_OIDC_CLIENT_SECRET = CLIENT_SECRET
        settings.EVSPORTAL_OIDC_NAME = "Example AG"
        settings.EVSPORTAL_OIDC_ROLES = ["evs-staff=staff", "evs-help=helpdesk", "dba%2Ceu=dba"]
        settings.EVSPORTAL_OIDC_SECONDS = 2
        metadata.forget()
        tokens.forget()
        yield provider
        metadata.forget()
        tokens.forget()


def address_of(page):
    """Where the page leads that goes on to the provider: by itself, and by its link."""
    assert page.status_code == 200, page.text
    text = unescape(page.text)
    address = text.partition('content="0; url=')[2].partition('"')[0]
    assert f'href="{address}"' in text
    return address


class SignIn:
    """A person's browser between the portal and the provider."""

    def __init__(self, client, provider):
        self.client, self.provider = client, provider

    def start(self, **form):
        """What the browser takes to the provider."""
        address = address_of(self.client.post("/accounts/provider/", form))
        query = dict(parse_qsl(urlsplit(address).query))
        self.provider.code_challenge = query["code_challenge"]
        return query

    def finish(self, query, **parameters):
        """Come back with a code. The provider of the tests takes the nonce for its code."""
        sent = {"code": query["nonce"], "state": query["state"], **parameters}
        return self.client.get(CALLBACK, sent)

    def __call__(self, **form):
        return self.finish(self.start(**form))


@pytest.fixture
def sign_in(client, provider):
    return SignIn(client, provider)


@pytest.fixture
def refusal(sign_in, client):
    """Signs in and gives the reason code of the refusal, after looking that nobody is signed in."""

    def refused():
        people = User.objects.count()
        answer = sign_in()
        assert answer.status_code in {401, 503}
        assert "You are not signed in" in answer.text
        assert "_auth_user_id" not in client.session
        assert User.objects.count() == people
        return last_refusal()

    return refused


def last_refusal():
    action = Action.objects.filter(code="session:sign-in:refused").order_by("-seq")[0]
    assert action.details["by"] == "Example AG"
    return action.details["why"]
