# SPDX-License-Identifier: Apache-2.0
"""The 22 questions of TPC-H through our wire and by Trino over the same Iceberg tables, without policies. Trino is fetched by
its pin (821 MB, once) and wants a JDK of 24 or later; without one of them the measure says why it is left out."""

import hashlib
import json
import math
import os
import re
import shutil
import socket
import statistics
import subprocess
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import Project
from server import serving
from wire import SCALE, TABLES, ours_of, project_of, questions, seconds_of, tpch_files

VERSION = "476"
SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
CACHE = Path(os.environ.get("LODE_CACHE", Path.home() / ".cache" / "lode")) / f"trino-{VERSION}"
JVM = """-server
-Xmx{heap}G
-XX:G1HeapRegionSize=32M
-XX:+ExitOnOutOfMemoryError
-XX:ReservedCodeCacheSize=256M
-Djdk.attach.allowAttachSelf=true
-Djdk.nio.maxCachedBufferSize=2000000
-Dfile.encoding=UTF-8
"""
ETC = {
    "node.properties": "node.environment=bench\nnode.id=bench\nnode.data-dir={data}/var\nnode.internal-address=127.0.0.1\nnode.bind-ip=127.0.0.1\n",
    "jvm.config": JVM,
    "config.properties": "coordinator=true\nnode-scheduler.include-coordinator=true\nhttp-server.http.port={port}\ndiscovery.uri=http://127.0.0.1:{port}\n",
    "log.properties": "io.trino=WARN\n",
    "catalog/lake.properties": "connector.name=iceberg\niceberg.catalog.type=testing_file_metastore\nhive.metastore.catalog.dir=file://{data}/metastore\n"
                               "fs.hadoop.enabled=true\niceberg.register-table-procedure.enabled=true\n",
}


class Missing(Exception):
    """What of it cannot be had."""


def java_home() -> Path:
    """A JDK of 24 or later."""
    places = [Path(place) for place in (os.environ.get("JAVA_HOME"), shutil.which("java") and str(Path(shutil.which("java") or "").resolve().parent.parent)) if place]
    for place in [*places, *sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)]:
        try:
            said = subprocess.run([place / "bin" / "java", "-version"], capture_output=True, text=True, check=False).stderr
        except OSError:
            continue
        version = re.search(r'version "(\d+)', said)
        if version and int(version[1]) >= 24:
            return place
    raise Missing("there is no JDK of 24 or later (JAVA_HOME)")


