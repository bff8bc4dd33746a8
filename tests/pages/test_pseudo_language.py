"""Every page in an invented language: what is not in it was never marked for translation.

The invented catalogue puts each text of the source between brackets. What people and clouds wrote
is Greek here, or stands in an element for such things: so whatever else has Latin letters is
hard-coded.
"""

import re
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.utils.translation import trans_real

from snapshots.models import OWN_RIGHTS
from snapshots.templatetags import lines, once
from tests.pages.every_page import addresses
from tools import words

pytestmark = pytest.mark.any_database

OPEN, CLOSE = "⟦", "⟧"
# Of data: names, ids, commands, times. They say themselves which direction they have.
DATA = {"bdi", "code", "pre", "time", "script", "style", "textarea", "optgroup", "in a language"}
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "use", "rect", "path"}
SPOKEN = {"title", "aria-label", "placeholder", "alt", "data-says", "data-announce", "data-found"}
# The cloud's own words, names of formats and units, and what the portal's address has.
NOT_WORDS = re.compile(
    r"\b(?:sandbox|available|creating|error|deleting|error_deleting|rollbacking|UTC|CHG-\d+"
    r"|actor-id:\d+|ticket:CHG123 code:EVS.5400 \"free text|POST|202 Accepted|curl|HTTPie|Python"
    r"|alice|bob|helen|audrey|root|staff|helpdesk|auditor|administrator|snapshots|req-42"
    r"|Content-Type|X-Auth-Token|X-Request-Id|[0-9a-f]{8}(?:-[0-9a-f-]+)?"
    r"|(?:[A-Z][a-z]+, )?\d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4})\b"
)


class _Words(HTMLParser):
    """Texts with Latin letters outside of the brackets."""

    def __init__(self):
        super().__init__()
        self.depth, self.elements, self.strays = 0, [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.elements.append(
                "in a language" if tag == "option" and "lang" in dict(attrs) else tag
            )
        for name, value in attrs:
            is_button = tag == "input" and name == "value" and dict(attrs).get("type") == "submit"
            if name in SPOKEN or is_button:
                self._look(
                    f"{tag} {name}", re.sub(f"{OPEN}.*{CLOSE}", "", value or "", flags=re.DOTALL)
                )

    def handle_endtag(self, tag):
        while self.elements and self.elements.pop() not in {tag, "in a language"}:
            pass

    def handle_data(self, data):
        for part in re.split(f"([{OPEN}{CLOSE}])", data):
            self.depth += {OPEN: 1, CLOSE: -1}.get(part, 0)
            if not self.depth and not DATA & set(self.elements):
                self._look("/".join(self.elements[-2:]), part)

    def _look(self, place, text):
        if re.search("[A-Za-z]{2}", NOT_WORDS.sub("", text)):
            self.strays.append((place, " ".join(text.split())))


def strays_in(html):
    reader = _Words()
    reader.feed(html)
    return reader.strays


@pytest.fixture
def _invented(monkeypatch):
    """English, between brackets, as the language of everything: what Turkish has words for."""
    translated = trans_real.translation("tr")._catalog.keys()
    texts = {key: _bracketed(key) for key in translated if key}
    catalogue = trans_real.translation(settings.LANGUAGE_CODE)
    invented = trans_real.TranslationCatalog()
    invented._catalogs = [texts, *catalogue._catalog._catalogs]
    invented._plurals = [lambda number: int(number != 1), *catalogue._catalog._plurals]
    monkeypatch.setattr(catalogue, "_catalog", invented)
    _forget_what_was_written()
    yield
    _forget_what_was_written()


def _forget_what_was_written():
    """In the language that the invented one is in the place of."""
    lines._written.clear()
    once._rendered.clear()


_PLURALS = {
    message.id[0]: message.id for message in words.read("tr") if isinstance(message.id, tuple)
}


def _bracketed(key):
    """A key of a catalogue: a text, perhaps behind its context, or one with the number of its
    plural form.
    """
    text, form = key if isinstance(key, tuple) else (key, 0)
    text = text.rpartition(trans_real.CONTEXT_SEPARATOR)[2]
    return f"{OPEN}{_PLURALS.get(text, (text, text))[form]}{CLOSE}"


@pytest.mark.usefixtures("_invented")
def test_no_page_has_words_outside_of_the_catalogue(root, client, everything):
    strays = {}
    for address in addresses(everything):
        for browser, query in ((root, ""), (root, "?q=zzz"), (client, "")):
            answer = browser.get(address + query, follow=True)
            if "html" in answer.headers.get("Content-Type", ""):
                for stray in strays_in(answer.text):
                    strays.setdefault(stray, address + query)
    assert strays == {}


@pytest.mark.usefixtures("_invented")
def test_no_answer_to_a_form_has_words_outside_of_the_catalogue(root, everything):
    strays = {}
    for address in addresses(everything):
        answer = root.post(address, {"kind": "delete", "zone": "x", "name": "\u0007"}, follow=True)
        if "html" in answer.headers.get("Content-Type", ""):
            for stray in strays_in(answer.text):
                strays.setdefault(stray, address)
    assert strays == {}


@pytest.mark.usefixtures("_invented")
def test_rights_of_a_group_have_words(root):
    """The database has their names in English, and pages show them as data."""
    group = Group.objects.create(name="night-shift")
    rights = Permission.objects.filter(codename__in=dict(OWN_RIGHTS))
    group.permissions.set(rights)
    for address in ("/groups/", f"/groups/{group.pk}/", "/groups/new/"):
        text = root.get(address).text
        assert [right.name for right in rights if _bracketed(right.name) not in text] == []


def test_hard_coded_text_is_noticed():
    page = f"<p>{OPEN}Fine <b>so</b> far{CLOSE} <bdi>db-01</bdi></p><a title='Bare'>Also bare</a>"
    assert strays_in(page) == [("a title", "Bare"), ("a", "Also bare")]
