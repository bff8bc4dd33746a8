"""The Kubernetes manifests: valid by the API's own schemas, without privileges, complete."""

import pytest
import yaml

from tools import ROOT

MANIFESTS = list(
    yaml.safe_load_all((ROOT / "deploy/kubernetes/evsportal.yaml").read_text(encoding="utf-8"))
)
BY_NAME = {f"{each['kind']}/{each['metadata']['name']}": each for each in MANIFESTS}
DEPLOYMENTS = [each for each in MANIFESTS if each["kind"] == "Deployment"]
VERSION = "1.30"
each_deployment = pytest.mark.parametrize(
    "deployment", DEPLOYMENTS, ids=lambda each: each["metadata"]["name"]
)


@pytest.mark.parametrize("name", BY_NAME)
def test_manifest_is_valid_by_schema(name):
    import kubernetes_validate  # which takes seconds

    kubernetes_validate.validate(BY_NAME[name], VERSION, strict=True)


@each_deployment
def test_pods_run_without_privileges(deployment):
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@each_deployment
def test_each_deployment_has_its_budget(deployment):
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    budget = BY_NAME[f"PodDisruptionBudget/{deployment['metadata']['name']}"]["spec"]
    assert budget["selector"]["matchLabels"] == labels
    assert budget["minAvailable"] < deployment["spec"]["replicas"]


def test_service_leads_to_the_web_port():
    service = BY_NAME["Service/evsportal"]["spec"]
    pod = BY_NAME["Deployment/evsportal-web"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert service["selector"] == pod["metadata"]["labels"]
    assert [port["targetPort"] for port in service["ports"]] == [container["ports"][0]["name"]]


def test_web_is_probed_before_visitors_come():
    pod = BY_NAME["Deployment/evsportal-web"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    paths = {
        name: container[name]["httpGet"]["path"]
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",  # a database that is away is no reason to kill the web
        "readinessProbe": "/readyz",
    }
