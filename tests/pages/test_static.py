"""Scripts and style sheets: the hooks they use, and the names they are served under."""

import re
from pathlib import Path

import pytest

from evsportal.static_files import StaticFilesStorage

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "static/js").glob("*.js"))
MARKUP = "".join(
    path.read_text()
    for folder, ending in (("templates", "html"), ("snapshots/forms", "py"))
    for path in (ROOT / folder).rglob(f"*.{ending}")
) + "".join(path.read_text() for path in (ROOT / "snapshots/templatetags").glob("*.py"))
MARKUP += (ROOT / "snapshots/views/live.py").read_text()
HOOK = re.compile(r"\bdata-[a-z][a-z-]*[a-z]")


def in_code(module):
    """The hooks that a module's code uses, by selector or by `dataset`."""
    code = "\n".join(line for line in module.read_text().split("\n") if not line.startswith("//"))
    names = re.findall(r"dataset\.(\w+)", code) + re.findall(r'"(\w+)" in [\w.]+dataset', code)
    for unpacked in re.findall(r"const \{ ([^}]*) \} = [\w.()]+dataset", code):
        names += [name.split(":")[0] for name in unpacked.split(", ")]
    return {f"data-{dashed(name)}" for name in names} | set(HOOK.findall(code))


def dashed(name):
    return re.sub(r"[A-Z]", lambda capital: f"-{capital[0].lower()}", name)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_module_lists_its_hooks_at_its_top(module):
    top = module.read_text().split("\n\n")[0]
    assert in_code(module) == set(HOOK.findall(top))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_hooks_stand_in_markup_and_in_the_documentation(module):
    docs = (ROOT / "docs/pages.md").read_text()
    for hook in in_code(module):
        assert hook in MARKUP, hook
        assert f"`{hook}`" in docs, hook


@pytest.fixture
def collected(tmp_path, settings):
    """Our scripts as the portal serves them."""
    storage = StaticFilesStorage(location=tmp_path, base_url="/static/")
    paths = {}
    for module in MODULES:
        with module.open("rb") as file:
            storage.save(f"js/{module.name}", file)
        paths[f"js/{module.name}"] = (storage, f"js/{module.name}")
    for _name, _hashed, processed in storage.post_process(paths):
        assert processed is not None
    return storage


def test_imports_name_files_by_their_hash(collected):
    names = {Path(name).name for name in collected.hashed_files.values()}
    imported = set()
    for name in collected.hashed_files.values():
        with collected.open(name) as file:
            imported |= set(re.findall(r'import .*?"\./([^"]+)"|$', file.read().decode()))
    assert imported - {""} <= names
    fetched = {"portal.js", "live.js", "forms.js", "passkeys.js", "notify.js"}  # by pages
    assert {re.sub(r"\.[0-9a-f]{12}\.", ".", name) for name in imported if name} | fetched == {
        module.name for module in MODULES
    }
