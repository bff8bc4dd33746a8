"""What a portal is made of: each part pinned by hashes, under a licence that we may ship."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from evsportal import __version__
from tools import ROOT, sbom

# None asks more of us than to name it, MPL and LGPL as long as their packages stay as they are.
ALLOWED = {
    *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "LGPL-3.0-only", "MIT", "MIT-0", "MPL-2.0"),
    *("PSF-2.0", "ZPL-2.1", "LicenseRef-python-ldap"),
}
PARTS = sbom.parts()
PIN_FILES = sorted(ROOT.glob("requirements*.txt"))


def test_parts_are_of_every_kind_of_installation():
    assert {*sbom.FILES, "requirements-dev.txt"} == {path.name for path in PIN_FILES}


@pytest.fixture(scope="module")
def document():
    return sbom.document()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_licence_of_each_part_is_allowed(part):
    # Of a choice each must be allowed: nobody notes which was chosen.
    licences = part.licence.replace(" OR ", " AND ").split(" AND ")
    assert set(licences) <= ALLOWED


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_each_part_is_pinned_by_hashes(part):
    assert part.hashes


def test_document_is_valid_by_the_schema(document):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None


def test_document_has_the_portal_and_each_part(document):
    bom = json.loads(document)
    assert bom["metadata"]["component"]["version"] == __version__
    assert [each["name"] for each in bom["components"]] == [part.name for part in PARTS]
    assert all(each["purl"].endswith(f"@{each['version']}") for each in bom["components"])


@pytest.mark.parametrize("path", PIN_FILES, ids=lambda path: path.name)
def test_pins_name_no_index(path):
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
