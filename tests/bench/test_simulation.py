"""The simulated night keeps the portal's promises, and says so when a rule does not."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from snapshots.models import FINAL
from tests.bench import simulated_worker, simulation
from tests.bench.scenario import Delay, Scenario, Weather, shares_of, wishes
from tests.bench.simulated_rows import Tables
from tests.bench.simulation import Simulation
from tests.bench.simulation_report import draw, figures_of, share_of, told

# So bad that each kind of fault comes, and each line has somebody who waits.
STORM = Weather(
    throttled=0.03,
    server_faults=0.03,
    lost=0.03,
    outages=1.0,
    until_available=Delay(median=20.0),
    ends_in_error=0.05,
)
NIGHT = Scenario(
    clouds=3,
    volumes=60,
    snapshots=20_000,
    requests=150,
    hours=0.25,
    nodes=2,
    calls_per_second=2.0,
    weather=STORM,
)


@pytest.fixture(scope="module")
def night():
    return Simulation(NIGHT).run()


def states(night):
    return [(request.wish, request.state, request.finished_at) for request in night.requests]


def test_no_promise_is_broken_in_a_storm(night):
    assert night.wrongs == []


def test_each_request_ends(night):
    assert len(night.requests) == NIGHT.requests
    assert {request.state for request in night.requests} <= FINAL


def test_storm_has_every_kind_of_end(night):
    assert {request.state.value for request in night.requests} >= {
        "succeeded",
        "failed",
        "not_created",
    }


def test_same_seed_gives_the_same_night(night):
    assert states(Simulation(NIGHT).run()) == states(night)


def test_other_seed_gives_another_night(night):
    assert states(Simulation(replace(NIGHT, seed=2)).run()) != states(night)


def test_pace_that_nobody_keeps_is_noticed(monkeypatch):
    monkeypatch.setattr(simulated_worker.Pacer, "wait", lambda *_: None)
    wrongs = Simulation(NIGHT).run().wrongs
    assert any("above the pace" in wrong for wrong in wrongs)


def test_two_changes_of_one_volume_are_noticed(monkeypatch):
    def let_nobody_follow(tables, request):
        lines = tables.clouds[request.wish.cloud].lines
        lines[request.wish.volume].remove(request)
        if not lines[request.wish.volume]:
            del lines[request.wish.volume]

    monkeypatch.setattr(Tables, "is_claimable", lambda *_: True)
    monkeypatch.setattr(Tables, "_let_next_follow", let_nobody_follow)
    wrongs = Simulation(NIGHT).run().wrongs
    assert any("two changes at once" in wrong for wrong in wrongs)


def test_request_without_a_reading_never_ends(monkeypatch):
    monkeypatch.setattr(simulation, "_LONGEST_AFTER", 0.0)
    monkeypatch.setattr(Tables, "start_duty", lambda *_, **__: None)
    assert any("never ended" in wrong for wrong in Simulation(NIGHT).run().wrongs)


def test_figures_count_each_request_once(night):
    figures = {figure.name: figure for figure in figures_of(night)}
    ends = [each.value for name, each in figures.items() if name.startswith("requests: ")]
    assert sum(ends) == NIGHT.requests
    assert figures["promises that were broken"].passes


def test_file_has_a_row_for_each_minute(night):
    rows = told(night, list(figures_of(night)))["minutes"]
    assert [row["minute"] for row in rows[:3]] == [0, 1, 2]


def test_plots_are_drawings(night, tmp_path):
    draw(night, tmp_path)
    roots = [ET.parse(path).getroot().tag for path in tmp_path.iterdir()]
    assert roots == ["{http://www.w3.org/2000/svg}svg"] * 5


def test_clouds_share_all_there_is():
    assert sum(shares_of(1000, NIGHT)) == 1000


def test_wishes_come_in_order():
    moments = [wish.at for wish in wishes(NIGHT)]
    assert moments == sorted(moments)


def test_share_of_values_is_one_of_them():
    assert share_of([3.0, 1.0, 2.0], 0.5) == 2.0
