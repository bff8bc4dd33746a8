"""A person with a browser that has no script: reads a page's form, fills it in and sends it."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class Form(HTMLParser):
    """The fields of one form with what they hold, as a browser would send them."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._action = action
        self._inside = self._in_template = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = self._action in fields.get("action", "") or "id" in fields
        self._in_template = self._in_template or tag == "template"
        if not self._inside or self._in_template:
            return
        name = fields.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in fields:
            self.fields.setdefault(self._select, []).append(fields.get("value", ""))
        elif tag == "textarea" and name:
            self.fields.setdefault(name, [""])
        elif tag == "input" and name and fields.get("type") not in {"submit", "button"}:
            is_box = fields.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in fields:
                self.fields.setdefault(name, []).append(fields.get("value", "on" if is_box else ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._in_template = self._in_template and tag != "template"


class WebPerson:
    def __init__(self, address: str) -> None:
        self.address = address
        self._session = requests.Session()
        self._session.trust_env = False

    def read(self, path: str) -> str:
        answer = self._session.get(urljoin(self.address, path), timeout=20)
        answer.raise_for_status()
        return answer.text

    def send(self, path: str, *, action: str = "", **filled: str) -> requests.Response:
        """The page that comes after sending the form of this page."""
        page = self._session.get(urljoin(self.address, path), timeout=20)
        form = Form(action)
        form.feed(page.text)
        answer = self._session.post(
            page.url,
            data=form.fields | filled,
            headers={"Referer": page.url},
            timeout=20,
        )
        answer.raise_for_status()
        assert "errornote" not in answer.text, answer.text  # the administration's own word
        return answer

    def sign_in(self, name: str, password: str) -> str:
        return self.send("/accounts/login/", username=name, password=password).text