def fetched() -> Path:
    """The server's folder, unpacked without the plugins that are not needed."""
    server = CACHE / f"trino-server-{VERSION}"
    if (CACHE / "whole").exists():
        return server
    if not shutil.which("mvn"):
        raise Missing("there is no mvn to fetch it with")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as repository:
        done = subprocess.run(["mvn", "-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get", "-Dtransitive=false",
                               f"-Dartifact=io.trino:trino-server:{VERSION}:tar.gz", f"-Dmaven.repo.local={repository}"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(f"it cannot be fetched: {(done.stdout + done.stderr).strip().splitlines()[-1:]}")
        archive = Path(repository) / f"io/trino/trino-server/{VERSION}/trino-server-{VERSION}.tar.gz"
        with archive.open("rb") as file:
            if (found := hashlib.file_digest(file, "sha256").hexdigest()) != SHA256:
                raise RuntimeError(f"{archive.name} is not the one that was pinned: {found}")
        with tarfile.open(archive) as tar:
            tar.extractall(CACHE, filter="tar")  # all of it: files that plugins share are links
    for plugin in (server / "plugin").iterdir():
        if plugin.name != "iceberg":
            shutil.rmtree(plugin)
    (CACHE / "whole").touch()
    return server


class Trino:
    """Its HTTP protocol, as far as a question needs it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, address: str, body: bytes | None = None) -> dict:
        request = urllib.request.Request(address, body, {"X-Trino-User": "bench", "X-Trino-Catalog": "lake", "X-Trino-Schema": "tpc"})
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        rows: list[tuple[object, ...]] = []
        page = self.get(f"{self.url}/v1/statement", sql.encode())
        while True:
            if "error" in page:
                raise RuntimeError(f"Trino: {page['error']['message']}\n{sql}")
            rows += map(tuple, page.get("data", []))
            if "nextUri" not in page:
                return rows
            page = self.get(page["nextUri"])


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def running(server: Path, home: Path, data: Path) -> Iterator[Trino]:
    port = free_port()
    for name, text in ETC.items():
        path = data / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(data=data, port=port, heap=os.environ.get("LODE_BENCH_HEAP", "4")))
    environment = {**os.environ, "JAVA_HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}"}
    with (data / "said").open("wb") as said:
        process = subprocess.Popen([server / "bin" / "launcher", f"--etc-dir={data}/etc", "run"], env=environment, stdout=said, stderr=said, start_new_session=True)
    trino = Trino(port)
    try:
        until = time.monotonic() + 300
        while True:
            try:
                if not trino.get(f"{trino.url}/v1/info")["starting"]:
                    break
            except OSError:
                pass
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Trino does not start: {re.findall('(?m)^.*(?:Error:|ERROR).*$', (data / 'said').read_text())}")
            time.sleep(0.3)
        yield trino
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def register(trino: Trino, project: Project) -> None:
    trino.ask("create schema lake.tpc")
    for table in TABLES:
        metadata = Path(project.json("show", f"tpc.staging.{table}")["metadata_location"].removeprefix("file://"))
        trino.ask(f"call lake.system.register_table('tpc', '{table}', '{metadata.parent.parent}', '{metadata.name}')")


def same(mine: list[tuple[object, ...]], theirs: list[tuple[object, ...]]) -> bool:
    """Trino rounds averages and quotients of decimals to their scale, and gives decimals and dates as texts."""
    def near(a: object, b: object) -> bool:
        try:
            return str(a).rstrip() == str(b).rstrip() or math.isclose(float(a), float(b), rel_tol=1e-6, abs_tol=0.0051)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return False

    return len(mine) == len(theirs) and all(near(a, b) for x, y in zip(mine, theirs, strict=True) for a, b in zip(x, y, strict=True))


Answers = list[tuple[list[float], list[tuple[object, ...]]]]  # of each question: times in ms, rows


def timed(ask: Callable[[str], list[tuple[object, ...]]], prefix: str, turns: int) -> Answers:
    """All questions in turn, again and again. The first turn is not counted."""
    texts = [text.format(t=prefix) for text in questions()]
    rows = [ask(text) for text in texts]
    times = [[1e3 * seconds_of(lambda: ask(text))[0] for text in texts] for _ in range(turns)]
    return [([turn[number] for turn in times], answer) for number, answer in enumerate(rows)]


def compare(report, ours: Answers, theirs: Answers) -> None:
    ratios = []
    for number, ((mine, answer), (peers, expected)) in enumerate(zip(ours, theirs, strict=True), 1):
        if not same(answer, expected):
            raise RuntimeError(f"Trino, question {number}: not the same rows\n{answer[:3]}\n{expected[:3]}")
        report.pair(f"TPC-H {SCALE}, Trino, question {number}", mine, peers, "ms")
        ratios.append(statistics.median(t / m for m, t in zip(mine, peers, strict=True)))
    report.alone(f"TPC-H {SCALE}, Trino {VERSION} / ours", statistics.geometric_mean(ratios), f"geomean, least {min(ratios):.1f}, most {max(ratios):.1f}")


def trino(report, work: Path, pairs: int) -> None:
    """One after the other, each alone on the machine: a Java that compiles in the background takes processors from its neighbour."""
    try:
        home, server = java_home(), fetched()
    except Missing as reason:
        print(f"trino: left out, {reason}")
        return
    with tempfile.TemporaryDirectory(dir=work) as folder:
        project = project_of(Path(folder), "tpc", *tpch_files(work))
        data = Path(folder) / "trino"
        data.mkdir()
        with serving(project) as running_ours, ours_of(running_ours, "").psycopg() as client:
            ours = timed(lambda text: client.execute(text).fetchall(), "tpc.staging.", pairs)
        with running(server, home, data) as peer:
            register(peer, project)
            theirs = timed(peer.ask, "", pairs)
        compare(report, ours, theirs)
