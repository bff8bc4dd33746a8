"""`./run sbom [FILE]`: what a portal is made of, as CycloneDX 1.6, and each part's licence.

The parts are the pins of every requirements file but the developers', with their hashes. Licences
come from the metadata of the installed packages; what is not installed here is in `_NOT_HERE`.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from evsportal import __version__
from tools import ROOT

FILES = tuple(
    f"requirements{kind}.txt"
    for kind in ("", "-postgres", "-ldap", "-celery")  # not -dev
)
_PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==([^ ;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
# Names that packages wrote before licences had identifiers of SPDX.
_BY_OLD_NAME = {
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "New BSD": "BSD-3-Clause",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ZPL 2.1": "ZPL-2.1",
    "python-ldap": "LicenseRef-python-ldap",
}
_DUAL = {"python-dateutil": "Apache-2.0 OR BSD-3-Clause"}  # says no more than "Dual License"
# Only on Windows, or built from source with a directory's libraries.
_NOT_HERE = {
    "colorama": "BSD-3-Clause",
    "django-auth-ldap": "BSD-3-Clause",
    "pyasn1": "BSD-2-Clause",
    "pyasn1-modules": "BSD-3-Clause",
    "python-ldap": "LicenseRef-python-ldap",
    "tzdata": "Apache-2.0",
}


@dataclass(frozen=True)
class Part:
    """A package that a portal may run with; `licence` is an expression of SPDX, "" if unknown."""

    name: str
    version: str
    licence: str
    hashes: frozenset[str]  # SHA-256 of each of its files


def parts() -> list[Part]:
    """Of all kinds of installation together, by name."""
    return sorted({part.name: part for part in _pinned()}.values(), key=lambda part: part.name)


def _pinned() -> Iterator[Part]:
    for file in FILES:
        text = (ROOT / file).read_text(encoding="utf-8")
        pins = list(_PIN.finditer(text))
        ends = [pin.start() for pin in pins[1:]] + [len(text)]
        for pin, end in zip(pins, ends, strict=True):
            hashes = frozenset(_HASH.findall(text[pin.start() : end]))
            yield Part(pin[1], pin[2], licence_of(pin[1]), hashes)


def licence_of(name: str) -> str:
    if name in _DUAL:
        return _DUAL[name]
    try:
        facts = metadata(name)
    except PackageNotFoundError:
        return _NOT_HERE.get(name, "")
    return _stated(facts)


def _stated(facts: PackageMetadata) -> str:
    if "License-Expression" in facts:
        return facts["License-Expression"]
    text: str = (facts.get_all("License") or [""])[0]
    if text and "\n" not in text:
        return _BY_OLD_NAME.get(text, text)
    classifiers = facts.get_all("Classifier") or []
    names = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")]
    return " AND ".join(_BY_OLD_NAME.get(name, name) for name in names)


def document() -> str:
    """The bill of materials as JSON; the same for the same pins, but for its serial number."""
    licences, digests = LicenseFactory(), HashTypeFactory()
    bom = Bom()
    portal = Component(
        name="evsportal",
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref="evsportal",
        licenses=[licences.make_from_string("Apache-2.0")],
    )
    bom.metadata.component = portal
    for part in parts():
        component = Component(
            name=part.name,
            version=part.version,
            bom_ref=part.name,
            purl=PackageURL("pypi", name=part.name, version=part.version),
            licenses=[licences.make_from_string(part.licence)] if part.licence else [],
            hashes=[digests.from_composite_str(f"sha256:{each}") for each in part.hashes],
        )
        bom.components.add(component)
        bom.register_dependency(portal, [component])
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def main(arguments: list[str]) -> int:
    """The document to FILE, and the list of licences to standard output."""
    if arguments:
        Path(arguments[0]).write_text(document(), encoding="utf-8")
    width = max(len(part.name) for part in parts())
    for part in parts():
        sys.stdout.write(f"{part.name:<{width}}  {part.version:<12}  {part.licence or 'unknown'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
