"""What names code may have: of values, of tests; and that no list of final states is repeated."""

import ast
from pathlib import Path

import pytest

from snapshots.models import FINAL, OperationState

ROOT = Path(__file__).resolve().parents[1]
# These say how a value came, or nothing at all. A name says what the value is.
REFUSED = frozenset(
    {"told", "found", "known", "wanted", "shown", "kept", "words", "one", "whoever"}
)
MOST_WORDS_OF_A_TEST = 9
# Folders and files whose names are not yet mended. This list only becomes shorter.
UNMENDED = (
    "tests/audit/",
    "tests/bench/",
    "tests/e2e/",
    "tests/faults/",
    "tests/operations/",
    "tests/pages/",
    "tests/search/",
    "tests/tamper/",
)
MODEL_OF_STATES = "snapshots/models/operations.py"  # says which states are final


def _checked_files():
    paths = (
        path
        for folder in ("snapshots", "evsportal", "tools", "tests")
        for path in sorted((ROOT / folder).glob("**/*.py"))
        if "migrations" not in path.parts
    )
    names = (path.relative_to(ROOT).as_posix() for path in paths)
    return [name for name in names if not name.startswith(UNMENDED)]


def _names_given_by(node):
    """The names that a node of the syntax tree gives to something: a variable (of a loop, a
    comprehension, a pattern too), an argument, an attribute, a function, a class, an import.
    """
    if isinstance(node, ast.Name | ast.Attribute):
        return [node.id if isinstance(node, ast.Name) else node.attr] * _is_stored(node)
    if isinstance(node, ast.Global | ast.Nonlocal):
        return node.names
    fields = ("arg", "asname", "rest") if not isinstance(node, ast.keyword) else ()
    fields += ("name",) if not isinstance(node, ast.alias) else ()
    values = [getattr(node, field, None) for field in fields]
    return [value for value in values if isinstance(value, str)]


def _is_stored(node):
    return isinstance(node.ctx, ast.Store)


def _refused_names(source):
    """The refused names that a source gives, as "name in line 3"."""
    return [
        f"{name} in line {node.lineno}"
        for node in ast.walk(ast.parse(source))
        for name in _names_given_by(node)
        if name.strip("_").lower() in REFUSED
    ]


def _long_test_names(source):
    names = (
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [
        name
        for name in names
        if name.startswith("test_")
        and len(name.removeprefix("test_").split("_")) > MOST_WORDS_OF_A_TEST
    ]


def _lists_of_final_states(source):
    """The lines where a list, set, tuple, table or union names the final states again. A table of
    all states is none, since it says something of each.
    """
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if set(FINAL) <= _states_named_by(node)
        and not set(OperationState) <= _states_named_by(node)
    ]


def _states_named_by(node):
    """The states in a collection, as the attributes of `OperationState` or the texts they are."""
    match node:
        case ast.Set(elts=items) | ast.List(elts=items) | ast.Tuple(elts=items):
            pass
        case ast.Dict(keys=items):
            pass
        case ast.BinOp(op=ast.BitOr()):
            items = list(ast.walk(node))
        case _:
            items = []
    return {text.lower() for item in items for text in _texts_of(item)} & set(OperationState)


def _texts_of(node):
    match node:
        case ast.Attribute(attr=text) | ast.Constant(value=str(text)):
            return [text]
    return []


def _faults(find):
    """What `find` finds in the checked files, by file."""
    return {
        name: faults
        for name in _checked_files()
        if (faults := find((ROOT / name).read_text(encoding="utf-8")))
    }


def test_names_say_what_a_value_is():
    assert _faults(_refused_names) == {}


def test_names_of_tests_are_short():
    assert _faults(_long_test_names) == {}


def test_final_states_are_listed_once():
    lists = _faults(_lists_of_final_states)
    assert set(lists) <= {MODEL_OF_STATES}


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "_found: int = 1",
        "Found = 1",
        "self._told = 1",
        "with opened() as kept: pass",
        "for one in rows: pass",
        "rows = [one for one in rows]",
        "rows = {one: 1 for number, one in rows}",
        "rows = filter(lambda one: one, rows)",
        "if (found := rows): pass",
        "def shown(): pass",
        "async def shown(): pass",
        "def function(wanted): pass",
        "def function(*, wanted=1): pass",
        "def function(*words): pass",
        "def function(**known): pass",
        "class Shown: pass",
        "import json as known",
        "from json import loads as known",
        "try: pass\nexcept ValueError as known: pass",
        "match rows:\n    case [*known]: pass",
        "match rows:\n    case {**known}: pass",
        "match rows:\n    case int() as known: pass",
        "def function():\n    global known",
        "first, (second, *one) = rows",
        "del_ = known = 1",
    ],
)
def test_every_way_to_give_a_name_is_checked(source):
    assert len(_refused_names(source)) >= 1


@pytest.mark.parametrize(
    "source",
    [
        "text = 'found'",
        "outcome_known = 1",
        "words_of_title = 1",
        "print(kept)",
        "call(known=1)",
        "rows.found()",
        "from other import found",
    ],
)
def test_names_given_elsewhere_are_not_refused(source):
    assert _refused_names(source) == []


@pytest.mark.parametrize(("count", "is_long"), [(9, False), (10, True)])
def test_words_of_a_name_are_counted(count, is_long):
    name = "_".join(["test", *["word"] * count])
    assert _long_test_names(f"def {name}(): pass") == [name] * is_long


@pytest.mark.parametrize(
    ("source", "is_repeated"),
    [
        ("{S.SUCCEEDED, S.FAILED, S.REFUSED, S.NOT_CREATED, S.CANCELLED}", True),
        ("['succeeded', 'failed', 'refused', 'not_created', 'cancelled', 'unknown']", True),
        ("('cancelled', 'failed', 'refused', 'not_created', 'succeeded')", True),
        ("{S.SUCCEEDED: 1, S.FAILED: 2, S.REFUSED: 3, S.NOT_CREATED: 4, S.CANCELLED: 5}", True),
        ("S.SUCCEEDED | S.FAILED | S.REFUSED | S.NOT_CREATED | S.CANCELLED", True),
        ("{S.FAILED, S.REFUSED}", False),
        (f"{sorted(OperationState)!r}", False),
    ],
)
def test_repeated_final_states_are_detected(source, is_repeated):
    assert bool(_lists_of_final_states(source)) is is_repeated
