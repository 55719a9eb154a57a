"""Holds the files for containers to the program: settings by name, probes, time to stop, and one set of metrics.

    containers.py
"""

import json
import re
import subprocess
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "examples/deploy"


def main():
    settings = set(re.findall(r'^    "([A-Z_]+)",$', (REPOSITORY / "fhir-sub/src/settings/variables.rs").read_text(), re.M))
    assert "FHIR_BASE_URL" in settings

    compose = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())
    program = compose["services"]["program"]
    unknown = set(program["environment"]) - settings
    assert not unknown, f"compose.yaml sets what is no setting: {unknown}"
    files = {value.removeprefix("file:/run/secrets/") for value in program["environment"].values() if value.startswith("file:")}
    assert files == set(program["secrets"]) <= set(compose["secrets"]), files
    hold_stop(program["environment"], int(program["stop_grace_period"].removesuffix("s")))
    hold_secrets([secret["file"] for secret in compose["secrets"].values()])

    by_kind = {it["kind"]: it for it in yaml.safe_load_all((DEPLOY / "container/kubernetes.yaml").read_text())}
    assert set(by_kind) == {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget"}, set(by_kind)
    environment, deployment = by_kind["ConfigMap"]["data"], by_kind["Deployment"]["spec"]
    unknown = set(environment) - settings
    assert not unknown, f"kubernetes.yaml sets what is no setting: {unknown}"
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert deployment["replicas"] == 2
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause > 0
    hold_stop(environment, pod["terminationGracePeriodSeconds"] - pause)
    # All four select the same pods.
    labels = deployment["template"]["metadata"]["labels"]
    selectors = [by_kind["Service"]["spec"]["selector"], by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]]
    assert all(selector == labels for selector in [*selectors, deployment["selector"]["matchLabels"]])

    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    shown = metrics(json.dumps([panel["targets"] for panel in dashboard["panels"]]))
    alerts = yaml.safe_load((DEPLOY / "grafana/alerts.yaml").read_text())
    watched = metrics(json.dumps(alerts))
    assert watched and watched <= shown, f"no panel shows {watched - shown}"
    places = [tuple(panel["gridPos"].values()) for panel in dashboard["panels"]]
    assert len(set(places)) == len(places)
    print("deploy: the files for containers name settings, probes and metrics that agree")


def hold_secrets(files):
    """Neither an image nor git takes the files of the secrets."""
    assert "examples/deploy" in (DEPLOY / "container/Dockerfile.dockerignore").read_text().splitlines()
    for file in files:
        ignored = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", file], cwd=DEPLOY / "container")
        assert ignored.returncode == 0, f"git does not ignore {file}"


def hold_stop(environment, seconds):
    """The program stops by itself before it is killed."""
    within = int(environment["FHIR_SUBSCRIPTION_STOP_WITHIN"].removesuffix("s"))
    assert within < seconds, f"it is killed after {seconds} s, and may take {within} s"


def metrics(text):
    return {name.removesuffix("_bucket") for name in re.findall(r"fhir_sub_\w+", text)}


main()
