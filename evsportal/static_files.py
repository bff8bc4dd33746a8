"""How static files are named and served."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

_IMPORT = r"""(?P<matched>(?P<start>^import (?:[^;"]*? from )?)"(?P<url>\./[^"]+)";)"""


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Names hold a hash of the content, also those in the `import` statements of our scripts.

    Django's own `support_js_module_import_aggregation` looks into every script, and stops at a
    comment in a script of django-htmx.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", ((f"(?m){_IMPORT}", '%(start)s"%(url)s";'),)),
    )
