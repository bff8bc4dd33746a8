"""Reads the files together: the chosen entries, their secrets and their profiles."""

from collections.abc import Iterator
from pathlib import Path

from snapshots.clouds_yaml import texts
from snapshots.clouds_yaml.chosen import Chosen
from snapshots.clouds_yaml.documents import Kind, Scalar, Table, Unreadable, Value, load
from snapshots.clouds_yaml.entries import entry_section, read_entry
from snapshots.clouds_yaml.mistakes import Location, Mistakes
from snapshots.clouds_yaml.regions import Region, regions_of
from snapshots.clouds_yaml.same_project import pairs_of_one_project
from snapshots.clouds_yaml.schema import nearest
from snapshots.clouds_yaml.section import Report, Section, normalised, overlaid
from snapshots.evs.config import CloudConfig

_SUFFIXES = (".yaml", ".yml", ".json")
_LONGEST_NAME = 80  # what the portal's tables hold


def read(path: Path, *, chosen: Chosen | None) -> dict[str, CloudConfig]:
    """See `read_clouds` of the package."""
    mistakes = Mistakes()
    files = _Files(path, mistakes=mistakes)
    mistakes.raise_if_any()
    configs = [
        config
        for name in _names(files, chosen=chosen, mistakes=mistakes)
        for config in _clouds_of(name, files=files, chosen=chosen, mistakes=mistakes)
    ]
    _refuse_same_names(configs, path=path, mistakes=mistakes)
    if not configs and not mistakes:
        mistakes.add("no cloud is left; write an entry below `clouds:`.", location=Location(path))
    mistakes.raise_if_any()
    for first, second in pairs_of_one_project(configs):
        message = (
            f"the clouds {first.name!r} and {second.name!r} open the same project; keep one of"
            " them, or choose one by EVSPORTAL_CLOUD_NAMES."
        )
        mistakes.add(message, location=files.location_of(second.name))
    mistakes.raise_if_any()
    return {config.name: config for config in configs}


# --- the files ------------------------------------------------------------------------------------


class _Files:
    """The tables of entries in the three files."""

    def __init__(self, path: Path, *, mistakes: Mistakes) -> None:
        self.path = path
        self._mistakes = mistakes
        self.clouds = self._clouds()
        self.secure = self._beside("secure", key="clouds")
        self.profiles = self._beside("clouds-public", key="public-clouds")

    def location_of(self, name: str) -> Location:
        return self.clouds.key_locations.get(name, Location(self.path))

    def _clouds(self) -> Table:
        top = self._top(self.path)
        empty = Table({}, {}, Location(self.path))
        if self._mistakes:
            return empty
        if top is None:
            self._mistakes.add(
                "the file is empty; write `clouds:` and an entry.", location=empty.location
            )
            return empty
        clouds = self._inner(top, "clouds")
        if clouds is None and not self._mistakes:
            self._mistakes.add(
                "`clouds:` is missing; write it above the entries.", location=empty.location
            )
        if clouds and not clouds.entries and not clouds.odd_keys:
            self._mistakes.add(
                "`clouds:` holds no entry; write one below it.", location=clouds.location
            )
        return clouds or empty

    def _beside(self, stem: str, *, key: str) -> Table:
        """An optional file's table; an empty one, or none below the key, is right."""
        for suffix in _SUFFIXES:
            path = self.path.with_name(f"{stem}{suffix}")
            if path != self.path and (path.exists() or path.is_symlink()):
                top = self._top(path)
                table = self._inner(top, key, is_optional=True) if top else None
                return table or Table({}, {}, Location(path))
        return Table({}, {}, Location(self.path))

    def _top(self, path: Path) -> Table | None:
        try:
            top = load(path)
        except Unreadable as error:
            self._mistakes.add(f"{error.message}.", location=error.location)
            return None
        if top is None or isinstance(top, Table):
            return top
        message = "the file must be a table that begins with `clouds:`."
        if isinstance(top, Scalar) and texts.is_encrypted(top.text):
            message = "the file is still encrypted; name a file that is not."
        self._mistakes.add(message, location=top.location)
        return None

    def _inner(self, top: Table, key: str, *, is_optional: bool = False) -> Table | None:
        for repeated, location in top.repeated:
            if repeated == key:
                self._mistakes.add(f"`{key}:` stands here twice; join the two.", location=location)
        value = top.entries.get(key)
        if value is None:
            near = nearest(key, top.entries)
            if near and (not is_optional or len(top.entries) == 1):
                # Not the key as it is written: a secret of the line above may have run into it.
                message = f"there is no `{key}:`; is the key on this line meant for it?"
                self._mistakes.add(message, location=top.key_locations[near])
            return None
        if isinstance(value, Table):
            return value
        if isinstance(value, Scalar) and value.kind is Kind.NOTHING:
            if not is_optional:
                message = f"`{key}:` holds nothing; write an entry below it, further to the right."
                self._mistakes.add(message, location=value.location)
            return None
        message = f"`{key}:` must hold a table for each cloud, by its name."
        self._mistakes.add(message, location=value.location)
        return None


