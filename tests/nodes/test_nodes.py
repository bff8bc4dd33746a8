"""What counts as a failed request of a person, and what the verdict of a run rests on."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.faults.facts import Judgment
from tests.nodes.visitors import Failure, Notes, Visitor, Visitors

ANSWERS = {"/well": 200, "/busy": 429, "/away": 503, "/broken": 500}


class Portal(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/lost":
            self.connection.close()
            return
        self.send_response(302 if self.path == "/signed-out" else ANSWERS[self.path])
        self.send_header("Location", "/accounts/login/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "failures"),
    [("/well", 0), ("/busy", 0), ("/away", 1), ("/broken", 1), ("/lost", 1), ("/signed-out", 1)],
)
def test_failed_request_of_a_person(address, path, failures):
    notes = Notes()
    page = Visitor(address, [], "seed", notes)._read(path)
    assert len(notes.failures) == failures
    assert (page is None) == bool(failures)


@pytest.mark.parametrize(
    ("wrong", "failures", "not_drawn", "status"),
    [
        ([], [], [], 0),
        ([], [], ["RabbitMQ restarted"], 3),
        ([], [Failure(0, 1, "GET /: 502")], [], 1),
        (["snapshot s is one more"], [], ["RabbitMQ restarted"], 1),
    ],
)
def test_verdict(wrong, failures, not_drawn, status):
    pytest.importorskip("kombu")
    from tests.nodes.__main__ import _verdict

    visitors = Visitors("http://127.0.0.1:1", [], seed=1, count=1)
    visitors.notes.failures += failures
    assert _verdict(Judgment(duplicates=wrong), visitors, not_drawn)[1] == status
