"""CSV in the shapes that spreadsheets give it."""

import pytest

from snapshots.operations.csv_texts import read_rows

ROWS = [("a", "x;1"), ("b", "")]


def read(text):
    parsed = read_rows(text, ["name", "note"])
    assert parsed.problems == []
    return [(row.line, *row.cells.values()) for row in parsed.rows]


@pytest.mark.parametrize(
    ("text", "first_line"),
    [
        ("name,note\na,x;1\nb,\n", 2),
        ('name;note\r\na;"x;1"\r\nb;\r\n', 2),
        ("name\tnote\na\tx;1\nb\t\n", 2),
        ('sep=;\r\nname;note\r\na;"x;1"\r\nb;\r\n', 3),
        ('\ufeffSEP=;\nname;note\na;"x;1"\nb;\n', 3),
        ('"sep=,"\nname,note\na,x;1\nb,\n', 3),
        ("sep=\t\nname\tnote\na\tx;1\nb\t\n", 3),
        ("\n\r\nname;note\na;'x;1'\n".replace("'", '"') + "b;\n", 4),
        ('  \n;;\nsep=;\n\nname;note\na;"x;1"\nb;\n', 6),
    ],
)
def test_shape_of_a_spreadsheet_is_read(text, first_line):
    assert read(text) == [(first_line + n, *row) for n, row in enumerate(ROWS)]


def test_only_the_lines_above_the_head_say_how_it_is_written():
    assert read("name,note\nsep=,\n") == [(2, "sep=", "")]


@pytest.mark.parametrize("text", ["sep=x\nname,note\na,b\n", "sep=;\nname,note\na,b\n"])
def test_head_that_fits_no_columns_is_named(text):
    problems = read_rows(text, ["name", "note"]).problems
    assert "The head lacks the column name." in str(problems[0])