# --- which entries --------------------------------------------------------------------------------


def _names(files: _Files, *, chosen: Chosen | None, mistakes: Mistakes) -> list[str]:
    """The names of the entries to read; others are ignored."""
    clouds = files.clouds
    if chosen is None:
        names = list(clouds.entries)
        for key, location in clouds.odd_keys:
            message = f"the cloud's name {key} is no text for YAML; put it into quotes."
            mistakes.add(message, location=location)
    else:
        owners = {name: _owner(name, clouds) for name in chosen.names}
        for name in (name for name, owner in owners.items() if not owner):
            mistakes.add(
                _no_such_cloud(name, files=files, setting=chosen.setting),
                location=Location(files.path),
            )
        names = [name for name in clouds.entries if name in owners.values()]
    for name in names:
        _refuse_repeated(clouds, name, report=Report(cloud=name, mistakes=mistakes))
    return names


def _owner(name: str, clouds: Table) -> str:
    """The entry that a chosen name means: the entry itself, or an entry with such a region."""
    if name in clouds.entries:
        return name
    for entry, value in clouds.entries.items():
        if name.startswith(f"{entry}-") and name in _region_clouds(entry, value):
            return entry
    return ""


def _region_clouds(entry: str, value: Value) -> Iterator[str]:
    """The names of the clouds for an entry with several regions."""
    silent = Report(cloud=entry, mistakes=Mistakes())
    if isinstance(value, Table):
        section = _section(normalised(value, report=silent), report=silent)
        yield from (_cloud_name(entry, region) for region in regions_of(section))


def _no_such_cloud(name: str, *, files: _Files, setting: str) -> str:
    if name in files.secure.entries:
        return f"{setting} names {name!r}, which stands in secure.yaml only; write its entry here."
    if any(key == name for key, _location in files.clouds.odd_keys):
        return f"{setting} names {name!r}, which YAML does not read as text here; quote that key."
    names = ", ".join(files.clouds.entries) or "none"
    near = nearest(name, files.clouds.entries)
    meant = f"did you mean {near}? There are" if near else "there are"
    return f"{setting} names {name!r}, which is not here; {meant}: {names}."


# --- one entry ------------------------------------------------------------------------------------


