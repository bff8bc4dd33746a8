"""What the proxy passes on and what the judge is told of it."""

import pytest

from tests.faults.evidence import _sent
from tests.faults.plan import CLEAN, Act, Fault, Kind
from tests.faults.proxy import Seen
from tests.faults.wire import Request

CUT_WITHIN = Fault("cut within", Act.CUT_WITHIN, executed=True)
CUT = Fault("cut", Act.CUT, executed=True)


@pytest.mark.parametrize(
    ("fault", "status", "proves"),
    [(CLEAN, 401, True), (CUT_WITHIN, 401, True), (CUT, 401, False), (CUT_WITHIN, 202, False)],
)
def test_a_clear_no_of_the_cloud_proves_that_nothing_was_made(fault, status, proves):
    seen = Seen(0, 1.0, Kind.CREATE, "POST", "/v2/p/snapshots", "o1", fault=fault, status=status)
    assert _sent(seen).proves_nothing_made is proves


def test_a_request_for_another_address_keeps_everything_but_target_and_host():
    raw = b"POST /volume/v3/p HTTP/1.1\r\nHost: here:1\r\nX-Host: here:1\r\n\r\nhost: x"
    aimed = Request("POST", "/volume/v3/p", raw, b"host: x").aimed_at("/v3/p", "there:2")
    assert aimed.raw == b"POST /v3/p HTTP/1.1\r\nHost: there:2\r\nX-Host: here:1\r\n\r\nhost: x"
    assert (aimed.target, aimed.body) == ("/v3/p", b"host: x")
