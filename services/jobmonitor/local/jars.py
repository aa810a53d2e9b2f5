"""The jars of Kafka: downloaded once, in parallel, and used only when their SHA-256 is the one in the lock file."""

import hashlib
import os
import ssl
import time
import tomllib
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path

from jobmonitor.local.errors import LocalError

DOWNLOADS_AT_ONCE = 8
TRIES = 3
TIMEOUT_S = 60.0

OnStep = Callable[[str], None]
"""Told each step in a line, for people."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One file of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Its place in any Maven repository."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


def locked_jars() -> tuple[Jar, ...]:
    """What the lock file lists; the broker itself comes first."""
    text = (files("jobmonitor.local") / "kafka_jars.lock.toml").read_text(encoding="utf-8")
    return tuple(Jar(**entry) for entry in tomllib.loads(text)["jars"])


def kafka_version() -> str:
    """The version of the broker in the lock file."""
    return locked_jars()[0].version


def fetch_jars(tools_folder: Path, *, repository_url: str = "", on_step: OnStep = lambda _: None) -> Path:
    """The folder with all jars, downloading those that are missing or not what the lock says. Repeatable.

    ``repository_url`` is a Maven repository; empty takes Maven's central one. Raises LocalError.
    """
    jars = locked_jars()
    folder = tools_folder / f"kafka-{jars[0].version}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [jar for jar in jars if not _is_right(folder / jar.file_name, jar)]
        if missing:
            _download_all(missing, folder, repository_url or _central_repository(), on_step)
    except OSError as error:
        raise LocalError(
            f"Kafka cannot be stored in {folder}: {error.strerror}. Free some space or set another "
            "folder with JOBMONITOR_TOOLS_DIR."
        ) from error
    return folder


def _central_repository() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of its libraries talks about folders we do not use
        jgo = import_module("jgo")  # here, as only a download is worth its half a second
    url: str = jgo.MAVEN_CENTRAL_URL
    return url


def _is_right(path: Path, jar: Jar) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256


def _download_all(jars: list[Jar], folder: Path, repository_url: str, on_step: OnStep) -> None:
    tls = ssl.create_default_context()
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        downloads = [pool.submit(_download, jar, folder, repository_url, tls) for jar in jars]
        try:
            for done, download in enumerate(as_completed(downloads), start=1):
                download.result()
                if done % 10 == 0 or done == len(jars):
                    on_step(f"Kafka: {done} of {len(jars)} files downloaded")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _download(jar: Jar, folder: Path, repository_url: str, tls: ssl.SSLContext) -> None:
    content = _get(f"{repository_url.rstrip('/')}/{jar.path}", tls)
    found = hashlib.sha256(content).hexdigest()
    if found != jar.sha256:
        raise LocalError(
            f"{jar.file_name} from {repository_url} is not what was locked (SHA-256 {found[:12]}… "
            f"instead of {jar.sha256[:12]}…); it was not kept. Check what stands between you and it."
        )
    part = folder / f"{jar.file_name}.{os.getpid()}.part"
    part.write_bytes(content)
    part.replace(folder / jar.file_name)


def _get(url: str, tls: ssl.SSLContext) -> bytes:
    for attempt in range(1, TRIES + 1):
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S, context=tls) as answer:  # noqa: S310 - a setting
                content: bytes = answer.read()
                return content
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            if attempt == TRIES:
                reason = getattr(error, "reason", None) or error
                raise LocalError(
                    f"Kafka cannot be downloaded from {url}: {reason}. Check the network (once it is "
                    "here, no network is needed), or name another repository in JOBMONITOR_MAVEN_URL."
                ) from error
            time.sleep(attempt)
    raise AssertionError("unreachable")
