"""docs/monitoring.md, the alert rules and the dashboard name what is exported, and all of it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from snapshots.monitoring.metrics import METRICS, OF_DATABASE, OF_NODE

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "deploy/monitoring"
RULES = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())
PAGE = (ROOT / "docs/monitoring.md").read_text()
EXPORTED = {sample: metric for metric in METRICS for sample in metric.samples}
OURS = re.compile(r"\bevsportal_[a-z_]+")
PANELS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [rule["expr"] for rule in RULES] + PANELS
LABELS_OF_PROMETHEUS = {"instance", "job", "le"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression_names_what_is_exported(expression):
    names = OURS.findall(expression)
    assert set(names) <= set(EXPORTED)
    assert names or expression.startswith("up{")
    labels = re.findall(r"\bby \(([a-z_, ]+)\)", expression)
    labels = {label for part in labels for label in part.split(", ")} - LABELS_OF_PROMETHEUS
    assert all(labels <= set(EXPORTED[name].labels) for name in names)


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_alert_leads_to_a_heading(rule):
    page, _hash, heading = rule["annotations"]["runbook"].partition("#")
    heads = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert heading in {head.lower().replace(" ", "-") for head in heads}


def test_dashboard_shows_every_metric():
    of_panels = {EXPORTED[name] for panel in PANELS for name in OURS.findall(panel)}
    assert {metric.name for metric in METRICS} == {metric.name for metric in of_panels}


def table_of(metrics):
    lines = ["| metric | kind | labels | meaning | alerts |", "|---|---|---|---|---|"]
    for metric in metrics:
        alerts = [rule["alert"] for rule in RULES if named_in(rule["expr"], metric)]
        name = metric.samples[0] if len(metric.samples) == 1 else metric.name
        cells = [f"`{name}`", metric.kind, ", ".join(metric.labels), metric.help]
        lines.append(f"| {' | '.join([*cells, ', '.join(alerts)])} |".replace("|  |", "| |"))
    return "\n".join(re.sub(r"\|  (?=\|)", "| ", line) for line in lines)


def named_in(expression, metric):
    return bool(set(OURS.findall(expression)) & set(metric.samples))


@pytest.mark.parametrize("metrics", [OF_NODE, OF_DATABASE], ids=["of a node", "of the database"])
def test_page_has_the_table(metrics):
    assert table_of(metrics) in PAGE, f"the page has another table than this:\n{table_of(metrics)}"


@pytest.mark.skipif(not shutil.which("promtool"), reason="Prometheus is not installed")
def test_promtool_accepts_the_rules():
    command = ["promtool", "check", "rules", str(FILES / "alerts.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
