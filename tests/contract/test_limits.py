"""docs/limits.md against the code: every limit is in it, with the value it has."""

import dataclasses
import re
from pathlib import Path

from jobmonitor.gateway.http import body_limits
from jobmonitor.gateway.settings import GatewaySettings
from jobmonitor.job_types.files import tables as import_files
from jobmonitor.job_types.files import xlsx_reader

ROOT = Path(__file__).parent.parent.parent
NO_LIMITS = {
    "log_format",
    "log_level",
    "metrics_host",
    "metrics_port",
    "http_host",
    "http_port",
    "job_types",
    "allowed_hosts",
    "operations_for",
    "trusted_proxies",
    "demo",
    "session_idle_h",
    "upload_retention_days",
    "database_pool_size",
}
_ROW = re.compile(r"^\| (?P<limit>[^|]+) \| [^|]+ \| `(?P<name>\w+)`[^|]* \| (?P<value>[\d.]+) \| [^|]+ \|$")
_LABEL = re.compile(r'(?:LIMITED\.labels\(|Slots\(|too_many\(|now_s, |limit = |limit, most = )"([a-z][\w -]+)"')


def _rows() -> list[re.Match[str]]:
    text = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    return [found for line in text.splitlines() if (found := _ROW.match(line))]


def test_every_setting_that_is_a_limit_is_in_the_table_with_its_default() -> None:
    said = {row["name"]: float(row["value"]) for row in _rows() if row["name"].islower()}
    fields = {each.name: each.default for each in dataclasses.fields(GatewaySettings)}
    limits = {name: float(str(default)) for name, default in fields.items() if _is_number(default)}

    assert said == {name: value for name, value in limits.items() if name not in NO_LIMITS}


def _is_number(default: object) -> bool:
    return isinstance(default, int | float) and not isinstance(default, bool)


def test_every_constant_in_the_table_has_that_value() -> None:
    known = {**vars(xlsx_reader), **vars(import_files), **vars(body_limits)}
    said = {row["name"]: float(row["value"]) for row in _rows() if row["name"].isupper()}

    assert said
    assert said == {name: float(known[name]) for name in said}


def test_every_limit_in_the_table_is_counted_by_the_metric_and_no_other() -> None:
    source = "".join(each.read_text(encoding="utf-8") for each in (ROOT / "services/jobmonitor/gateway").rglob("*.py"))
    limits = {row["limit"] for row in _rows()}

    assert set(_LABEL.findall(source)) <= limits
    assert {limit for limit in limits if f'"{limit}"' not in source} == {"idle connection"}
