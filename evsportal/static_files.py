"""How static files are named and served."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

_IMPORT = r"""(?P<matched>(?P<start>^import (?:[^;"]*? from )?)"(?P<url>\./[^"]+)";)"""


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Names hold a hash of the content, also those in the `import` statements of our scripts.

    Django's own `support_js_module_import_aggregation` looks into every script, and stops at a
    comment in a script of django-htmx.

    The list of names, `staticfiles.json`, lies beside the folder that is served, not in it: it
    would show which packages are installed.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((f"(?m){_IMPORT}", '%(start)s"%(url)s";'),)),
    )

    def __init__(self, location: str | Path | None = None, *args: Any, **kwargs: Any) -> None:
        folder = Path(location or settings.STATIC_ROOT)
        kwargs.setdefault("manifest_storage", FileSystemStorage(location=folder.parent))
        super().__init__(location, *args, **kwargs)

    def save_manifest(self) -> None:
        super().save_manifest()
        self.delete(self.manifest_name)  # of an earlier release
