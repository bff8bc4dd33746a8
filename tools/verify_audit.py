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
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

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
RAW = (Encoding.Raw, PublicFormat.Raw)
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class BadError(Exception):
    """Its kind, and a sentence."""


class Row(NamedTuple):
    name: str
    key: tuple[int, int] | None = None  # number of the table, seq; None: no row can be read here
    leaf: bytes = b""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(told := dict(pairs)) != len(pairs):
        raise ValueError("One name has two values: readers would differ.")
    return told


parse = partial(json.loads, object_pairs_hook=once)


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def spelt(value: Any) -> bytes:
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        return b"i%d" % value
    return b"n" if value is None else b"j" + canonical(value)


def leaf_of(table: str, told: dict[str, Any]) -> bytes:
    parts = [table.encode()]
    for name in NAMES[table]:
        parts += name.encode(), spelt(told[name])
    return hashlib.sha256(b"".join([b"%d:%b" % (len(part), part) for part in parts])).digest()


def row_of(line: bytes, number: int) -> Row:
    with suppress(*UNREADABLE):
        told = parse(line)
        table = told.pop("table")
        key = (TABLES.index(table), told["seq"])
        if len(told) == len(NAMES[table]) and type(key[1]) is int and key[1] > 0:
            return Row(name_of(key), key, leaf_of(table, told))
    return Row(f"Line {number} of rows.jsonl")


