"""The installed job types: found by slug without importing what nobody asks for; a broken one fails with its name."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from jobmonitor.job_types import registry
from jobmonitor.job_types.registry import (
    BrokenJobType,
    UnknownJobType,
    built_in,
    by_slug,
    enabled,
    installed,
    job_type,
    load,
    offered,
    slugs,
)
from support.more_types import MORE_SLUGS, write_more_types

EXPORT = "jobmonitor.job_types.user_data_export:JOB_TYPE"
BROKEN = {
    "missing module": ("jobmonitor.job_types.user_data_exprot:JOB_TYPE", "ModuleNotFoundError: No module named"),
    "missing value": ("jobmonitor.job_types.user_data_export:JOB", "AttributeError: .* has no attribute 'JOB'"),
    "no job type": (
        "jobmonitor.job_types.registry:OFFERED_GROUP",
        "it lacks assemble, .*, upload",
    ),
    "a class": ("jobmonitor.job_types.user_data_export.job_type:UserDataExport", "it is a class"),
    "another slug": (EXPORT, "its slug is 'user-data-export'"),
}
IMPORT = "jobmonitor.job_types.user_data_import:JOB_TYPE"
_FORM = "JOB_TYPE.form = msgspec.structs.replace(IMPORT.form, groups=[Group(title='', fields=[{field}])])"
_RULE = "JOB_TYPE.upload = dataclasses.replace(IMPORT.upload, {rule})"
SOUND = {
    "fields": _FORM.format(field="Field(name='columns', label='', fields=[Field(name='header', label='')])"),
    "an inspect": _RULE.format(rule="inspect=other"),
}
MISTAKES = {
    "a field": (_FORM.format(field="Field(name='uplaod', label='')"), "its form speaks of .*: uplaod"),
    "a field of an entry": (
        _FORM.format(field="Field(name='columns', label='', fields=[Field(name='heading', label='')])"),
        r"its form speaks of .*: columns\[\]\.heading",
    ),
    "an ending": (_RULE.format(rule="media_types={'csv': 'text/csv', 'TXT': 'text/plain'}"), ".* lower case: TXT"),
    "a token's id": (
        "JOB_TYPE.params_type = msgspec.defstruct('Words', [('upload', str), ('token_id', str)])",
        "its parameter token_id is no TokenId",
    ),
    "an inspect without a name": (
        _RULE.format(rule="inspect=lambda content: None"),
        ".*_words:<lambda>, is no",
    ),
}


def entry_point(name: str, value: str = EXPORT) -> EntryPoint:
    return EntryPoint(name, value, registry.OFFERED_GROUP)


def test_every_job_type_is_found_by_its_slug() -> None:
    assert [job_type(each.slug) for each in installed()] == list(installed())


def test_users_are_offered_all_but_the_internal_ones_and_those_of_this_distribution_are_published() -> None:
    assert [each.slug for each in offered()] == list(slugs(with_probe=False))
    assert sorted(each.slug for each in installed()) == sorted(slugs(with_probe=True))
    assert {*slugs(with_probe=True)} - {*slugs(with_probe=False)} == {"outside-probe", "probe"}
    assert {"user-data-export", "user-data-import"} == {each.slug for each in built_in()} <= {*slugs(with_probe=False)}


def test_a_setting_names_the_job_types_or_leaves_them_to_what_is_offered() -> None:
    assert enabled("") == offered()
    assert [each.slug for each in enabled("probe, user-data-export")] == ["probe", "user-data-export"]
    with pytest.raises(UnknownJobType):
        enabled("prob")


def test_a_setting_names_kinds_of_workers_which_serve_whatever_types_there_are() -> None:
    assert enabled("@light") == tuple(each for each in offered() if each.capacity.workers == "light")
    assert [each.slug for each in enabled("probe,@mail,probe")] == ["probe"], "no type of ours sends mail yet"
    with pytest.raises(UnknownJobType, match=r"no job type '@hevy'. Kinds of workers are @light, @heavy, @mail\.$"):
        enabled("@hevy")


def test_an_unknown_slug_is_named() -> None:
    with pytest.raises(UnknownJobType, match="no job type 'user-data-exprot'"):
        job_type("user-data-exprot")


def test_a_slug_twice_fails() -> None:
    with pytest.raises(BrokenJobType, match="'user-data-export'.* brings a type of the same name, " + EXPORT):
        by_slug([entry_point("user-data-export"), entry_point("user-data-export", "another.package:TYPE")])


@pytest.mark.parametrize("name", ["word_count", "Words", "-words", "w" * 101, "word count"])
def test_a_name_that_no_topic_can_have_fails(name: str) -> None:
    with pytest.raises(BrokenJobType, match=f"'{name}'.* its name is no slug"):
        by_slug([entry_point(name)])


@pytest.mark.parametrize(("value", "why"), BROKEN.values(), ids=BROKEN)
def test_a_broken_type_fails_with_its_name_and_why_in_one_line(value: str, why: str) -> None:
    with pytest.raises(
        BrokenJobType, match=f"^The job type 'words' of .* \\({value}\\) cannot be used: {why}"
    ) as failed:
        load(entry_point("words", value))
    assert "\n" not in str(failed.value)


def test_a_form_with_a_mistake_fails_with_the_types_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "typed_words").mkdir()
    (tmp_path / "typed_words/form.json").write_text('{"groups": [{"fields": []}]}')
    (tmp_path / "typed_words/__init__.py").write_text(
        "from jobmonitor.job_types.form import read_form\nFORM = read_form(__package__)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BrokenJobType, match=r"'words'.* ValidationError: .*`title`.*\$\.groups"):
        load(entry_point("words", "typed_words:FORM"))


def test_a_word_in_a_form_that_means_nothing_fails_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd_words").mkdir()
    (tmp_path / "odd_words/form.json").write_text('{"groups": [{"title": "Words", "feilds": []}]}')
    (tmp_path / "odd_words/__init__.py").write_text(
        "from jobmonitor.job_types.form import read_form\nFORM = read_form(__package__)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BrokenJobType, match=r"'words'.* ValidationError: .*`feilds`.*\$\.groups"):
        load(entry_point("words", "odd_words:FORM"))


@pytest.fixture
def changed_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], EntryPoint]:
    """The import under another slug, with a change."""

    def change(line: str) -> EntryPoint:
        (tmp_path / "changed_words.py").write_text(
            "import copy, dataclasses, msgspec\n"
            "from jobmonitor.job_types.form import Field, Group\n"
            f"from {IMPORT.partition(':')[0]} import JOB_TYPE as IMPORT\n"
            "JOB_TYPE = copy.copy(IMPORT)\n"
            "JOB_TYPE.slug = 'words'\n"
            "def other(content):\n    return IMPORT.upload.inspect(content)\n"
            f"{line}\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "changed_words", raising=False)
        return entry_point("words", "changed_words:JOB_TYPE")

    return change


@pytest.mark.parametrize(("change", "why"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_form_upload_rule_or_parameters_fails_with_the_types_name(
    change: str, why: str, changed_import: Callable[[str], EntryPoint]
) -> None:
    with pytest.raises(BrokenJobType, match=f"'words'.* cannot be used: {why}"):
        load(changed_import(change))


@pytest.mark.parametrize("change", SOUND.values(), ids=SOUND)
def test_another_form_or_upload_rule_is_taken(change: str, changed_import: Callable[[str], EntryPoint]) -> None:
    assert load(changed_import(change)).slug == "words"


def test_a_type_with_a_secret_in_its_parameters_fails_with_the_fields_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret_words.py").write_text(
        "import copy, msgspec\n"
        f"from {EXPORT.partition(':')[0]} import JOB_TYPE as EXPORT\n"
        "class Login(msgspec.Struct, rename='camel'):\n    api_key: str\n"
        "class Words(msgspec.Struct):\n    logins: list[Login] = []\n"
        "JOB_TYPE = copy.copy(EXPORT)\n"
        "JOB_TYPE.slug, JOB_TYPE.params_type = 'words', Words\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        BrokenJobType, match=r"'words'.* look like secrets: Login\.apiKey\. Parameters are kept for ever"
    ):
        load(entry_point("words", "secret_words:JOB_TYPE"))


@pytest.mark.parametrize("module", ["projection", "reconciler"])
def test_who_needs_no_more_than_the_slugs_imports_no_type(module: str) -> None:
    look = (
        f"import sys, jobmonitor.{module}.__main__; from jobmonitor.job_types.registry import slugs; "
        "print(slugs(with_probe=True), [m for m in sys.modules if m.endswith('.job_type')])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{slugs(with_probe=True)} []"


@pytest.fixture
def broken_types(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """An environment in which another package brings these types."""

    def install(types: str) -> dict[str, str]:
        folder = tmp_path / "words-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: words\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[{registry.OFFERED_GROUP}]\n{types}\n")
        return {"PYTHONPATH": str(tmp_path), "JOBMONITOR_DATABASE_URL": "x", "JOBMONITOR_OBJECT_STORE_URL": "x"}

    return install


@pytest.mark.parametrize("process", ["gateway", "processor"])
def test_a_process_does_not_start_with_a_broken_type(
    process: str, broken_types: Callable[[str], dict[str, str]]
) -> None:
    environment = broken_types("words = words:JOB_TYPE")
    done = _start(f"jobmonitor.{process}", environment)
    assert done.returncode == 2
    assert "The job type 'words' of words (words:JOB_TYPE) cannot be used: ModuleNotFoundError" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("process", ["projection", "reconciler", "gateway", "processor"])
def test_a_process_does_not_start_with_a_doubled_slug(
    process: str, broken_types: Callable[[str], dict[str, str]]
) -> None:
    done = _start(f"jobmonitor.{process}", broken_types("user-data-export = words:JOB_TYPE"))
    assert done.returncode == 2
    assert "The job type 'user-data-export' of " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_says_it_too(broken_types: Callable[[str], dict[str, str]]) -> None:
    done = _start("jobmonitor.cli", broken_types("words = words:JOB_TYPE"), "types")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("jobmonitor: The job type 'words' of words (words:JOB_TYPE) cannot be used: ")


def test_a_job_is_submitted_beside_a_broken_type(broken_types: Callable[[str], dict[str, str]]) -> None:
    environment = broken_types("words = words:JOB_TYPE")
    submit = ("submit", "user-data-export", "--account", "1", "--user", "1", "--param", "format=7")
    done = _start("jobmonitor.cli", environment, *submit)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("jobmonitor: These parameters do not fit user-data-export.")


def test_types_of_other_packages_stand_in_no_published_document(broken_types: Callable[[str], dict[str, str]]) -> None:
    done = _start("jobmonitor.cli", broken_types("words = words:JOB_TYPE"), "schemas", "--check")
    assert (done.returncode, done.stdout) == (0, "schemas: up to date.\n")


def _start(module: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_more_types_are_found_beside_ours_and_can_be_served(tmp_path: Path) -> None:
    """As tests and measurements with fifteen types need them."""
    look = "from jobmonitor.job_types.registry import enabled; print(*[each.slug for each in enabled('')])"
    environment = {**os.environ, "PYTHONPATH": str(write_more_types(tmp_path / "more"))}
    done = subprocess.run([sys.executable, "-c", look], env=environment, capture_output=True, text=True, check=True)
    assert {*done.stdout.split()} == {*slugs(with_probe=False), *MORE_SLUGS}
