"""Who gets links by mail is told, at the old address, that somebody else changed it."""

import pytest
from django.contrib.auth.models import User

from tests import factories as scene
from tests.received_mail import mail_server_running
from tests.sign_in.conftest import RIGHT

HEAD = "username,first_name,last_name,email,active,groups"


@pytest.fixture
def mailbox(settings):
    with mail_server_running() as (box, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EVSPORTAL_EMAIL_FROM = "portal@example.org"
        yield box


@pytest.fixture
def alice(transactional_db):
    person = scene.person("alice", password=RIGHT)
    person.email = "alice@example.com"
    person.save()
    return person


@pytest.fixture
def root(transactional_db, visitor_at):
    scene.person("root", password=RIGHT)
    browser = visitor_at("198.51.100.9")
    browser.sign_in("root")
    return browser


def _by_form(root, person, email):
    address = f"/people/{person.pk}/change/"
    form = root.get(address).context["form"]
    fields = {"username": person.username, "roles": form["roles"].value(), "seen": form.digest}
    if form.is_own:
        del fields["roles"]
    return root.post(address, fields | {"email": email})


def _by_import(root, person, email):
    text = f"{HEAD}\n{person.username},,,{email},yes,staff"
    checked = root.post("/people/import/", {"rows": text}).context["checked"]
    return root.post("/people/import/", {"rows": text, "do": "import", "checked": checked})


@pytest.mark.parametrize("change", [_by_form, _by_import])
def test_person_reads_at_the_old_address_who_changed_it(mailbox, root, alice, change):
    assert change(root, alice, "mallory@example.com").status_code == 302
    message = mailbox.next()
    assert message["To"] == "alice@example.com"
    assert "root changed the e-mail address of your account alice" in message.get_content()
    assert User.objects.get(pk=alice.pk).email == "mallory@example.com"


def test_other_changes_send_nothing(mailbox, root, alice):
    own = User.objects.get(username="root")
    own.email = "root@example.com"
    own.save()
    assert _by_form(root, own, "other@example.com").status_code == 302
    assert _by_form(root, alice, "alice@example.com").status_code == 302
    _by_form(root, alice, "last@example.com")
    assert mailbox.next()["To"] == "alice@example.com"
    assert mailbox.messages == []
