#!/usr/bin/env python3
"""Verifies an export of the portal's audit trail, far from the portal.

    python3 verify_audit.py EXPORT [--key public.pem] [--anchor FILE]

EXPORT is a ZIP or a folder. Needs Python 3.11 and `cryptography`, nothing of the portal: written
from docs/audit.md, which tells how all is spelt. Exit status: 0 sound, 1 damaged, 2 unreadable.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import load_pem_public_key

FIELDS = {
    "exchange": "seq id at purpose background actor_id actor_name on_behalf_of ticket operation_id "
    "cause cloud sandbox volume_id volume_name method url headers body body_bytes body_sha256 "
    "body_cut",
    "answer": "seq exchange_id at status headers body body_bytes body_sha256 body_cut request_id "
    "code elapsed_ms error error_text",
    "action": "seq id at code cause actor_id actor_name actor_roles address subject operation_id "
    "on_behalf_of ticket cloud volume_id volume_name details",
    "anomaly": "seq id at kind cloud operation_id words",
    "tombstone": "seq id at actor_name first_seal last_seal tables file sha256 key_id signature",
}
TABLES = tuple(FIELDS)
NAMES = {table: names.split() for table, names in FIELDS.items()}
HEADER = ("number", "at", "format", "tables", "root", "previous")
BURIED = ("id", "first_seal", "last_seal", "tables", "file", "sha256")
LEAF = struct.Struct(">BQ32s")
LONGEST_LINE = 64 * 1024 * 1024
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
NOT_OPENED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, *UNREADABLE)


class BadError(Exception):
    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class CannotReadError(Exception):
    pass


class Row(NamedTuple):  # a line of rows.jsonl; without a key it is no row
    name: str
    key: tuple[int, int] | None  # number of the table, seq
    leaf: bytes
    told: dict[str, Any]


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def spelt(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        return b"i" + str(value).encode()
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    return b"n" if value is None else b"j" + canonical(value)


def leaf_of(table: str, told: dict[str, Any]) -> bytes:
    parts = [table.encode()]
    for name in NAMES[table]:
        parts += name.encode(), spelt(told[name])
    return hashlib.sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()


def row_of(line: bytes, number: int) -> Row:
    try:
        told = json.loads(line)
        table = told.pop("table")
        key = (TABLES.index(table), told["seq"])
        if len(told) != len(NAMES[table]) or type(key[1]) is not int or key[1] < 1:
            raise ValueError(line)
        return Row(name_of(key), key, leaf_of(table, told), told)
    except UNREADABLE:
        return Row(f"Line {number} of rows.jsonl", None, b"", {})


class Export:
    def __init__(self, path: Path) -> None:
        self.folder = path
        self.zip = None if path.is_dir() else zipfile.ZipFile(path)

    def lines(self, name: str) -> Iterator[bytes]:
        try:
            path = self.folder / name
            with self.zip.open(name) if self.zip else path.open("rb") as file:
                while line := file.readline(LONGEST_LINE):
                    yield line
        except (KeyError, FileNotFoundError, NotADirectoryError) as error:
            raise CannotReadError(f"{name} is not in the export.") from error
        except NOT_OPENED as error:
            raise BadError("manifest", f"{name} breaks off or was changed.") from error

    def manifest(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.loads(b"".join(self.lines("manifest.json")))
            known = told["kind"] == "evsportal-audit-export" and told["format"] == 1
        except UNREADABLE as error:
            raise BadError("manifest", "The manifest cannot be read.") from error
        if not known:
            raise CannotReadError("It is no export of format 1.")
        return told


class Verifier:
    def __init__(self, export: Export, key: Any, anchors: dict[int, str]) -> None:
        self.export, self.key, self.anchors = export, key, anchors
        self.manifest = export.manifest()
        self.complete = self.manifest.get("complete") is True
        self.rows = self.seals = self.archived = self.unsealed = self.number = 0
        self.previous: str | None = None
        self.upto: dict[str, int] = {}
        lines = enumerate(export.lines("rows.jsonl"), 1)
        self.stream = (row_of(line, number) for number, line in lines)
        self.next = next(self.stream, None)

    def run(self) -> None:
        self.gone = list(self.tombstones())
        for line in self.export.lines("seals.jsonl"):
            wanted = self.number + 1 if self.number else self.manifest.get("first_seal")
            try:
                seal = json.loads(line)
                seal["leaves"] = base64.b64decode(seal["leaves"], validate=True)
                self.follow(seal, wanted)
                leaves = list(LEAF.iter_unpack(seal["leaves"]))
                self.compare(leaves, self.block(seal["tables"]))
            except (*UNREADABLE, struct.error) as error:
                raise BadError("seal", f"Seal {wanted} cannot be read.") from error
        self.check_rest()
        self.check_manifest()

    def tombstones(self) -> Iterator[dict[str, list[int]]]:
        for number, line in enumerate(self.export.lines("rows.jsonl"), 1):
            row = row_of(line, number) if b"tombstone" in line else None
            if row is None or row.key is None or TABLES[row.key[0]] != "tombstone":
                continue
            message = canonical({name: row.told[name] for name in BURIED})
            if not self.is_signed(row.told["signature"], b"evsportal-tombstone-v1\n" + message):
                raise BadError("tombstone", f"{row.name} is forged: it lacks the signature.")
            yield row.told["tables"]

    def is_signed(self, signature: Any, message: bytes) -> bool:
        if self.key is None:
            return True
        try:
            self.key.verify(raw := bytes.fromhex(signature), message)
        except Exception:  # noqa: BLE001 - whatever it is, it is no signature
            return False
        return bool(raw.hex() == signature)  # one spelling only

    def follow(self, seal: dict[str, Any], wanted: Any) -> None:
        if type(wanted) is not int or seal["number"] != wanted:
            raise BadError("gap", f"Seal {wanted} is missing.")
        previous = "0" * 64 if wanted == 1 else self.previous
        header = canonical({name: seal[name] for name in HEADER})
        message = b"evsportal-seal-v1\n" + bytes.fromhex(seal["digest"])
        anchored = self.anchors.get(wanted, seal["digest"])
        for is_right, kind, words in (
            (previous in {None, seal["previous"]}, "seal", "does not follow the one before it"),
            (hashlib.sha256(header).hexdigest() == seal["digest"], "seal", "was changed"),
            (hashlib.sha256(seal["leaves"]).hexdigest() == seal["root"], "seal", "was changed"),
            (self.is_signed(seal["signature"], message), "signature", "lacks the key's signature"),
            (anchored == seal["digest"], "seal", "is not the one that was anchored outside"),
            (seal["format"] == 1, "seal", "is of an unknown format"),
            (tuple(sorted(seal["tables"])) == tuple(sorted(TABLES)), "seal", "lacks a table"),
        ):
            if not is_right:
                raise BadError(kind, f"Seal {wanted} {words}.")
        for table, (after, upto, _rows) in seal["tables"].items():
            if after != self.upto.get(table, after) or upto < after:
                raise BadError("gap", f"Seal {wanted} leaves out rows of {table}.")
            self.upto[table] = upto
        self.number, self.previous, self.seals = wanted, seal["digest"], self.seals + 1

    def block(self, tables: dict[str, list[int]]) -> list[Row]:
        block = []
        while self.next and (not self.next.key or within(self.next.key, tables)):
            block.append(self.next)
            self.next = next(self.stream, None)
        return block

    def compare(self, leaves: list[tuple[int, int, bytes]], block: list[Row]) -> None:
        sealed = {(table, seq): leaf for table, seq, leaf in leaves}
        here = {row.key for row in block}
        wanted = iter([key for key in sealed if key in here or self.is_due(key)])
        for row in block:
            key = next(wanted, None)
            if key is None or row.key != key or sealed[key] != row.leaf:
                raise damage(row, key, sealed, block)
            self.rows += 1
        if (key := next(wanted, None)) is not None:
            moved = any(row.key == key for row in self.stream)
            raise BadError("swapped" if moved else "missing", f"{name_of(key)} is missing here.")

    def is_due(self, key: tuple[int, int]) -> bool:
        buried = any(within(key, tables) for tables in self.gone)
        self.archived += buried
        return self.complete and not buried

    def check_rest(self) -> None:
        """Rows after the last seal: nothing is proved of them; and seals that should be here."""
        last = (-1, -1)
        while row := self.next:
            if row.key is None or row.key[1] <= self.upto.get(TABLES[row.key[0]], 0):
                raise BadError("inserted", f"{row.name} was inserted: no seal knows it here.")
            if row.key <= last:
                raise BadError("swapped", f"{row.name} was swapped: it is not at its place.")
            last, self.unsealed = row.key, self.unsealed + 1
            self.next = next(self.stream, None)
        if lost := [number for number in self.anchors if number > self.number]:
            raise BadError("cut", f"The end was cut off: seal {min(lost)} was anchored outside.")

    def check_manifest(self) -> None:
        told = {name: value for name, value in self.manifest.items() if name != "signature"}
        signature = self.manifest.get("signature")
        if not self.is_signed(signature, b"evsportal-export-v1\n" + canonical(told)):
            raise BadError("manifest", "The manifest does not bear the key's signature.")
        if self.manifest.get("last_seal") != self.number:
            raise BadError("cut", f"The export does not end with seal {told.get('last_seal')}.")
        for name, facts in dict(told.get("files") or {}).items():
            digest = hashlib.sha256()
            for line in self.export.lines(name):
                digest.update(line)
            if digest.hexdigest() != facts.get("sha256"):
                raise BadError("manifest", f"{name} is not the file that the manifest tells of.")


def name_of(key: tuple[int, int]) -> str:
    return f"Row {key[1]} of {TABLES[key[0]]}"


def within(key: tuple[int, int], tables: dict[str, list[int]]) -> bool:
    span = tables.get(TABLES[key[0]], [0, 0])
    return bool(span[0] < key[1] <= span[1])


def damage(row: Row, key: Any, sealed: dict[tuple[int, int], bytes], block: list[Row]) -> BadError:
    keys = [one.key for one in block]
    if row.key is None:
        return BadError("changed", f"{name_of(key) if key else row.name} cannot be read.")
    if row.key == key:
        return BadError("changed", f"{row.name} was changed.")
    if row.key not in sealed or keys.count(row.key) > 1:
        return BadError("inserted", f"{row.name} was inserted: no seal knows it here.")
    if key is None or key in keys:
        return BadError("swapped", f"{row.name} was swapped: it is not at its place.")
    return BadError("missing", f"{name_of(key)} is missing.")


def anchors_in(path: Path) -> dict[int, str]:
    told = [json.loads(one) for one in re.findall(r"\{.*\}", path.read_text(encoding="utf-8"))]
    return {int(one["number"]): str(one["digest"]) for one in told}


def verdict(given: argparse.Namespace) -> tuple[int, str]:
    try:
        key = load_pem_public_key(given.key.read_bytes()) if given.key else None
        anchors = anchors_in(given.anchor) if given.anchor else {}
        verifier = Verifier(Export(given.export), key, anchors)
        verifier.run()
    except BadError as found:
        return 1, f"DAMAGED ({found.kind}). {found}"
    except (CannotReadError, *NOT_OPENED) as error:
        return 2, f"Cannot be read: {error}"
    words = f"Sound: {verifier.rows} rows in {verifier.seals} seals, {verifier.archived} archived; "
    words += f"{verifier.unsealed} not sealed yet."
    words += "" if verifier.complete else "\nA part only: that no row is missing cannot be told."
    words += "" if key else "\nNOT PROVEN without --key: that the portal made these seals."
    words += "" if anchors else "\nNOT PROVEN without --anchor: that the end was not cut off."
    return 0, words


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Verifies an export of the audit trail.")
    parser.add_argument("export", type=Path, help="a ZIP or a folder")
    parser.add_argument("--key", type=Path, help="the public key, PEM")
    parser.add_argument("--anchor", type=Path, help="seals as they were told outside of the portal")
    status, words = verdict(parser.parse_args())
    sys.stdout.write(words + "\n")
    sys.exit(status)
