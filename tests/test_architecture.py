"""Rules of the house that the linters do not know."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = [*ROOT.glob("snapshots/**/*.py"), *ROOT.glob("evsportal/**/*.py")]


def test_no_module_is_called_utils():
    assert [path for path in CODE if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_no_file_is_longer_than_400_lines():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in CODE
        if "migrations" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_templates_have_no_inline_script_or_style():
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", re.IGNORECASE
    )
    names = [
        path.name
        for path in ROOT.glob("templates/**/*.html")
        if inline.search(path.read_text(encoding="utf-8"))
    ]
    assert names == []


def test_pinned_requirements_have_hashes_and_no_address():
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_migrations_say_whether_old_code_may_run():
    silent = [
        path.name
        for path in ROOT.glob("snapshots/migrations/0*.py")
        if "    old_code_may_run = " not in path.read_text(encoding="utf-8")
    ]
    assert silent == []


def _module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported_modules(source, modules):
    """The modules that a source imports, wherever it does: in a function or for types alone too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their module in full"
            full_names = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= full_names if full_names <= modules else {*full_names, node.module}
    return names & modules


def _import_graph(sources):
    modules = set(sources)
    return {
        module: _imported_modules(source, modules) - {module} for module, source in sources.items()
    }


def _circle(graph):
    """A circle of imports, as "a -> b -> a"; empty when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return ""


def _sources():
    return {_module_name(path): path.read_text(encoding="utf-8") for path in CODE}


def test_no_circle_of_imports():
    graph = _import_graph(_sources())
    assert len(graph) > 150
    assert _circle(graph) == ""


@pytest.mark.parametrize(
    "source",
    [
        "from snapshots import second",
        "from snapshots.second import name",
        "import snapshots.second",
        "def function():\n    from snapshots.second import name",
        "if TYPE_CHECKING:\n    from snapshots.second import Name",
    ],
)
def test_every_way_to_import_counts_for_circles(source):
    first = "import json\nfrom snapshots.first import name"
    graph = _import_graph({"snapshots.first": source, "snapshots.second": first})
    assert _circle(graph) in {
        "snapshots.first -> snapshots.second -> snapshots.first",
        "snapshots.second -> snapshots.first -> snapshots.second",
    }


def test_only_commands_import_the_simulated_cloud():
    graph = _import_graph(_sources())
    importers = {
        module
        for module, imported in graph.items()
        if module.split(".")[:2] != ["snapshots", "sandbox"]
        and any(name.split(".")[:2] == ["snapshots", "sandbox"] for name in imported)
    }
    assert importers == {
        "snapshots.management.commands.sandbox",
        "snapshots.management.commands.seed_demo",
    }


def test_lint_exceptions_are_few_and_say_why():
    mark = re.compile(r"# (?:ruff: )?noqa\b(?!: [A-Z0-9, ]+ - \S)")
    files = [path for path in ROOT.rglob("*.py") if not path.is_relative_to(ROOT / ".venv")]
    texts = {path: path.read_text(encoding="utf-8") for path in files if path != Path(__file__)}
    assert [str(path) for path, text in texts.items() if mark.search(text)] == []
    assert sum(text.count("# noqa") for text in texts.values()) <= 40


@pytest.mark.parametrize(
    ("mark", "folder"), [("browser", "e2e"), ("faults", "faults"), ("packages", "packaging")]
)
def test_check_finds_marked_tests_in_their_folder(mark, folder):
    """`tools/check.py` gives each step its folder: to gather all tests takes half a minute."""
    marked = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(rf"\bmark\.{mark}\b", path.read_text(encoding="utf-8"))
    ]
    assert marked
    assert [path for path in marked if not path.is_relative_to(ROOT / "tests" / folder)] == []
