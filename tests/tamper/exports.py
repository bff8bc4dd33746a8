"""Damages to an export's files, and what the verifier must say of each."""

import base64
import hashlib
import json
import random
import uuid
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Files = dict[str, list[bytes]]
# What must be said: one of these kinds, and one of these names in the sentence.
Expected = tuple[set[str], set[str]]
ORDER = ("exchange", "answer", "action", "anomaly", "tombstone")


def name(line: bytes) -> str:
    facts = json.loads(line)
    return f"Row {facts['seq']} of {facts['table']}"


def dump(facts: dict) -> bytes:
    return json.dumps(facts, ensure_ascii=False).encode() + b"\n"


def other_value(rng: random.Random, value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice([-1, 1, 1000])
    if isinstance(value, str):
        place = rng.randint(0, len(value))
        return value[:place] + rng.choice("aZ0 \u202e,:") + value[place:]
    return rng.choice([0, "", {"x": "y"}, []]) if value is None else None


def a_field(rng: random.Random, files: Files) -> Expected:
    rows = files["rows.jsonl"]
    index = rng.randrange(len(rows))
    facts = json.loads(rows[index])
    field = rng.choice([key for key in facts if key not in {"table", "seq"}])
    wrong = facts[field] = other_value(rng, facts[field])
    expected = name(rows[index])
    rows[index] = dump(facts)
    assert json.loads(rows[index])[field] == wrong
    return {"changed"}, {expected}


def a_byte(rng: random.Random, files: Files) -> Expected | None:
    rows = files["rows.jsonl"]
    index = rng.randrange(len(rows))
    line = bytearray(rows[index])
    place = rng.randrange(len(line) - 1)
    line[place] ^= 1 << rng.randrange(7)
    before, rows[index] = rows[index], bytes(line)
    try:
        if json.loads(before) == json.loads(rows[index]):
            return None  # the same JSON value in other bytes
    except ValueError:
        pass
    names = {name(before), "rows.jsonl"}
    if bytes(line).count(b"\n") > 1 or b"seq" in before[max(0, place - 12) : place + 12]:
        names |= {"Row "}  # another row now, or two
    if b"table" in before[max(0, place - 14) : place + 14]:
        names |= {"Row "}
    return {"changed", "inserted", "missing", "swapped"}, names


def a_line_lost(rng: random.Random, files: Files) -> Expected:
    rows = files["rows.jsonl"]
    return {"missing"}, {name(rows.pop(rng.randrange(len(rows))))}


def a_line_twice(rng: random.Random, files: Files) -> Expected:
    rows = files["rows.jsonl"]
    line = rng.choice(rows)
    rows.insert(rng.randint(0, len(rows)), line)
    return {"inserted", "swapped", "missing"}, {"Row "}


def a_line_added(rng: random.Random, files: Files) -> Expected:
    """With a number that nobody got, where it would stand."""
    rows = files["rows.jsonl"]
    actions = [json.loads(item) for item in rows if b'{"table": "action"' in item[:20]]
    numbers = {item["seq"] for item in actions}
    free = next(n for n in range(min(numbers), max(numbers)) if n not in numbers)
    facts = {**rng.choice(actions), "seq": free, "id": str(uuid.uuid4())}
    after = max(i for i, item in enumerate(rows) if b'{"table": "action"' in item[:20])
    rows.insert(after, dump(facts))
    return {"inserted"}, {f"Row {free} of action"}


def two_lines_changed_places(rng: random.Random, files: Files) -> Expected:
    rows = files["rows.jsonl"]
    item, other = rng.sample(range(len(rows)), 2)
    names = {name(rows[item]), name(rows[other])}
    rows[item], rows[other] = rows[other], rows[item]
    return {"swapped", "inserted", "missing"}, names


def two_contents_changed_places(rng: random.Random, files: Files) -> Expected:
    rows = files["rows.jsonl"]
    table = rng.choice(["exchange", "answer", "action"])
    places = [i for i, item in enumerate(rows) if json.loads(item)["table"] == table]
    item, other = sorted(rng.sample(places, 2))
    first, second = json.loads(rows[item]), json.loads(rows[other])
    rows[item] = dump({**second, "seq": first["seq"]})
    rows[other] = dump({**first, "seq": second["seq"]})
    return {"changed"}, {name(rows[item])}


def a_seal_changed(rng: random.Random, files: Files) -> Expected:
    seals = files["seals.jsonl"]
    index = rng.randrange(len(seals))
    seal = json.loads(seals[index])
    number = seal["number"]
    field = rng.choice(["number", "at", "root", "previous", "digest", "leaves", "tables", "format"])
    if field == "leaves":
        leaves = bytearray(base64.b64decode(seal["leaves"]))
        leaves[rng.randrange(len(leaves))] ^= 1 << rng.randrange(8)
        seal["leaves"] = base64.b64encode(leaves).decode()
    elif field == "tables":
        span = seal["tables"][rng.choice(ORDER)]
        span[rng.randrange(3)] += 1
    elif field in {"number", "format"}:
        seal[field] += 1
    elif field == "at":
        seal["at"] = seal["at"].replace("20", "19", 1)
    else:
        seal[field] = hashlib.sha256(rng.randbytes(4)).hexdigest()
    seals[index] = dump(seal)
    return {"seal", "gap", "signature"}, {f"Seal {number} "}


def a_signature_changed(rng: random.Random, files: Files) -> Expected:
    seals = files["seals.jsonl"]
    index = rng.randrange(len(seals))
    seal = json.loads(seals[index])
    seal["signature"] = rng.choice(
        [
            "",
            "zz",
            rng.randbytes(64).hex(),
            seal["signature"] + "00",
            seal["signature"].upper(),
            None,
        ]
    )
    seals[index] = dump(seal)
    return {"signature"}, {f"Seal {seal['number']} "}


def a_seal_lost(rng: random.Random, files: Files) -> Expected:
    seals = files["seals.jsonl"]
    index = rng.randrange(len(seals))
    number = json.loads(seals.pop(index))["number"]
    is_last = index == len(seals)
    return ({"cut"} if is_last else {"gap"}), {f"eal {number} "}


def two_seals_changed_places(rng: random.Random, files: Files) -> Expected:
    seals = files["seals.jsonl"]
    item = rng.randrange(len(seals) - 1)
    number = json.loads(seals[item])["number"]
    seals[item], seals[item + 1] = seals[item + 1], seals[item]
    return {"gap"}, {f"Seal {number} "}


def the_end_cut_off(_rng: random.Random, files: Files) -> Expected:
    """As if the last seal and its rows had never been."""
    seal = json.loads(files["seals.jsonl"].pop())
    files["rows.jsonl"][:] = [
        line
        for line in files["rows.jsonl"]
        if json.loads(line)["seq"] <= seal["tables"][json.loads(line)["table"]][0]
    ]
    return {"cut"}, {f"seal {seal['number']} "}


def made_anew_without_the_key(rng: random.Random, files: Files) -> Expected:
    """A row changed, and every seal from there on computed again and signed by another key."""
    from verify_audit import LEAF, TABLES, canonical, leaf_of

    rows = files["rows.jsonl"]
    index = rng.randrange(len(rows))
    facts = json.loads(rows[index])
    facts["at"] = facts["at"].replace("20", "19", 1)
    rows[index] = dump(facts)
    table, seq = facts.pop("table"), facts["seq"]
    key, previous, first = Ed25519PrivateKey.generate(), None, 0
    for place, line in enumerate(files["seals.jsonl"]):
        seal = json.loads(line)
        after, upto, _rows = seal["tables"][table]
        if after < seq <= upto:
            first = seal["number"]
            leaves = list(LEAF.iter_unpack(base64.b64decode(seal["leaves"])))
            again = b"".join(
                LEAF.pack(t, s, leaf_of(table, facts) if (TABLES[t], s) == (table, seq) else digest)
                for t, s, digest in leaves
            )
            seal["leaves"] = base64.b64encode(again).decode()
            seal["root"] = hashlib.sha256(again).hexdigest()
        if first:
            seal["previous"] = previous or seal["previous"]
            fields = ("number", "at", "format", "tables", "root", "previous")
            previous = hashlib.sha256(canonical({f: seal[f] for f in fields})).hexdigest()
            seal["digest"] = previous
            message = b"evsportal-seal-v1\n" + bytes.fromhex(previous)
            seal["signature"] = key.sign(message).hex()
            files["seals.jsonl"][place] = dump(seal)
    return {"signature"}, {f"Seal {first} "}


def the_manifest_changed(rng: random.Random, files: Files) -> Expected:
    facts = json.loads(b"".join(files["manifest.json"]))
    field = rng.choice(["made_by", "query", "made_at", "unsealed", "rows", "signature", "key_id"])
    value = facts[field]
    facts[field] = {"exchange": 0} if field == "rows" else other_value(rng, value)
    files["manifest.json"][:] = [json.dumps(facts, ensure_ascii=False, indent=1).encode() + b"\n"]
    return {"manifest"}, {"manifest"}


def the_manifest_spelt_otherwise(rng: random.Random, files: Files) -> Expected:
    whole = b"".join(files["manifest.json"])
    again = [b"\xef\xbb\xbf" + whole, b"\n" + whole, whole + b" \n", whole.replace(b" ", b"")]
    files["manifest.json"][:] = [rng.choice(again)]
    return {"manifest"}, {"manifest"}


def a_file_added(rng: random.Random, files: Files) -> Expected:
    """For people who do not look where the verifier does."""
    added = rng.choice(["exchange.csv", "EXCHANGE.CSV", "./rows.jsonl", "x/rows.jsonl", "rows"])
    files[added] = [rng.choice(files["rows.jsonl"])]
    return {"inserted"}, {repr(added)}


def a_file_lost(rng: random.Random, files: Files) -> Expected:
    lost = rng.choice([item for item in files if item != "manifest.json"])
    del files[lost]
    return {"missing"}, {repr(lost)}


def a_row_beyond_the_seals(rng: random.Random, files: Files) -> Expected:
    """No seal tells that it was not there: the manifest does."""
    facts = json.loads(files["rows.jsonl"][0])
    files["rows.jsonl"].append(dump({**facts, "seq": 1_000_000 + rng.randrange(9)}))
    return {"manifest"}, {"rows.jsonl"}


DAMAGES: list[tuple[int, Callable[[random.Random, Files], Expected | None]]] = [
    (20, a_field),
    (20, a_byte),
    (8, a_line_lost),
    (6, a_line_twice),
    (4, a_line_added),
    (6, two_lines_changed_places),
    (6, two_contents_changed_places),
    (8, a_seal_changed),
    (4, a_signature_changed),
    (3, a_seal_lost),
    (3, two_seals_changed_places),
    (3, the_end_cut_off),
    (3, made_anew_without_the_key),
    (4, the_manifest_changed),
    (2, a_row_beyond_the_seals),
    (2, the_manifest_spelt_otherwise),
    (2, a_file_added),
    (2, a_file_lost),
]