class Export:
    def __init__(self, path: Path) -> None:
        self.folder, self.digests = path, dict[str, str]()  # of files read to their end
        self.zip = None if path.is_dir() else zipfile.ZipFile(path)
        if self.zip and len(set(self.zip.namelist())) < len(self.zip.namelist()):
            raise BadError("manifest", "The ZIP holds two files of one name: readers would differ.")

    def lines(self, name: str) -> Iterator[bytes]:
        path, digest = self.folder / name, hashlib.sha256()
        if not (name in self.zip.namelist() if self.zip else path.is_file()) or "/" in name:
            raise OSError(f"{name} is not in the export.")
        try:
            with self.zip.open(name) if self.zip else path.open("rb") as file:
                while line := file.readline(1 << 26):
                    digest.update(line)
                    yield line
        except Exception as error:
            raise BadError("manifest", f"{name} breaks off or was changed.") from error
        self.digests[name] = digest.hexdigest()

    def manifest(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = parse(b"".join(islice(self.lines("manifest.json"), 10_000)))
            if told["kind"] != "evsportal-audit-export" or told["format"] != 1:
                raise OSError("It is no export of format 1.")
        except UNREADABLE as error:
            raise BadError("manifest", "The manifest cannot be read.") from error
        return told


class Verifier:
    def __init__(self, export: Export, keys: dict[str, Any], anchors: dict[int, str]) -> None:
        self.export, self.keys, self.anchors = export, keys, anchors
        self.manifest = export.manifest()
        told = {name: value for name, value in self.manifest.items() if name != "signature"}
        self.is_whole = self.is_signed(self.manifest, b"evsportal-export-v1\n" + canonical(told))
        self.rows = self.seals = self.archived = self.unsealed = self.number = 0
        self.first_signed = 0  # the seals before it are from before there was a key
        self.previous, self.upto = None, dict[str, int]()
        self.stream = map(row_of, export.lines("rows.jsonl"), count(1))
        self.next = next(self.stream, None)

    def run(self) -> None:
        self.gone = list(self.tombstones())
        for line in self.export.lines("seals.jsonl"):
            wanted = self.number + 1 if self.number else self.manifest.get("first_seal")
            try:
                seal = parse(line)
                seal["leaves"] = base64.b64decode(seal["leaves"], validate=True)
                self.follow(seal, wanted)
                self.compare(seal["leaves"], seal["tables"])
            except (*UNREADABLE, struct.error) as error:
                raise BadError("seal", f"Seal {wanted} cannot be read.") from error
        self.check_rest()
        self.check_manifest()

    def tombstones(self) -> Iterator[dict[str, list[int]]]:
        """What archives took away: a sealed tombstone says so, of a later one a signed manifest."""
        before_key = sealed = 0
        with suppress(*UNREADABLE):  # `run` will say which seal it is
            for seal in map(parse, self.export.lines("seals.jsonl")):
                after, sealed, _rows = seal["tables"]["tombstone"]
                if seal["key_id"] and not self.first_signed:
                    self.first_signed, before_key = seal["number"], after
        for number, line in enumerate(self.export.lines("rows.jsonl"), 1):
            row = row_of(line, number) if b"tombstone" in line else None
            if row is None or row.key is None or TABLES[row.key[0]] != "tombstone":
                continue
            told = parse(line)
            message = b"evsportal-tombstone-v1\n" + canonical({name: told[name] for name in BURIED})
            may_be_bare = row.key[1] <= before_key and not told["signature"]
            if not (may_be_bare or self.is_signed(told, message)):
                raise BadError("tombstone", f"{row.name} is forged: it lacks the key's signature.")
            if row.key[1] <= sealed:
                yield told["tables"]
        if self.keys and self.is_whole:
            yield from self.manifest.get("archived") or []

    def is_signed(self, told: dict[str, Any], message: bytes) -> bool:
        with suppress(Exception):  # whatever it is, it is no signature
            self.keys[told["key_id"]].verify(raw := bytes.fromhex(told["signature"]), message)
            return bool(raw.hex() == told["signature"])  # one spelling only
        return not self.keys

    def follow(self, seal: dict[str, Any], wanted: Any) -> None:
        if type(wanted) is not int or seal["number"] != wanted:
            raise BadError("gap", f"Seal {wanted} is missing.")
        previous = "0" * 64 if wanted == 1 else self.previous
        header = canonical({name: seal[name] for name in HEADER})
        message = b"evsportal-seal-v1\n" + bytes.fromhex(seal["digest"])
        anchored = self.anchors.get(wanted, seal["digest"])
        bare = wanted < self.first_signed and not (seal["key_id"] or seal["signature"])
        for is_right, kind, words in (
            (previous in {None, seal["previous"]}, "seal", "does not follow the one before it"),
            (hashlib.sha256(header).hexdigest() == seal["digest"], "seal", "was changed"),
            (hashlib.sha256(seal["leaves"]).hexdigest() == seal["root"], "seal", "was changed"),
            (bare or self.is_signed(seal, message), "signature", "lacks the key's signature"),
            (anchored == seal["digest"], "seal", "is not the one that was anchored outside"),
            (seal["format"] == 1, "seal", "is of an unknown format"),
        ):
            if not is_right:
                raise BadError(kind, f"Seal {wanted} {words}.")
        for table in TABLES:
            after, upto, _rows = seal["tables"][table]
            if after != self.upto.get(table, after if wanted > 1 else 0) or upto < after:
                raise BadError("gap", f"Seal {wanted} leaves out rows of {table}.")
            self.upto[table] = upto
        self.number, self.previous, self.seals = wanted, seal["digest"], self.seals + 1

    def compare(self, leaves: bytes, tables: dict[str, list[int]]) -> None:
        sealed = {(table, seq): leaf for table, seq, leaf in LEAF.iter_unpack(leaves)}
        block: list[Row] = []
        while (row := self.next) and len(block) <= len(sealed) and within(row.key, tables):
            block.append(row)
            self.next = next(self.stream, None)
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
        return not buried and self.manifest.get("complete") is True

    def check_rest(self) -> None:
        while row := self.next:
            if row.key is None or row.key[1] <= self.upto.get(TABLES[row.key[0]], 0):
                raise BadError("inserted", f"{row.name} was inserted: no seal knows it here.")
            self.next, self.unsealed = next(self.stream, None), self.unsealed + 1
        if lost := [number for number in self.anchors if number > self.number]:
            raise BadError("cut", f"The end was cut off: seal {min(lost)} was anchored outside.")

    def check_manifest(self) -> None:
        if not self.is_whole:
            raise BadError("manifest", "The manifest does not bear the key's signature.")
        if self.manifest.get("last_seal") != self.number:
            raise BadError("cut", f"It does not end with seal {self.manifest.get('last_seal')}.")
        for name, facts in {"rows.jsonl": {}, "seals.jsonl": {}, **self.manifest["files"]}.items():
            if name not in self.export.digests:
                all(self.export.lines(name))
            if self.export.digests[name] != facts.get("sha256"):
                raise BadError("manifest", f"{name} is not the file that the manifest tells of.")


def name_of(key: tuple[int, int]) -> str:
    return f"Row {key[1]} of {TABLES[key[0]]}"


def within(key: tuple[int, int] | None, tables: dict[str, list[int]]) -> bool:
    after, upto, *_rows = tables.get(TABLES[key[0]], [0, 0]) if key else (0, 0)
    return key is None or after < key[1] <= upto


def damage(row: Row, key: Any, sealed: dict[tuple[int, int], bytes], block: list[Row]) -> BadError:
    keys = [one.key for one in block]
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
        keys = {hashlib.sha256(one.public_bytes(*RAW)).hexdigest(): one for one in loaded}
        lines = re.findall(r"\{.*\}", given.anchor.read_text("utf-8")) if given.anchor else []
        verifier = Verifier(Export(given.export), keys, {})
        made_at = verifier.manifest["made_at"] if keys else "9"  # later seals are not missing
        told = [one for one in map(json.loads, lines) if one.get("at", "") <= made_at]
        verifier.anchors = {int(one["number"]): str(one["digest"]) for one in told}
        verifier.run()
    except BadError as found:
        return 1, "DAMAGED ({}). {}".format(*found.args)
    except Exception as error:  # noqa: BLE001 - whatever an enemy made of the file
        return 2, f"Cannot be read: {error}"
    words = f"Sound: {verifier.rows} rows in {verifier.seals} seals, {verifier.archived} archived; "
    words += f"{verifier.unsealed} not sealed yet."
    if keys and verifier.first_signed > max(1, verifier.manifest["first_seal"]):
        words += f"\nSeal {verifier.first_signed} is the first signed, and covers those before it."
    complete = verifier.manifest.get("complete") is True
    words += "" if complete else "\nA part only: that no row is missing cannot be told."
    words += "" if keys else "\nNOT PROVEN without --key: that the portal made these seals."
    words += "" if verifier.anchors else "\nNOT PROVEN without --anchor: that no end was cut off."
    return 0, words


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Verifies an export of the audit trail.")
    parser.add_argument("export", type=Path, help="a ZIP or a folder")
    parser.add_argument("--key", type=Path, help="the public key, PEM; old ones may follow it")
    parser.add_argument("--anchor", type=Path, help="seals as they were told outside of the portal")
    status, words = verdict(parser.parse_args())
    sys.exit(sys.stdout.write(words + "\n") and status)
