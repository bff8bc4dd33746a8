"""Marks that stand around translated texts are those of the page's language.

What people and clouds wrote stands in an element of its own, and is left out.
"""

import re
from html.parser import HTMLParser

import pytest

from snapshots.models import Preferences
from tests.pages.every_page import addresses
from tests.pages.test_pseudo_language import DATA, SPOKEN, VOID

pytestmark = pytest.mark.any_database

_HAN = "[\u3001-\u3011\u4e00-\u9fff\uff01-\uff1f]"
# Of each language, the English ones that it writes otherwise.
ENGLISH_MARKS = {
    "zh-hans": re.compile(rf"(?<!\s)[.,:;!?](?=\s|$)|{_HAN}[.,:;!?]|[。，：；！？、] +(?={_HAN})"),
    "ar": re.compile(r"(?<!\s)[,;?](?=\s|$)|[\u0600-\u06ff][,;?]"),
}

# In the sentence about patterns of names: no mark, but what may be typed.
_WILDCARD = re.compile(r"，\? |، و\? ")


class _Punctuation(HTMLParser):
    """Texts of the portal that have an English mark."""

    def __init__(self, language):
        super().__init__()
        self.marks, self.elements, self.strays = ENGLISH_MARKS[language], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.elements.append(tag)
        for name, value in attrs:
            if name in SPOKEN:
                self._look(f"{tag} {name}", value or "")

    def handle_endtag(self, tag):
        while self.elements and self.elements.pop() != tag:
            pass

    def handle_data(self, data):
        if not (DATA | {"kbd"}) & set(self.elements):
            self._look("/".join(self.elements[-2:]), data)

    def _look(self, place, text):
        if self.marks.search(_WILDCARD.sub(" ", text)):
            self.strays.append((place, " ".join(text.split())))


def strays_in(html, language):
    reader = _Punctuation(language)
    reader.feed(html)
    return reader.strays


@pytest.mark.parametrize("language", ENGLISH_MARKS)
def test_no_page_has_english_marks_around_its_texts(root, everything, language):
    Preferences.objects.update_or_create(user=root.user, defaults={"language": language})
    strays = {}
    for address in addresses(everything):
        answer = root.get(address, follow=True, headers={"Accept-Language": language})
        if "html" in answer.headers.get("Content-Type", ""):
            for stray in strays_in(answer.text, language):
                strays.setdefault(stray, address)
    assert strays == {}


def test_english_marks_are_noticed():
    page = "<p>名称<b>δ</b>, 容量</p><p>完成。 请</p><p>完成。请</p><a title='名称:'>甲，乙</a>"
    assert [text for _place, text in strays_in(page, "zh-hans")] == [", 容量", "完成。 请", "名称:"]
    page = "<p>اسم <b>δ</b>, حجم</p><p>اسم، حجم</p><p>متى?</p>"
    assert [text for _place, text in strays_in(page, "ar")] == [", حجم", "متى?"]
