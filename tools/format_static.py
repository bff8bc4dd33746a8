"""Writes the scripts and the style sheets in `static/` as they are to be formatted.

`python tools/format_static.py` writes; `--check` only names the files that differ, and fails.
"""

import sys
from pathlib import Path

import cssbeautifier
import jsbeautifier

ROOT = Path(__file__).resolve().parent.parent


def formatted(path: Path) -> str:
    """The text of a script or a style sheet: two blanks, a declaration a line, lines as broken."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        return _css(text)
    options = jsbeautifier.default_options()
    options.indent_size = 2
    options.wrap_line_length = 0
    options.operator_position = "preserve-newline"
    options.brace_style = "collapse,preserve-inline"
    options.end_with_newline = True
    return str(jsbeautifier.beautify(text, options))


def _css(text: str) -> str:
    options = cssbeautifier.default_options()
    options.indent_size = 2
    options.end_with_newline = True
    options.newline_between_rules = False
    options.preserve_newlines = True
    options.max_preserve_newlines = 2
    options.space_around_combinator = True
    return str(cssbeautifier.beautify(text, options))


def main(arguments: list[str]) -> int:
    paths = sorted([*ROOT.glob("static/css/**/*.css"), *ROOT.glob("static/js/*.js")])
    differing = [path for path in paths if formatted(path) != path.read_text(encoding="utf-8")]
    if "--check" not in arguments:
        for path in differing:
            path.write_text(formatted(path), encoding="utf-8")
    for path in differing:
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    if "--check" not in arguments or not differing:
        return 0
    sys.stdout.write("These are not formatted: run `python tools/format_static.py`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
