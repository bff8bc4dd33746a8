"""What the tests of the judge begin with."""

import pytest

from tests.faults.facts import Facts
from tests.faults.planted import CREATE, made, row, sent, told


@pytest.fixture
def healthy() -> Facts:
    """Three operations: two made their snapshots, of the third provably nothing became."""
    return Facts(
        operations=[told(1), told(2), told(3, "not_created")],
        snapshots=[made(1), made(2)],
        acknowledged={f"i{number}": {f"o{number}"} for number in (1, 2, 3)},
        sent=[sent(1), sent(2), sent(3)],
        rows=[row(1), row(2), row(3)],
        at_cloud=[("POST", CREATE)] * 2,
    )