def _clouds_of(
    name: str, *, files: _Files, chosen: Chosen | None, mistakes: Mistakes
) -> Iterator[CloudConfig]:
    """One cloud for each region of the entry."""
    if trouble := _trouble_with_name(name):
        # It is not quoted: after a slip of the pen it may be a piece of a secret.
        report = Report(cloud="…", mistakes=mistakes)
        report.add(f"the name {trouble}.", location=files.location_of(name))
        return
    report = Report(cloud=name, mistakes=mistakes)
    table = _with_secrets(name, files=files, report=report)
    if table is None:
        return
    table, lacks_profile = _with_profile(table, files=files, report=report)
    regions = regions_of(_section(table, report=report))
    # An entry without a usable region is still read, to report its other mistakes.
    for region in regions or [Region("", "", table)]:
        cloud = _cloud_name(name, region)
        if chosen and not {name, cloud} & set(chosen.names):
            continue
        if len(cloud) > _LONGEST_NAME:
            message = f"the name {cloud} is longer than {_LONGEST_NAME} characters; shorten it."
            report.add(message, location=files.location_of(name))
        section = _section(region.table, report=report)
        if lacks_profile:
            section.misspelt.add("auth_url")  # that it is missing has been said
        config = read_entry(cloud, section, region=region.name)
        if config is not None:
            yield config


def _section(table: Table, *, report: Report) -> Section:
    return entry_section(table, report=report, folder=table.location.file.parent)


def _cloud_name(entry: str, region: Region) -> str:
    return f"{entry}-{region.suffix}" if region.suffix else entry


def _trouble_with_name(name: str) -> str:
    if not name:
        return "is empty; write a name"
    if "," in name:
        return "holds a comma, which parts names in EVSPORTAL_CLOUD_NAMES; take it away"
    return texts.trouble_with_text(name)


def _with_secrets(name: str, *, files: _Files, report: Report) -> Table | None:
    """The entry, overridden by its part of secure.yaml."""
    table = _table_of(files.clouds, name, report=report)
    if table is None or name not in files.secure.entries:
        return table
    _refuse_repeated(files.secure, name, report=report)
    secret = _table_of(files.secure, name, report=report, is_optional=True)
    return overlaid(table, secret) if secret else table


def _with_profile(table: Table, *, files: _Files, report: Report) -> tuple[Table, bool]:
    """The entry on top of its profile, and whether its profile is missing."""
    section = _section(table, report=report)
    profile = section.text("profile")
    if not profile:
        return table, False
    if profile in files.profiles.entries:
        _refuse_repeated(files.profiles, profile, report=report)
        below = _table_of(files.profiles, profile, report=report)
        return (overlaid(below, table, is_above_main=True) if below else table), False
    if _says_auth_url(table):
        return table, False
    near = nearest(profile, files.profiles.entries)
    section.refuse(
        "profile",
        f"is {profile!r}, and no clouds-public.yaml has it"
        f"{f' (did you mean {near}?)' if near else ''}; the profiles that OpenStack clients bring"
        " along are not here, so write auth_url and region_name into the entry",
    )
    return table, True


def _refuse_repeated(tables: Table, name: str, *, report: Report) -> None:
    for repeated, location in tables.repeated:
        if repeated == name:
            report.add(f"{name} stands here twice; keep one of them.", location=location)


def _table_of(
    tables: Table, name: str, *, report: Report, is_optional: bool = False
) -> Table | None:
    value = tables.entries[name]
    if isinstance(value, Table):
        return normalised(value, report=report)
    if not (is_optional and isinstance(value, Scalar) and value.kind is Kind.NOTHING):
        message = "the entry must be a table of keys such as `auth:`, further to the right."
        report.add(message, location=value.location)
    return None


def _says_auth_url(table: Table) -> bool:
    auth = table.entries.get("auth")
    tables = [table, *([auth] if isinstance(auth, Table) else [])]
    evs = table.entries.get("evs")
    has_endpoint = isinstance(evs, Table) and "endpoint" in evs.entries
    return has_endpoint or any("auth_url" in part.entries for part in tables)


def _refuse_same_names(configs: list[CloudConfig], *, path: Path, mistakes: Mistakes) -> None:
    seen: set[str] = set()
    for config in configs:
        if config.name in seen:
            message = (
                f"two clouds get the name {config.name!r}, from an entry and a region; rename one."
            )
            mistakes.add(message, location=Location(path))
        seen.add(config.name)
