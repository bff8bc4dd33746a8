"""Each topic is replayed once per run and cloud; its rows are then tests of their own."""

import pytest
from contract_differences import ANSWERS_OTHERWISE, NOT_ASKED
from contract_replay import TOPICS, Outcome, replay, rows_of
from contract_targets import LiveTarget, SandboxTarget, live_is_named

CLOUDS = ["sandbox", *(["live"] if live_is_named() else [])]


class Replays:
    """The outcomes of the topics, each replayed when first asked for."""

    def __init__(self) -> None:
        self._done: dict[tuple[str, str], dict[str, Outcome]] = {}

    def outcome(self, cloud: str, topic: str, name: str) -> Outcome:
        if (cloud, topic) not in self._done:
            target = SandboxTarget() if cloud == "sandbox" else LiveTarget()
            try:
                self._done[cloud, topic] = replay(topic, target)
            finally:
                target.close()
        return self._done[cloud, topic][name]


@pytest.fixture(scope="session")
def replays() -> Replays:
    return Replays()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which recorded rows a cloud was not asked, or is known to answer otherwise."""
    for cloud in CLOUDS:
        for verb, reasons in (("not asked", NOT_ASKED), ("answers otherwise", ANSWERS_OTHERWISE)):
            for (topic, name), reason in reasons[cloud].items():
                terminalreporter.write_line(f"contract, {cloud}, {verb}: {topic}: {name}: {reason}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recorded_row" not in metafunc.fixturenames:
        return
    cases = [
        pytest.param(
            (cloud, topic, row["name"]),
            id=f"{cloud}:{topic}:{row['name']}".encode("ascii", "replace").decode(),
            marks=[pytest.mark.live] if cloud == "live" else [],
        )
        for cloud in CLOUDS
        for topic in TOPICS
        for row in rows_of(topic)
    ]
    metafunc.parametrize("recorded_row", cases)
