"""The catalogues of translations: `python -m tools.words` brings them up to date with the source.

It collects the texts of Python files and templates, puts them into each `django.po`, drops what is
no longer used, and compiles `django.mo` beside it. A test names what it leaves untranslated.
"""

import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from tools import ROOT

LOCALES = ROOT / "locale"
_PYTHON = ("snapshots", "evsportal")
_ENGLISH_ONLY = ("snapshots/management", "snapshots/migrations", "snapshots/sandbox")
_KEYWORDS = {
    **{name: DEFAULT_KEYWORDS[name] for name in ("gettext", "ngettext", "pgettext", "npgettext")},
    **dict.fromkeys(("_", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext_lazy", "_plurals"), (1, 2)),
    "pgettext_lazy": DEFAULT_KEYWORDS["pgettext"],
}

_NOT_KEPT = re.compile(
    r'(?m)^"(?:Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date'
    r'|Last-Translator|Language-Team|Generated-By): .*\\n"\n'
)
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def languages() -> list[str]:
    """All but English, which the texts in the source are."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po_path(language: str) -> Path:
    return LOCALES / to_locale(language) / "LC_MESSAGES" / "django.po"


def texts_of_source() -> Catalog:
    """Every text that is marked for translation, with the files that it stands in."""
    catalogue = Catalog(charset="utf-8")
    for path in _sources():
        content = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            content = _as_python(templatize(content, origin=str(path)))
        name = str(path.relative_to(ROOT))
        for _line, message, _comments, context in extract(
            "python", BytesIO(content.encode()), _KEYWORDS
        ):
            catalogue.add(message, locations=[(name, 0)], context=context)
    return catalogue


def _sources() -> Iterator[Path]:
    for folder in _PYTHON:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not str(path.relative_to(ROOT)).startswith(_ENGLISH_ONLY):
                yield path
    yield from sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())


def _as_python(text: str) -> str:
    """Without indents, which are a template's own and no Python."""
    return re.sub(r"(?m)^[ \t]+", "", text)


def read(language: str) -> Catalog:
    with po_path(language).open("rb") as file:
        return read_po(file, locale=to_locale(language), abort_invalid=True)


def updated(language: str) -> Catalog:
    """The catalogue with exactly the texts of the source, and the translations that it has."""
    catalogue = read(language)
    catalogue.update(texts_of_source(), no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    return catalogue


def po_bytes(catalogue: Catalog) -> bytes:
    """Without dates, names and line numbers, so that it changes only with the texts."""
    file = BytesIO()
    catalogue.header_comment = "# Written by `python -m tools.words`; translations by hand."
    write_po(file, catalogue, width=100, include_lineno=False, sort_by_file=True)
    return _NOT_KEPT.sub("", file.getvalue().decode()).encode()


def mo_bytes(catalogue: Catalog) -> bytes:
    file = BytesIO()
    catalogue.creation_date = catalogue.revision_date = _NO_DATE
    write_mo(file, catalogue)
    return file.getvalue()


def main() -> int:
    for language in languages():
        path = po_path(language)
        path.write_bytes(po_bytes(updated(language)))
        catalogue = read(language)
        path.with_suffix(".mo").write_bytes(mo_bytes(catalogue))
        missing = sum(not message.string for message in catalogue if message.id)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {missing} missing\n")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evsportal.settings")
    os.environ.setdefault("EVSPORTAL_MODE", "sandbox")
    sys.exit(main())
