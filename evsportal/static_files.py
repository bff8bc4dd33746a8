"""How static files are named and served."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import AppDirectoriesFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

_IMPORT = r"""(?P<matched>(?P<start>^import (?:[^;"]*? from )?)"(?P<url>\./[^"]+)";)"""
_PART = r"""(?m)^(?P<matched>@import "\./(?P<part>portal/[a-z]+\.css)";)$"""
_COMMENT = r"(?m)^ *//.*\n| +// .*$"
_INDENT = r"(?m)^ +"
_CSS_COMMENT = r"(?s)/\*.*?\*/\s*"


# No page asks for these files of packages. To compress them took a third of a first start.
_UNUSED = ("htmx-2.js", "htmx-4*", "htmax-*", "ext", "account", "mfa")


class UsedFilesFinder(AppDirectoriesFinder):
    """Lists, to be collected, what pages ask for of the packages' files."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return super().list([*(ignore_patterns or ()), *_UNUSED])


def _text_of_part(storage: FileSystemStorage, match: re.Match[str]) -> str:
    with storage.open(f"css/{match['part']}") as part:
        return str(part.read().decode())


def _nothing(_storage: FileSystemStorage, _match: re.Match[str]) -> str:
    return ""


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Names hold a hash of the content, also those in the `import` statements of our scripts.

    Django's own `support_js_module_import_aggregation` looks into every script, and stops at a
    comment in a script of django-htmx.

    The style sheet is served as one file, since its parts would be asked for one after the other,
    and our scripts and styles without their comments; no text of a script spans lines or has a
    comment's start in it, so that the indents go too.

    The list of names, `staticfiles.json`, lies beside the folder that is served, not in it: it
    would show which packages are installed.
    """

    patterns = (
        ("css/portal.css", ((_PART, _text_of_part),)),
        ("css/*.css", ((_CSS_COMMENT, _nothing),)),
        *CompressedManifestStaticFilesStorage.patterns,
        (
            "js/*.js",
            ((_COMMENT, _nothing), (_INDENT, _nothing), (f"(?m){_IMPORT}", '%(start)s"%(url)s";')),
        ),
    )

    def __init__(self, location: str | Path | None = None, *args: Any, **kwargs: Any) -> None:
        folder = Path(location or settings.STATIC_ROOT)
        kwargs.setdefault("manifest_storage", FileSystemStorage(location=folder.parent))
        super().__init__(location, *args, **kwargs)

    def url_converter(
        self,
        name: str,
        hashed_files: dict[str, str],
        template: str | Callable[[FileSystemStorage, re.Match[str]], str] | None = None,
    ) -> Callable[[re.Match[str]], str]:
        """Of a pattern with a function, what that writes in its place; else as Django does."""
        if callable(template):
            return partial(template, self)
        converter: Callable[[re.Match[str]], str]
        converter = super().url_converter(name, hashed_files, template)
        return converter

    def save_manifest(self) -> None:
        super().save_manifest()
        self.delete(self.manifest_name)  # of an earlier release
