"""The regions of an entry: each becomes a cloud. A region is never guessed."""

from collections.abc import Iterator
from dataclasses import dataclass

from snapshots.clouds_yaml.documents import Items, Scalar, Table
from snapshots.clouds_yaml.schema import nearest
from snapshots.clouds_yaml.section import Section, normalised, overlaid


@dataclass(frozen=True, slots=True)
class Region:
    """A region and the entry's keys for it. The name is "" when the file gives none: then the
    catalog must have only one. `suffix` is appended to the cloud's name, to keep names different.
    """

    name: str
    suffix: str
    table: Table


def regions_of(entry: Section) -> list[Region]:
    """The regions that an entry is for: `region_name`, else all of `regions`, else the unnamed."""
    chosen = _region_name(entry)
    listed = list(_listed(entry))
    if not chosen:
        suffixed = len(listed) > 1
        regions = [Region(name, name if suffixed else "", table) for name, table in listed]
        return regions or [Region("", "", entry.table)]
    if not listed:
        return [Region(chosen, "", entry.table)]
    for name, table in listed:
        if name == chosen:
            return [Region(name, "", table)]
    names = [name for name, _table in listed]
    near = nearest(chosen, names)
    meant = f"did you mean {near}? There are" if near else "there are"
    entry.refuse("region_name", f"is {chosen!r}, not in regions; {meant} {', '.join(names)}")
    return []


def _region_name(entry: Section) -> str:
    value = entry.table.entries.get("region_name")
    if isinstance(value, Items):
        entry.refuse("region_name", "is a list; write the names below `regions`, or only one here")
        return ""
    name = entry.text("region_name")
    if "," in name:
        entry.refuse("region_name", "holds several names; write them as a list below `regions`")
        return ""
    return name


def _listed(entry: Section) -> Iterator[tuple[str, Table]]:
    value = entry.table.entries.get("regions")
    if value is None:
        return
    if not isinstance(value, Items):
        entry.refuse("regions", "must be a list of names, each after a `-`")
        return
    if not value.values:
        entry.refuse("regions", "is an empty list; write the names, or take it away")
    names: set[str] = set()
    for number, item in enumerate(value.values):
        region = _item(entry, item, label=f"regions[{number}]")
        if region is None:
            continue
        if region[0] in names:
            entry.report.add(f"regions names {region[0]} twice; keep one.", location=item.location)
            continue
        names.add(region[0])
        yield region


def _item(entry: Section, item: object, *, label: str) -> tuple[str, Table] | None:
    """A name, or a table with the name and the values for this region only."""
    table = item if isinstance(item, Table) else None
    if table is None and isinstance(item, Scalar):
        name = _named(entry, {label: item}, item, key=label)
        return (name, entry.table) if name else None
    if table is None:
        entry.refuse("regions", "must hold names, or tables with `name` and `values`")
        return None
    table = normalised(table, report=entry.report)
    inner = Section(table=table, report=entry.report, folder=entry.folder, prefix=f"{label}.")
    inner.check_keys({"name", "values"})
    if not inner.is_mentioned("name") or inner.is_empty("name"):
        inner.refuse("name", "is missing")
    name, values = inner.text("name"), inner.section("values")
    if not name:
        return None
    return name, overlaid(entry.table, values.table) if values else entry.table


def _named(entry: Section, entries: dict[str, Scalar], item: Scalar, *, key: str) -> str:
    table = Table(entries, {key: item.location}, item.location)
    section = Section(table=table, report=entry.report, folder=entry.folder)
    name = section.text(key)
    if section.is_empty(key):
        section.refuse(key, "is empty; write a region's name")
    return name
