"""The names of servers in the file of EVSPORTAL_SERVER_NAMES, for clouds that do not tell them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from snapshots import clouds
from snapshots.clouds_yaml import full_path, trouble_with
from snapshots.models.ids import is_uuid
from snapshots.operations.csv_texts import Problem, Row, read_rows

COLUMNS = ("cloud", "server_id", "name")
MOST_SERVERS = 100_000
MOST_NAMED = 20  # lines that are wrong
_LONGEST = {"server_id": 64, "name": 255}


@dataclass(frozen=True, slots=True)
class GivenNames:
    """What the file says of one cloud: names by ids. None: the file cannot be read."""

    names: Mapping[str, str] | None
    trouble_code: str = ""
    trouble: str = ""


def given_names(cloud: str) -> GivenNames:
    """Lines that are wrong are left out, and told by their numbers. Without a file no name.

    A file without a row, or with a quote that is not closed, is being written, or was damaged: what
    it says is not known.
    """
    if not settings.EVSPORTAL_SERVER_NAMES:
        return GivenNames({})
    try:
        path = full_path(settings.EVSPORTAL_SERVER_NAMES, folder=Path.cwd())
        if trouble := trouble_with(path, private=False):  # a pipe would be waited for for ever
            return GivenNames(None, "file", f"EVSPORTAL_SERVER_NAMES: {path} {trouble}")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # not to be opened, or no UTF-8
        return GivenNames(None, "file", f"EVSPORTAL_SERVER_NAMES: {error}")
    read = read_rows(text, COLUMNS, most=MOST_SERVERS)
    file = _File(read.problems)
    file.take(read.rows)
    names = file.names.get(cloud, {}) if read.rows and read.is_whole else None
    return GivenNames(names, *file.trouble())


@dataclass(slots=True)
class _File:
    problems: list[Problem]
    names: dict[str, dict[str, str]] = field(default_factory=dict)

    def take(self, rows: list[Row]) -> None:
        known_clouds = set(clouds.cloud_names())
        for row in rows:
            cells = {name: cell.strip() for name, cell in row.cells.items()}
            server_id = _as_clouds_write(cells["server_id"])
            of_cloud = self.names.setdefault(cells["cloud"], {})
            texts = list(_troubles(cells, known_clouds))
            if server_id in of_cloud:
                texts.append("this server was named before")
            self.problems += [Problem(row.line, text) for text in texts]
            if not texts:
                of_cloud[server_id] = cells["name"]

    def trouble(self) -> tuple[str, str]:
        """Its code and its words; empty where every line is right."""
        if not self.problems:
            return "", ""
        problems = sorted(self.problems, key=lambda problem: problem.line)[:MOST_NAMED]
        lines = ", ".join(str(line) for line in dict.fromkeys(row.line for row in problems))
        sentences = "; ".join(f"line {problem.line}: {problem.text}" for problem in problems)
        more = " ..." if len(self.problems) > MOST_NAMED else ""
        return f"file, lines {lines}", f"EVSPORTAL_SERVER_NAMES, {sentences}{more}"


def _as_clouds_write(server_id: str) -> str:
    """Inventories often have UUIDs in capitals."""
    return server_id.lower() if is_uuid(server_id.lower()) else server_id


def _troubles(cells: Mapping[str, str], clouds_of_portal: set[str]) -> Iterator[str]:
    if blank := [name for name in COLUMNS if not cells[name]]:
        yield f"nothing stands under {' and '.join(blank)}"
    elif cells["cloud"] not in clouds_of_portal:
        yield "the settings have no cloud of this name"
    for name, longest in _LONGEST.items():
        if len(cells[name]) > longest:
            yield f"more than {longest} characters stand under {name}"
        if "\0" in cells[name]:
            yield f"a NUL stands under {name}"
