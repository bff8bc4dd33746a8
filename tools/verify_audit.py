#!/usr/bin/env python3
"""Verifies an export of the portal's audit trail, far from the portal.

    python3 verify_audit.py EXPORT [--key public.pem] [--anchor FILE]

Needs Python 3.11 and `cryptography`. docs/audit.md: the format. Exit: 0 sound, 1 bad, 2 unreadable.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count, islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

TABLES = ("exchange", "answer", "action", "anomaly", "tombstone")
HEADER = ("number", "at", "format", "tables", "root", "previous")
BURIED = ("id", "first_seal", "last_seal", "tables", "file", "sha256")
LEAF = struct.Struct(">BQ32s")
RAW = (Encoding.Raw, PublicFormat.Raw)
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class BadError(Exception):
    """Its kind, and a sentence."""


class Row(NamedTuple):
    name: str
    key: tuple[int, int] | None = None  # number of the table, seq; None: no row can be read here
    leaf: bytes = b""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(content := dict(pairs)) != len(pairs):
        raise ValueError("One name has two values: readers would differ.")
    return content


parse = partial(json.loads, object_pairs_hook=once)


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def spelt(value: Any) -> bytes:
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, int):
        return (b"b%d" if isinstance(value, bool) else b"i%d") % value
    return b"n" if value is None else b"j" + canonical(value)


def leaf_of(table: str, row: dict[str, Any]) -> bytes:
    parts = [table.encode()]
    for name, value in row.items():  # in the order in which they were sealed
        parts += name.encode(), spelt(value)
    return hashlib.sha256(b"".join([b"%d:%b" % (len(part), part) for part in parts])).digest()


def row_of(line: bytes, number: int) -> Row:
    with suppress(*UNREADABLE):
        content = parse(line)
        key = (TABLES.index(content.pop("table")), content["seq"])
        if type(key[1]) is int and key[1] > 0:
            return Row(name_of(key), key, leaf_of(TABLES[key[0]], content))
    return Row(f"Line {number} of rows.jsonl")


# What computers put beside files by themselves, and never read as a part of an export.
LEFT_BY_COMPUTERS = re.compile(
    r"(.*/)?(\.ds_store|\._[^/]*|\.localized|(eh)?thumbs\.db|desktop\.ini)"
    r"|(.*/)?__macosx(/.*)?",
    re.IGNORECASE,
)


class Export:
    """A ZIP or a folder. `within` is the folder inside that holds the export, or empty."""

    def __init__(self, path: Path) -> None:
        self.folder, self.digests = path, dict[str, str]()  # of files read to their end
        self.zip = None if path.is_dir() else zipfile.ZipFile(path)
        paths = self.paths_of_zip(self.zip) if self.zip else dict.fromkeys(paths_in(path))
        self.left_aside = sorted(name for name in paths if LEFT_BY_COMPUTERS.fullmatch(name))
        rest = {name: real for name, real in paths.items() if name not in self.left_aside}
        self.within = folder_of_export(rest)
        rest.pop(self.within, None)  # a ZIP may name the folder itself
        self.paths = {name.removeprefix(self.within): real or name for name, real in rest.items()}
        # "a.csv" beside the folder of the export is not the "a.csv" in it.
        if outside := [name for name in rest if not name.startswith(self.within)]:
            raise BadError("inserted", f"{min(outside)!a} was added beside {self.within!a}.")
        self.names = set(self.paths)

    def paths_of_zip(self, archive: zipfile.ZipFile) -> dict[str, str]:
        """Each path with its spelling in the ZIP: some programs write backslashes."""
        paths = {name.replace("\\", "/"): name for name in archive.namelist()}
        offsets = [member.header_offset for member in archive.infolist()] or [0]
        with self.folder.open("rb") as file:
            is_end = file.seek(-22, 2) >= 0 and file.read(4) == b"PK\5\6"
        if len(paths) < len(offsets) or min(offsets) > 0 or not is_end:
            raise BadError("manifest", "Two files of one name, or bytes around the ZIP.")
        return paths

    def lines(self, name: str) -> Iterator[bytes]:
        if name not in self.names:
            raise OSError(f"{name} is not in the export.")
        path, digest = self.paths[name], hashlib.sha256()
        try:
            with self.zip.open(path) if self.zip else (self.folder / path).open("rb") as file:
                while line := file.readline(1 << 26):
                    digest.update(line)
                    yield line
        except Exception as error:
            raise BadError("manifest", f"{name} breaks off or was changed.") from error
        self.digests[name] = digest.hexdigest()

    def manifest(self) -> dict[str, Any]:
        raw = b"".join(islice(self.lines("manifest.json"), 1_000_000))
        with suppress(*UNREADABLE):
            content: dict[str, Any] = parse(raw)
            if content["kind"] != "evsportal-audit-export" or content["format"] != 1:
                raise OSError("It is no export of format 1.")
            files = {"manifest.json", "rows.jsonl", "seals.jsonl", *content["files"]}
            for name in sorted(self.names - files):
                raise BadError("inserted", f"{name!a} was added: the manifest does not name it.")
            for name in sorted(files - self.names):
                raise BadError("missing", f"{name!a} is missing.")
            if raw == json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n":
                return content
        raise BadError("manifest", "The portal did not write this manifest.")


def paths_in(folder: Path) -> Iterator[str]:
    """What is in a folder and in the folders in it; deeper ones by their own name only."""
    for entry in folder.iterdir():
        inside = list(entry.iterdir()) if entry.is_dir() else []
        for other in inside:
            yield f"{entry.name}/{other.name}" + "/" * (not other.is_file())
        if not inside:
            yield entry.name + "/" * (not entry.is_file())


def folder_of_export(paths: Iterable[str]) -> str:
    """The folder that holds the export, with its slash; empty: the export is not in a folder."""
    folders = re.findall(r"^([^/]*/|)manifest\.json$", "\n".join(paths), re.MULTILINE)
    if "" in folders or not folders:
        return ""
    if len(folders) > 1:
        raise BadError("inserted", f"{', '.join(map(ascii, sorted(folders)))}: two exports in one.")
    return str(folders[0])


class Verifier:
    def __init__(self, export: Export, keys: dict[str, Any], anchors: list[dict[str, Any]]) -> None:
        self.export, self.keys = export, keys
        self.manifest = export.manifest()
        signed_part = {name: value for name, value in self.manifest.items() if name != "signature"}
        self.is_whole = self.is_signed(
            self.manifest, b"evsportal-export-v1\n" + canonical(signed_part)
        )
        self.is_archive = bool(keys) and self.is_whole and signed_part.get("archive") is True
        made_at = signed_part["made_at"] if keys else "9"  # seals of later on are not missing
        end = signed_part["last_seal"] if self.is_archive else float("inf")
        due = [
            anchor
            for anchor in anchors
            if anchor.get("at", "") <= made_at and anchor["number"] <= end
        ]
        self.anchors = {int(anchor["number"]): str(anchor["digest"]) for anchor in due}
        self.left_aside = len(anchors) - len(due)
        self.rows = self.seals = self.archived = self.unsealed = self.number = self.first_signed = 0
        self.previous, self.upto = None, dict[str, int]()
        self.stream = map(row_of, export.lines("rows.jsonl"), count(1))
        self.next = next(self.stream, None)

    def run(self) -> None:
        self.gone = list(self.tombstones())
        for line in self.export.lines("seals.jsonl"):
            number = self.number + 1 if self.number else self.manifest.get("first_seal")
            try:
                seal = parse(line)
                seal["leaves"] = base64.b64decode(seal["leaves"], validate=True)
                self.follow(seal, number)
                self.compare(seal["leaves"], seal["tables"])
            except (*UNREADABLE, struct.error) as error:
                raise BadError("seal", f"Seal {number} cannot be read.") from error
        self.check_end()

    def tombstones(self) -> Iterator[dict[str, list[int]]]:
        """What archives took away: each signed, or sealed before there was a key."""
        sealed = set[bytes]()
        with suppress(*UNREADABLE, struct.error):  # `run` will say which seal it is
            for seal in map(parse, self.export.lines("seals.jsonl")):
                if self.keys and seal["key_id"]:  # those before it are from before the key
                    self.first_signed = seal["number"]
                    break
                leaves = LEAF.iter_unpack(base64.b64decode(seal["leaves"]))
                sealed |= {leaf for table, _, leaf in leaves if TABLES[table] == "tombstone"}
        for stone in self.manifest["archived"] if self.is_whole else ():
            message = canonical({name: stone.get(name) for name in BURIED})
            is_signed = self.keys and self.is_signed(stone, b"evsportal-tombstone-v1\n" + message)
            if is_signed or leaf_of("tombstone", stone) in sealed:
                yield stone["tables"]
            elif (
                self.keys and "seq" in stone
            ):  # without `seq` it is an older export, which does not say who signed
                raise BadError("tombstone", f"Tombstone {stone['seq']} lacks the key's signature.")

    def is_signed(self, signed: dict[str, Any], message: bytes) -> bool:
        with suppress(Exception):  # anything that cannot be verified is not a signature
            self.keys[signed["key_id"]].verify(raw := bytes.fromhex(signed["signature"]), message)
            return bool(raw.hex() == signed["signature"])  # one spelling only
        return not self.keys

    def follow(self, seal: dict[str, Any], number: Any) -> None:
        if type(number) is not int or seal["number"] != number:
            raise BadError("gap", f"Seal {number} is missing.")
        previous = "0" * 64 if number == 1 else self.previous
        header = canonical({name: seal[name] for name in HEADER})
        message = b"evsportal-seal-v1\n" + bytes.fromhex(seal["digest"])
        anchored = self.anchors.get(number, seal["digest"])
        bare = number < self.first_signed and not (seal["key_id"] or seal["signature"])
        for is_right, kind, problem in (
            (previous in {None, seal["previous"]}, "seal", "does not follow the one before it"),
            (hashlib.sha256(header).hexdigest() == seal["digest"], "seal", "was changed"),
            (hashlib.sha256(seal["leaves"]).hexdigest() == seal["root"], "seal", "was changed"),
            (bare or self.is_signed(seal, message), "signature", "lacks the key's signature"),
            (anchored == seal["digest"], "seal", "differs from the seal that was anchored outside"),
            (seal["format"] == 1, "seal", "is of an unknown format"),
        ):
            if not is_right:
                raise BadError(kind, f"Seal {number} {problem}.")
        for table in TABLES:
            after, upto, _rows = seal["tables"][table]
            if after != self.upto.get(table, after if number > 1 else 0) or upto < after:
                raise BadError("gap", f"Seal {number} leaves out rows of {table}.")
            self.upto[table] = upto
        self.number, self.previous, self.seals = number, seal["digest"], self.seals + 1

    def compare(self, leaves: bytes, tables: dict[str, list[int]]) -> None:
        sealed = {(table, seq): leaf for table, seq, leaf in LEAF.iter_unpack(leaves)}
        block: list[Row] = []
        while (row := self.next) and len(block) <= len(sealed) and within(row.key, tables):
            block.append(row)
            self.next = next(self.stream, None)
        here = {row.key for row in block}
        due_keys = [key for key in sealed if key in here or self.is_due(key)]
        for row, key in zip_longest(block, due_keys):
            if row is None:
                kind = "swapped" if any(row.key == key for row in self.stream) else "missing"
                raise BadError(kind, f"{name_of(key)} is missing here.")
            if key is None or row.key != key or sealed[key] != row.leaf:
                raise damage(row, key, sealed, block)
        self.rows += len(block)

    def is_due(self, key: tuple[int, int]) -> bool:
        buried = any(within(key, tables) for tables in self.gone)
        self.archived += buried
        return not buried and self.manifest.get("complete") is True

    def check_end(self) -> None:
        while row := self.next:
            if row.key is None or row.key[1] <= self.upto.get(TABLES[row.key[0]], 0):
                raise BadError("inserted", f"{row.name} was inserted: no seal knows it here.")
            self.next, self.unsealed = next(self.stream, None), self.unsealed + 1
        if lost := [number for number in self.anchors if number > self.number]:
            raise BadError("cut", f"The end was cut off: seal {min(lost)} was anchored outside.")
        if not self.is_whole:
            raise BadError("manifest", "The manifest does not bear the key's signature.")
        if self.manifest.get("last_seal") != self.number:
            raise BadError("cut", f"It does not end with seal {self.manifest.get('last_seal')}.")
        for name, facts in {"rows.jsonl": {}, "seals.jsonl": {}, **self.manifest["files"]}.items():
            if name not in self.export.digests:
                all(self.export.lines(name))
            if self.export.digests[name] != facts.get("sha256"):
                raise BadError("manifest", f"{name} is not the file that the manifest tells of.")

    def sentences(self) -> list[str]:
        first, kind = self.number - self.seals + 1, "An archive" if self.is_archive else "An export"
        is_part = self.manifest.get("complete") is not True
        sentences = {
            f"Sound: {self.rows} rows in {self.seals} seals, {self.archived} archived; "
            f"{self.unsealed} not sealed yet.": True,
            f"{kind} of seals {first} to {self.number} made at {self.manifest['made_at']!a}.": True,
            f"It does not begin with seal 1: nothing before seal {first} is in it.": first > 1,
            f"Anchors of later seals, left aside: {self.left_aside}.": self.left_aside,
            f"It lies in a folder of its own here: {self.export.within!a}.": self.export.within,
            "Not a part of it, made by the computer that packed or copied it: "
            f"{some_of(self.export.left_aside)}.": self.export.left_aside,
            f"Seal {self.first_signed} is the first signed, for all before.": self.first_signed
            > first,
            "A part only: that no row is missing cannot be told.": is_part,
            "NOT PROVEN without --key: that the portal made these seals.": not self.keys,
            "NOT PROVEN without --anchor: that no end was cut off.": not self.anchors,
        }
        return [sentence for sentence, holds in sentences.items() if holds]


def some_of(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(ascii, names[:5])) + more


def name_of(key: tuple[int, int]) -> str:
    return f"Row {key[1]} of {TABLES[key[0]]}"


def within(key: tuple[int, int] | None, tables: dict[str, list[int]]) -> bool:
    after, upto, *_rows = tables.get(TABLES[key[0]], [0, 0]) if key else (0, 0)
    return key is None or after < key[1] <= upto


def damage(row: Row, key: Any, sealed: dict[tuple[int, int], bytes], block: list[Row]) -> BadError:
    keys = [row_here.key for row_here in block]
    if row.key in {None, key}:
        return BadError("changed", f"{name_of(key) if key else row.name} was changed.")
    if row.key not in sealed or keys.count(row.key) > 1:
        return BadError("inserted", f"{row.name} was inserted: no seal knows it here.")
    if key is None or key in keys:
        return BadError("swapped", f"{row.name} was swapped: it is not at its place.")
    return BadError("missing", f"{name_of(key)} is missing.")


def verdict(given: argparse.Namespace) -> tuple[int, str]:
    try:
        pem = given.key.read_bytes() if given.key else b""
        blocks = re.findall(rb"-----BEGIN [^-]+-----[^-]+-----END [^-]+-----", pem) or [pem]
        loaded: list[Any] = [load_pem_public_key(block) for block in blocks if given.key]
        keys = {
            hashlib.sha256(public_key.public_bytes(*RAW)).hexdigest(): public_key
            for public_key in loaded
        }
        lines = re.findall(r"\{.*\}", given.anchor.read_text("utf-8")) if given.anchor else []
        verifier = Verifier(Export(given.export), keys, list(map(json.loads, lines)))
        verifier.run()
        return 0, "\n".join(verifier.sentences())
    except BadError as error:
        return 1, "DAMAGED ({}). {}".format(*error.args)
    except Exception as error:  # noqa: BLE001 - whatever an enemy made of the file
        return 2, f"Cannot be read: {error}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Verifies an export of the audit trail.")
    parser.add_argument("export", type=Path, help="a ZIP or a folder")
    parser.add_argument("--key", type=Path, help="the public key, PEM; old ones may follow it")
    parser.add_argument("--anchor", type=Path, help="seals as they were told outside of the portal")
    status, sentences = verdict(parser.parse_args())
    sys.exit(sys.stdout.write(sentences + "\n") and status)
