# SPDX-License-Identifier: Apache-2.0
"""HTTP of `lode serve`: questions, text to apply, what it refuses, and what it tells of itself."""

import gzip
import http.client
import io
import json
import re
import shutil
import socket
import ssl
import subprocess
import tarfile
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from conftest import LODE, Project
from server import Server, serving
from test_serve import ORDERS, shop

USERS = ("ann", "bo", "oz", "fred", "nobody")


class Tokens(dict[str, str]):
    """A token for each user of the shop."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(shop(tmp_path_factory.mktemp("http"))) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(server: Server) -> Tokens:
    return make_tokens(server.project, *USERS)


def make_tokens(project: Project, *users: str) -> Tokens:
    return Tokens({user: project.json("token", "add", f"http-{user}", "--for", user)["token"] for user in users})


def request(server: Server, method: str, path: str, body: bytes | str | None = None, token: str | None = None,
            **fields: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def query(server: Server, token: str, sql: str, **question: Any) -> Any:
    status, _, body = request(server, "POST", "/v1/query", json.dumps({"sql": sql, **question}), token, content_type="application/json")
    answer = json.loads(body)
    assert status == 200, answer
    return answer


def refused(server: Server, token: str, sql: str, **question: Any) -> tuple[int, dict[str, Any]]:
    status, _, body = request(server, "POST", "/v1/query", json.dumps({"sql": sql, **question}), token, content_type="application/json")
    assert status >= 400, body
    return status, json.loads(body)["error"]


def send(port: int, text: bytes, patience: float = 10) -> bytes:
    """Bytes as they are, and everything that comes until the server hangs up or says no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as client:
        client.sendall(text)
        got = b""
        try:
            while block := client.recv(65536):
                got += block
        except (TimeoutError, ConnectionResetError):
            pass
        return got


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


# ---- questions ----

def test_an_answer_is_json_as_the_command_line_prints_it(server: Server, tokens: Tokens) -> None:
    sql = "select id, region, amount, null as gone, timestamp '2026-01-02 03:04:05' as at, 1 as id from shop.canonical.order order by id"
    assert query(server, tokens["ann"], sql) == server.project.query(sql)
    assert query(server, tokens["ann"], "select 1 as a where false") == []
    assert query(server, tokens["ann"], "select 9007199254740993 as big, 'é\"' as text, [1, 2] as list") == [
        {"big": 9007199254740993, "text": 'é"', "list": "[1, 2]"}]


def test_an_answer_is_csv_when_it_is_asked_for(server: Server, tokens: Tokens) -> None:
    sql = "select id, region, amount from shop.canonical.order order by id"
    for fields, body, kind in [({"accept": "text/csv"}, {"sql": sql}, "application/json"),
                               ({"accept": "application/json;q=0.5, text/*"}, {"sql": sql}, "application/json"),
                               ({}, {"sql": sql, "format": "csv"}, "application/json; charset=utf-8")]:
        status, headers, answer = request(server, "POST", "/v1/query", json.dumps(body), tokens["ann"], content_type=kind, **fields)
        assert (status, headers["content-type"], answer.decode()) == (200, "text/csv; charset=utf-8", ORDERS)
    _, _, answer = request(server, "POST", "/v1/query?format=csv", "select true as a, false as b, null::boolean as c, 't' as d", tokens["ann"],
                           content_type="application/sql")
    assert answer == b"a,b,c,d\ntrue,false,,t\n", "as the command line prints them"
    status, _, answer = request(server, "POST", "/v1/query?format=csv&zone=shop", sql.replace("shop.", ""), tokens["ann"], content_type="application/sql")
    assert (status, answer.decode()) == (200, ORDERS)


def test_parameters_are_what_the_statement_makes_of_them(server: Server, tokens: Tokens) -> None:
    assert query(server, tokens["ann"], "select id from shop.canonical.order where id = $1 and region = $2", parameters=[2, "US"]) == [{"id": 2}]
    assert query(server, tokens["ann"], "select $1 as a, $2 as b, $3 as c, $4 as d", parameters=[5, 1.5, True, "x"]) == [
        {"a": 5, "b": 1.5, "c": True, "d": "x"}]
    assert query(server, tokens["ann"], "select $1::date + 1 as a, $2::int as b", parameters=["2024-02-28", None]) == [{"a": "2024-02-29", "b": None}]
    assert query(server, tokens["ann"], "select $1 as a", parameters=["'; drop table x"]) == [{"a": "'; drop table x"}]
    for parameters in ([], [1, 2]):
        assert refused(server, tokens["ann"], "select $1", parameters=parameters)[0] == 400
    status, error = refused(server, tokens["ann"], "select $1::int", parameters=["seven"])
    assert (status, error["code"]) == (400, "E206")
    assert refused(server, tokens["ann"], "select $1", parameters=[[1]])[0] == 400


def test_zone_branch_and_time_are_fields(server: Server, tokens: Tokens) -> None:
    commits = server.project.json("log")
    assert query(server, tokens["ann"], "select count(*) as n from canonical.order", zone="shop") == [{"n": 3}]
    assert refused(server, tokens["ann"], "select * from canonical.order", zone="nowhere")[0] == 404
    assert refused(server, tokens["ann"], "select 1 from shop.canonical.order", branch="nowhere")[0] == 404
    assert refused(server, tokens["ann"], "select 1 from shop.canonical.order", as_of=commits[-1]["commit"])[0] == 404
    assert query(server, tokens["ann"], "select 1 as a", as_of=commits[0]["commit"]) == [{"a": 1}]
    assert query(server, tokens["fred"], "select count(*) as n from egress.sales", zone="shop") == [{"n": 2}]
    assert refused(server, tokens["nobody"], "select 1", zone="shop")[1]["sqlstate"] == "3D000"


def test_errors_have_the_one_shape_and_their_place(server: Server, tokens: Tokens) -> None:
    for sql, status, code, sqlstate, line, column in [
        ("select nope", 400, "E204", "42703", 1, 8), ("/* é */\nselect *\n  from shop.canonical.nothing", 404, "E203", "42P01", 3, 8),
        ("selec 1", 400, "E201", "42601", None, None), ("select 1/", 400, "E201", "42601", 1, None), ("select 'x'::int", 400, "E206", "22018", None, None),
        ("select 1; select 2", 400, "E202", "0A000", None, None), ("set x = 1", 400, "E202", "0A000", None, None), ("", 400, "E105", "22023", None, None),
    ]:
        got, error = refused(server, tokens["ann"], sql)
        assert set(error) == {"code", "sqlstate", "message", "file", "line", "column", "hint"}
        assert (got, error["code"]) == (status, code), error
        assert line is None or error["line"] == line, error
        assert column is None or error["column"] == column, error
    for body, kind, status in [("{", "application/json", 400), ("[]", "application/json", 400), ('{"sql":1}', "application/json", 400),
                               ('{"sql":"select 1","sqll":2}', "application/json", 400), ('{"sql":"select 1"}', "application/x-www-form-urlencoded", 200), ("<sql/>", "application/xml", 415),
                               ("select '\\xff'", "application/sql", 200), (b"select '\xff'", "application/sql", 400), (b"select 1\0", "application/sql", 400),
                               ('{"sql":"select \'\\u0000\'"}', "application/json", 400)]:
        assert request(server, "POST", "/v1/query", body, tokens["ann"], content_type=kind)[0] == status, body
    assert request(server, "POST", "/v1/query?zon=shop", "select 1", tokens["ann"], content_type="application/sql")[0] == 400
    assert request(server, "POST", "/v1/query", "select 1", tokens["ann"], content_type="application/sql", accept="image/png")[0] == 406


def test_who_sees_what_is_the_wires(server: Server, tokens: Tokens) -> None:
    sales = "select region, amount from shop.{}.sales order by region"
    assert query(server, tokens["bo"], sales.format("analytical"))[0]["region"] == "EU"
    assert refused(server, tokens["bo"], "select * from shop.canonical.order")[0] == 404
    assert refused(server, tokens["fred"], sales.format("analytical"))[0] == 404
    assert query(server, tokens["fred"], sales.format("egress"))[0]["region"] == "EU"
    for name in ("analytical.sales", "egress.sales", "canonical.order"):
        status, error = refused(server, tokens["nobody"], f"select * from shop.{name}")
        assert (status, error["code"]) == (404, "E203")
        assert refused(server, tokens["nobody"], "select * from shop.no.table")[0] == status
    assert query(server, tokens["nobody"], "select table_name from information_schema.tables where table_schema not in ('information_schema', 'pg_catalog', 'lode')") == []
    assert query(server, tokens["bo"], "select current_user as me") == [{"me": "bo"}]


def test_a_withdrawn_token_ends_at_the_next_request(server: Server) -> None:
    token = server.project.json("token", "add", "short", "--for", "bo")["token"]
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sql"}
    connection.request("POST", "/v1/query", "select 1 as a", headers)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (200, [{"a": 1}])
    server.project.lode("token", "remove", "short")
    connection.request("POST", "/v1/query", "select 1 as a", headers)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("WWW-Authenticate")) == (401, 'Bearer realm="lode"')
    assert json.loads(answer.read())["error"]["code"] == "E406"
    connection.close()


def test_one_connection_serves_several_principals_each_with_its_own_rights(server: Server, tokens: Tokens) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    for user, status in [("ann", 200), ("nobody", 404), ("bo", 404), ("ann", 200)]:
        connection.request("POST", "/v1/query?zone=shop" if user == "ann" else "/v1/query", "select count(*) as n from shop.canonical.order",
                           {"Authorization": f"Bearer {tokens[user]}", "Content-Type": "application/sql"})
        answer = connection.getresponse()
        assert (user, answer.status) == (user, status), answer.read()
        answer.read()
    connection.close()


def test_logins_that_are_none_are_refused(server: Server) -> None:
    for authorization in [None, "Bearer", "Bearer x", "Basic YTpi", "Bearer lode_aaaaaaaaaaaa_" + "0" * 40, "Bearer " + "x" * 5000]:
        fields = {"authorization": authorization} if authorization else {}
        status, headers, body = request(server, "POST", "/v1/query", "select 1", content_type="application/sql", **fields)
        assert (status, "www-authenticate" in headers) == (401, True), authorization
        assert json.loads(body)["error"]["sqlstate"] == "28P01"


# ---- long answers ----

LONG = "select i, repeat('x', 100) as pad from range({}) t(i)"


def test_a_long_answer_is_streamed_in_flat_memory(server: Server, tokens: Tokens) -> None:
    def resident() -> int:
        return int(next(line for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1])

    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    before = resident()
    for accept, rows_end in (("text/csv", b"\n"), ("application/json", b"}")):
        connection.request("POST", "/v1/query", LONG.format(200000),
                           {"Authorization": f"Bearer {tokens['ann']}", "Content-Type": "application/sql", "Accept": accept})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Transfer-Encoding")) == (200, "chunked")
        rows = 0
        while block := answer.read(1 << 20):
            rows += block.count(rows_end)
        assert rows == 200000 + (accept == "text/csv")
    connection.close()
    assert resident() - before < 30_000


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_an_answer_that_fails_on_the_way_is_no_whole_answer(server: Server, tokens: Tokens, accept: str, version: str) -> None:
    sql = "select i, repeat('x', 200) as pad, case when i = 79999 then ('x' || i)::int else 0 end as q from range(80000) t(i)"
    text = (f"POST /v1/query HTTP/{version}\r\nHost: a\r\nAuthorization: Bearer {tokens['ann']}\r\nAccept: {accept}\r\n"
            f"Content-Type: application/sql\r\nContent-Length: {len(sql)}\r\n\r\n{sql}").encode()
    with socket.create_connection(("127.0.0.1", server.http), timeout=60) as client:
        client.sendall(text)
        got, reset = b"", False
        try:
            while block := client.recv(1 << 20):
                got += block
        except ConnectionResetError:
            reset = True
    assert got.startswith(b"HTTP/1.1 200 OK")
    if version == "1.1":
        assert not got.endswith(b"0\r\n\r\n")
    else:
        assert reset, "an answer that ends with its connection must not end in peace"
    if accept == "application/json" and version == "1.1":
        last = got.rstrip(b"\r\n").splitlines()[-1]
        assert json.loads(last)["error"]["code"] == "E206"


def test_a_client_that_hangs_up_ends_its_statement(server: Server, tokens: Tokens) -> None:
    def busy() -> int:
        page = request(server, "GET", "/metrics")[2].decode()
        return int(re.search(r"^lode_statements_running (\d+)", page, re.M)[1])

    sql = "select count(*) from range(100000000000) t(i) where i % 7 = 3"
    for moment in (0, 0.005, 0.01, 0.02, 0.04, None):  # of its way through parsing, binding and running
        with socket.create_connection(("127.0.0.1", server.http), timeout=10) as client:
            client.sendall((f"POST /v1/query HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tokens['ann']}\r\nContent-Type: application/sql\r\n"
                            f"Content-Length: {len(sql)}\r\n\r\n{sql}").encode())
            if moment is None:
                wait_for(lambda: busy() == 1)
            time.sleep(moment or 0)
        wait_for(lambda: busy() == 0)
    status, error = refused(server, tokens["ann"], sql, timeout=0.2)
    assert (status, error["sqlstate"]) == (503, "57014")


def wait_for(condition: Any, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it does not come true"
        time.sleep(0.05)


# ---- the protocol ----

HEAD = b"Host: a\r\n"


@pytest.mark.parametrize("text, status", [
    (b"GET /health HTTP/1.1\r\n\r\n", 400), (b"GET /health HTTP/1.1\n" + HEAD + b"\r\n", 400), (b"nonsense\r\n\r\n", 400),
    (b"GET /health HTTP/2.0\r\n" + HEAD + b"\r\n", 505), (b"GET /nothing HTTP/1.1\r\n" + HEAD + b"\r\n", 404),
    (b"PUT /health HTTP/1.1\r\n" + HEAD + b"\r\n", 405), (b"TRACE /v1/query HTTP/1.1\r\n" + HEAD + b"\r\n", 405), (b"GET /v1/query HTTP/1.1\r\n" + HEAD + b"\r\n", 405),
    (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n", 414), (b"GET /health HTTP/1.1\r\n" + HEAD + b"A: " + b"b" * 20000 + b"\r\n\r\n", 431),
    (b"GET /health HTTP/1.1\r\n" + HEAD + b"a: b\r\n" * 200 + b"\r\n", 431), (b"GET /health HTTP/1.1\r\n" + HEAD + b"A: b\r\n c\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\n" + HEAD + b"Content-Length: 5\r\n\r\nhello", 413), (b"POST /v1/query HTTP/1.1\r\n" + HEAD + b"Expect: x\r\n\r\n", 417),
    (b"POST /v1/query HTTP/1.1\r\n" + HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /v1/query HTTP/1.1\r\n" + HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
    (b"POST /v1/query HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501), (b"POST /v1/query HTTP/1.1\r\n" + HEAD + b"Content-Length: 4\r\n\r\nabcd", 401),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
], ids=range(19))
def test_requests_that_are_none_get_their_number_and_end_alone(server: Server, text: bytes, status: int) -> None:
    behind = b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n"  # what a smuggler would have answered too
    goes_on = status in (401, 404, 405) or text.endswith(b"hello")  # its end is known, and what it asks is refused
    answer = send(server.http, text + behind, patience=0.5 if goes_on else 10)
    assert status_of(answer) == status, answer[:200]
    assert len(re.findall(rb"HTTP/1\.1 \d", answer)) == 1 + goes_on, "what lies behind is read as it must not be"
    assert request(server, "GET", "/health")[0] == 200


def test_a_body_that_is_not_read_so_is_told_why(server: Server, tokens: Tokens) -> None:
    body = json.dumps({"sql": "select 1"})
    for sent, fields, status, words in (
            (gzip.compress(body.encode()), {"Content_Type": "application/json", "Content_Encoding": "gzip"}, 415, "encoded as 'gzip'"),
            (body, {"Content_Type": "application/json", "Content_Encoding": "identity"}, 200, ""),
            (body, {"Content_Type": "text/plain"}, 415, "looks like JSON"), (" " + body, {"Content_Type": "application/sql"}, 415, "application/json"),
            (body, {"Content_Type": "application/xml"}, 415, "Content-Type")):
        got, _, answer = request(server, "POST", "/v1/query", sent, tokens["ann"], **fields)
        assert got == status and words in answer.decode(), answer
    assert b"NUL (%00)" in request(server, "POST", "/v1/query?zone=a%00b", body, tokens["ann"], Content_Type="application/json")[2]
    status, _, answer = request(server, "GET", "/v1/nosuch")
    assert status == 404 and b"/v1/query, /v1/apply, /health, /ready and /metrics" in answer


def test_head_options_and_keep_alive(server: Server) -> None:
    status, headers, body = request(server, "HEAD", "/health")
    assert (status, headers["content-length"], body) == (200, "16", b"")
    for path, allow in (("/v1/query", "POST, OPTIONS"), ("/health", "GET, HEAD, OPTIONS"), ("*", None)):
        status, headers, body = request(server, "OPTIONS", path)
        assert (status, body) == (204, b"")
        assert allow is None or headers["allow"] == allow
    one = b"GET /health HTTP/1.1\r\n" + HEAD
    assert send(server.http, one + b"\r\n" + one + b"\r\n" + one + b"Connection: close\r\n\r\n").count(b'{"status":"ok"}') == 3
    assert b"Connection: keep-alive" in send(server.http, b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", patience=1)
    assert send(server.http, b"GET /health HTTP/1.0\r\n\r\n" + one + b"\r\n").count(b"HTTP/1.1 200") == 1


def test_two_questions_sent_ahead_are_answered_in_order(server: Server, tokens: Tokens) -> None:
    def text(sql: str, more: str = "") -> bytes:
        return (f"POST /v1/query HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tokens['ann']}\r\nContent-Type: application/sql\r\n{more}"
                f"Transfer-Encoding: chunked\r\n\r\n{len(sql):x}\r\n{sql}\r\n0\r\n\r\n").encode()

    both = send(server.http, text("select 'first' as a") + text("select 'second' as a", "Connection: close\r\n"))
    assert both.count(b"HTTP/1.1 200 OK") == 2
    assert both.index(b'"first"') < both.index(b'"second"')


def test_a_body_is_asked_for_only_when_it_is_wanted(server: Server, tokens: Tokens) -> None:
    head = "POST /v1/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/sql\r\nContent-Length: 15\r\nExpect: 100-continue\r\n"
    with socket.create_connection(("127.0.0.1", server.http), timeout=10) as client:
        client.sendall((head + f"Authorization: Bearer {tokens['ann']}\r\n\r\n").encode())
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"select 42 as a ")
        assert b'[{"a":42}]' in client.recv(10000)
    assert status_of(send(server.http, (head + "\r\n").encode())) == 401
    big = head.replace("15", "999999999") + f"Authorization: Bearer {tokens['ann']}\r\n\r\n"
    assert status_of(send(server.http, big.encode())) == 413


def test_who_is_slow_or_gone_costs_nobody_else(server: Server, tokens: Tokens) -> None:
    clients = []
    for text in (b"", b"GET /hea", b"POST /v1/query HTTP/1.1\r\n" + HEAD + f"Authorization: Bearer {tokens['ann']}\r\nContent-Length: 100\r\n\r\nhalf".encode()):
        client = socket.create_connection(("127.0.0.1", server.http), timeout=15)
        client.sendall(text)
        clients.append(client)
    assert query(server, tokens["bo"], "select 1 as a") == [{"a": 1}]
    clients[2].close()  # in the middle of its body
    answers = [client.recv(10000) for client in clients[:2]]
    assert answers[0] == b""
    assert status_of(answers[1]) == 408
    for client in clients:
        client.close()


# ---- what it tells of itself ----

def test_health_and_ready(server: Server) -> None:
    assert request(server, "GET", "/health")[::2] == (200, b'{"status":"ok"}\n')
    assert request(server, "GET", "/ready")[::2] == (200, b'{"status":"ready"}\n')


def parse_metrics(page: str) -> dict[str, float]:
    """Prometheus' text format, read strictly: what a scraper would refuse fails here."""
    values: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for line in page.splitlines():
        if line.startswith("# HELP "):
            assert re.fullmatch(r"# HELP [a-z_]+ .+", line)
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds and kind in ("counter", "gauge", "histogram")
            kinds[name] = kind
            continue
        match = re.fullmatch(r'([a-z_]+)(\{[a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*\})? (\S+)', line)
        assert match, line
        base = re.sub(r"_(bucket|sum|count)$", "", match[1]) if match[1] not in kinds else match[1]
        assert base in kinds, f"{line}: no TYPE before it"
        assert kinds[base] != "counter" or match[1].endswith("_total"), line
        assert match[1] + (match[2] or "") not in values, f"{line}: twice"
        values[match[1] + (match[2] or "")] = float(match[3])
    return values


def test_metrics_count_what_happened(server: Server, tokens: Tokens) -> None:
    def page() -> dict[str, float]:
        status, headers, body = request(server, "GET", "/metrics")
        assert (status, headers["content-type"].startswith("text/plain; version=0.0.4")) == (200, True)
        assert body.endswith(b"\n")
        return parse_metrics(body.decode())

    before = page()
    query(server, tokens["ann"], "select * from shop.canonical.order")
    refused(server, tokens["ann"], "select nope")
    request(server, "POST", "/v1/query", "select 1", "nonsense")
    after = page()
    grown = {name: after[name] - before[name] for name in after if after[name] != before.get(name)}
    assert grown['lode_statements_total{protocol="http",outcome="ok"}'] == 1
    assert grown['lode_statements_total{protocol="http",outcome="refused"}'] == 1
    assert grown["lode_rows_total"] == 3
    assert grown['lode_logins_total{protocol="http",outcome="failed"}'] == 1
    assert grown["lode_statement_seconds_count"] == 2
    assert grown["lode_scanned_bytes_total"] > 0
    buckets = [value for name, value in after.items() if name.startswith("lode_statement_seconds_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == after["lode_statement_seconds_count"]
    assert any(name.startswith('lode_build_info{version="') for name in after)
    for user, sees in (("ann", True), ("bo", False)):  # hidden rows are among what is read
        assert (b"lode_scanned_bytes_total" in request(server, "GET", "/metrics", "", tokens[user])[2]) == sees


def test_each_question_is_in_the_audit_log(server: Server, tokens: Tokens) -> None:
    query(server, tokens["bo"], "select count(*) as audited from shop.analytical.sales")
    refused(server, tokens["nobody"], "select 'audited' from shop.analytical.sales")
    time.sleep(1.5)
    lines = [json.loads(line) for file in (server.project.store / "audit").iterdir() for line in file.read_text().splitlines()]
    asked = [line for line in lines if "audited" in (line.get("statement") or "")]
    assert [(line["principal"], line["via"], line["objects"], line["decision"]) for line in asked if line["decision"] == "allow"] == [
        ("bo", "http", ["shop.analytical.sales"], "allow")]


# ---- text to apply ----

def archive(files: dict[str, str | bytes], change: Any = None, **options: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            data = text.encode() if isinstance(text, str) else text
            info.size = len(data)
            if change:
                change(info)
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return out.getvalue()


def text_of(project: Project, *parts: str) -> dict[str, str]:
    return {str(path.relative_to(project.root)): path.read_text() for part in parts for path in sorted((project.root / part).rglob("*"))
            if path.is_file()} | {part: (project.root / part).read_text() for part in parts if (project.root / part).is_file()}


@pytest.fixture(scope="module")
def applying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Tokens]]:
    project = shop(tmp_path_factory.mktemp("apply"))
    project.lode("role", "add", "shop_dev")
    project.lode("user", "set", "nobody", "--role", "shop_dev")
    (project.root / "zones/of_nobody").mkdir()  # a zone with no text at all stays one, whoever applies his own
    project.lode("apply")
    with serving(project) as running:
        yield running, make_tokens(project, *USERS)


def apply(server: Server, token: str, body: bytes, path: str = "/v1/apply") -> tuple[int, Any]:
    status, _, answer = request(server, "POST", path, body, token, content_type="application/x-tar")
    return status, json.loads(answer)


def test_the_owner_applies_all_of_a_zone(applying: tuple[Server, Tokens]) -> None:
    server, tokens = applying
    files = text_of(server.project, "zones/shop")
    assert apply(server, tokens["oz"], archive(files))[1]["changes"] == []
    files["zones/shop/access.yml"] += "- who: [nobody]\n  on: [egress.*]\n"
    status, done = apply(server, tokens["oz"], archive(files))
    assert (status, done["branch"], done["changes"]) == (200, "main", [{"kind": "access", "name": "shop.access", "change": "put"}])
    assert [change["principal"] for change in done["access"]] == ["nobody"]
    log = server.project.json("log")[0]
    assert (log["author"], log["commit"]) == ("oz", done["commit"])
    files = text_of(server.project, "zones/shop")
    assert apply(server, tokens["oz"], gzip.compress(archive(files)))[0] == 200


def test_a_rule_that_gives_nothing_is_warned_of_and_no_gain(applying: tuple[Server, Tokens]) -> None:
    server, tokens = applying
    files = text_of(server.project, "zones/shop")
    line = files["zones/shop/access.yml"].count("\n") + 3
    files["zones/shop/access.yml"] += "- who: [role analyst]\n  on: [canonical.order]\n  rows: region = 1 +\n"
    for user in ("oz", "ann"):
        status, done = apply(server, tokens[user], archive(files))
        warned = [(each["file"], each["line"], each["code"]) for each in done["warnings"]]
        assert (status, done["errors"], warned) == (200, [], [("zones/shop/access.yml", line, "E201")]), done
        assert ("region = 1 +" in done["warnings"][0]["message"]) == (user == "ann"), done
        assert "role analyst" not in [change["principal"] for change in done["access"]]
    assert apply(server, tokens["oz"], archive(text_of(server.project, "zones/shop")))[1]["warnings"] == []


def test_rows_and_columns_are_limited_from_the_next_question_on(applying: tuple[Server, Tokens]) -> None:
    server, tokens = applying
    assert refused(server, tokens["bo"], "select * from shop.canonical.order")[0] == 404
    files = text_of(server.project, "zones/shop")
    files["zones/shop/access.yml"] += ("- who: [role analyst]\n  on: [canonical.order]\n  rows: region = principal.region\n"
                                       "  columns: all except [id]\n")
    assert apply(server, tokens["oz"], archive(files))[0] == 200
    for kind in ("application/json", "text/csv"):
        status, _, body = request(server, "POST", "/v1/query", "select * from shop.canonical.order order by amount", tokens["bo"],
                                  content_type="application/sql", accept=kind)
        assert (status, b"US" in body, b"id" in body) == (200, False, False), body
    assert query(server, tokens["bo"], "select count(*) as n from shop.canonical.order") == [{"n": 2}]
    assert refused(server, tokens["bo"], "select id from shop.canonical.order")[0] == 400
    assert apply(server, tokens["oz"], archive(text_of(server.project, "zones/shop")))[0] == 200
    assert refused(server, tokens["bo"], "select * from shop.canonical.order")[0] == 404


def test_an_engineer_changes_models_and_nothing_else(applying: tuple[Server, Tokens]) -> None:
    server, tokens = applying
    files = text_of(server.project, "zones/shop")
    files["zones/shop/analytical/count.sql"] = "select count(*) as n from canonical.order\n"
    status, done = apply(server, tokens["nobody"], archive(files))
    assert (status, done["changes"]) == (200, [{"kind": "model", "name": "shop.analytical.count", "change": "put"}])
    for name, text, path, who in [
        ("zones/shop/zone.yml", "owner: nobody\n", "zones/shop/zone.yml", "owner"),
        ("zones/shop/access.yml", "rules:\n- who: everyone\n  on: [canonical.*]\n", "zones/shop/access.yml", "owner"),
        ("policies.yml", "- tag: pii\n  who: everyone\n  mask: hash\n", "policies.yml", "administrator"),
        ("lode.yml", "project: mine\n", "lode.yml", "administrator"),
        ("zones/mine/zone.yml", "owner: nobody\n", "zones/mine/zone.yml", "administrator"),
        ("zones/finance/canonical/x.sql", "select 1 as a\n", "zones/finance/canonical/x.sql", "owner and engineers"),
        ("zones/shop/sources/passwd.yml", "from: /etc/passwd\nformat: csv\ncolumns:\n  a: text\n", "zones/shop/sources/passwd.yml", "administrator"),
    ]:
        status, answer = apply(server, tokens["nobody"], archive({**files, name: text}))
        assert (status, answer["error"]["code"]) == (403, "E208"), (name, answer)
        assert path in [error["file"] for error in answer["errors"]], answer
        assert any(who in error["message"] for error in answer["errors"]), answer
    without = {name: text for name, text in files.items() if name != "zones/shop/access.yml"}
    assert apply(server, tokens["nobody"], archive(without))[0] == 403
    status, done = apply(server, tokens["nobody"], archive(text_of(server.project, "zones/shop")))
    assert (status, done["changes"]) == (200, [{"kind": "model", "name": "shop.analytical.count", "change": "remove"}])


def test_a_stranger_applies_nothing_and_an_administrator_everything(applying: tuple[Server, Tokens]) -> None:
    server, tokens = applying
    files = text_of(server.project, "zones", "lode.yml")
    assert apply(server, tokens["bo"], archive(files))[0] == 403
    assert status_of(send(server.http, f"POST /v1/apply HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tokens['bo']}\r\nContent-Length: 99999999\r\n\r\n".encode())) == 403
    files["zones/new/zone.yml"] = "owner: bo\n"
    files["zones/of_nobody/zone.yml"] = ""  # archives hold no empty folder
    files["README.md"] = "read me"
    status, done = apply(server, tokens["ann"], archive(files))
    assert (status, done["passed_over"]) == (200, ["README.md"])
    assert [change["name"] for change in done["changes"]] == ["new.new"]
    del files["zones/new/zone.yml"]
    assert apply(server, tokens["ann"], archive(files))[1]["changes"] == []
    assert [change["change"] for change in apply(server, tokens["ann"], archive(files), "/v1/apply?whole=true")[1]["changes"]] == ["remove"]
    assert apply(server, tokens["ann"], archive(files), "/v1/apply?hole=true")[0] == 400


def test_what_is_passed_over_is_said_and_what_is_nearly_text_is_refused(applying: tuple[Server, Tokens]) -> None:
    server, tokens = applying
    files = text_of(server.project, "zones/shop")
    over = ["zones/shop/access.yml~", "zones/shop/access.yml.orig", "zones/shop/canonical/notes.txt", "zones/shop/canonical/deep/x.sql", "zones/shop/tests/a.yml", "zones/shop/.hidden.yml"]
    status, done = apply(server, tokens["oz"], archive({**files, **dict.fromkeys(over, "select 1 as a\n")}))
    assert (status, sorted(done["passed_over"]), done["changes"]) == (200, sorted(over), [])
    for name, near in [("zones/shop/access.yml ", "zones/shop/access.yml"), ("zones/shop/access.yml.", "zones/shop/access.yml"), ("zones/shop/access.YML", "zones/shop/access.yml"),
                       ("zones/shop /access.yml", ""), ("zones/shop/access.yml\u00a0", "zones/shop/access.yml"), ("ZONES/shop/zone.yml", "zones/shop/zone.yml"), ("Lode.yml", "lode.yml"),
                       ("zones/shop/canonical/x.sql.", "zones/shop/canonical/x.sql"), ("zones/shop/Canonical/x.sql", "zones/shop/canonical/x.sql")]:
        status, answer = apply(server, tokens["oz"], archive({**files, name: "rules: []\n"}))
        assert status in (400, 403) and (not near or f"'{near}'" in answer["error"]["hint"]), (name, answer)
    assert apply(server, tokens["oz"], archive({**files, "zones/shop/acess.yml": "rules: []\n"}))[0] == 400


def test_text_that_is_wrong_is_not_applied(applying: tuple[Server, Tokens]) -> None:
    server, tokens = applying
    before = server.project.json("log")[0]["commit"]
    files = text_of(server.project, "zones/shop")
    files["zones/shop/canonical/order.sql"] = "select id from staging.nothing\n"
    files["zones/shop/analytical/sales.sql"] = "selec\n"
    status, answer = apply(server, tokens["oz"], archive(files))
    assert (status, {error["file"] for error in answer["errors"]} >= {"zones/shop/analytical/sales.sql"}) == (400, True), answer
    assert server.project.json("log")[0]["commit"] == before


PEOPLE = "from: ingress/people*.csv\nformat: csv\ncolumns:\n  id: int\n  email: text tag pii\n"


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Tokens]]:
    """finance and delivery have tables and products of which shop is granted one; pii is masked by a policy."""
    project = shop(tmp_path_factory.mktemp("strangers"))
    project.lode("role", "add", "shop_dev")
    project.lode("user", "set", "nobody", "--role", "shop_dev")
    project.write("policies.yml", "- tag: pii\n  who: everyone\n  mask: hash\n")
    project.write("zones/shop/canonical/person.sql", "-- column region: tag pii\nselect id, region from staging.orders\n")
    project.write("zones/shop/canonical/secret.sql", "-- tag: pii\nselect id, region from staging.orders\n")
    project.write("zones/shop/sources/people.yml", PEOPLE)
    project.write("zones/finance/canonical/invoice.sql", "select 1 as id\n")
    project.write("zones/finance/canonical/taken.sql", "select region from shop.egress.sales\n")
    project.write("zones/finance/egress/rates.sql", "-- version: 1\nselect id from canonical.invoice\n")
    project.write("zones/finance/access.yml", "rules:\n- who: [zone shop]\n  on: [egress.rates]\n")
    project.write("zones/delivery/zone.yml", "owner: del\n")
    project.write("zones/delivery/egress/hours.sql", "-- version: 1\nselect 1 as id\n")
    project.lode("apply")
    with serving(project) as running:
        yield running, make_tokens(project, *USERS)


def test_of_other_zones_only_what_they_grant_is_told(strangers: tuple[Server, Tokens]) -> None:
    server, tokens = strangers
    files = text_of(server.project, "zones/shop")

    def told(table: str, user: str) -> tuple[int, str]:
        status, answer = apply(server, tokens[user], archive({**files, "zones/shop/analytical/try.sql": f"select * from {table}\n"}))
        return status, json.dumps(answer).replace(table, "TABLE")

    for user in ("nobody", "oz"):
        hidden = [told(table, user) for table in ("finance.canonical.invoice", "finance.canonical.nosuch9", "finance.staging.nosuch99",
                                                  "delivery.egress.hours", "delivery.egress.h", "nosuch77.egress.hours")]
        assert {status for status, _ in hidden} == {404}, hidden
        shapes = {re.sub(r'"(column|excerpt)": ?("[^"]*"|\d+)', "", text) for _, text in hidden}
        assert len(shapes) == 1 and "did you mean" not in shapes.pop(), hidden
        assert "did you mean `TABLEs`" in told("finance.egress.rate", user)[1]
    assert apply(server, tokens["ann"], archive({**files, "zones/shop/analytical/try.sql": "select * from finance.canonical.invoice\n"}))[0] == 403


def test_files_of_other_zones_are_never_named(strangers: tuple[Server, Tokens]) -> None:
    server, tokens = strangers
    files = text_of(server.project, "zones/shop")
    files["zones/shop/access.yml"] = "rules:\n- who: [role analyst]\n  on: [analytical.*]\n"
    for body, path, user in [(archive(files), "/v1/apply", "oz"), (archive(text_of(server.project, "zones/shop", "lode.yml")), "/v1/apply?whole=true", "nobody")]:
        status, answer = apply(server, tokens[user], body, path)
        text = json.dumps(answer)
        assert status == 403 and "the text of zone 'finance' does not hold" in text, text
        assert "zones/finance" not in text and "taken" not in text and "invoice" not in text, text
    assert "zones/finance/canonical/taken.sql" in json.dumps(apply(server, tokens["ann"], archive(files))[1])
    texts = [json.dumps(apply(server, tokens["nobody"], archive({f"zones/{zone}/zone.yml": "owner: nobody\n"}))[1]).replace(zone, "Z")
             for zone in ("delivery", "nosuch77")]
    assert texts[0] == texts[1] and "an administrator who makes a new one" in texts[0], texts


@pytest.mark.parametrize("user", ["nobody", "oz"])
def test_a_tag_of_a_policy_comes_off_by_an_administrator_only(strangers: tuple[Server, Tokens], user: str) -> None:
    server, tokens = strangers
    files = text_of(server.project, "zones/shop")
    person, secret, people = "zones/shop/canonical/person.sql", "zones/shop/canonical/secret.sql", "zones/shop/sources/people.yml"
    for name, text, line, word in [
        (person, "-- column region: about where\nselect id, region from staging.orders\n", 1, "column region"),
        (person, "select * from staging.orders\n", None, "column region"),
        (person, "-- column region: tag pi\nselect id, region from staging.orders\n", 1, "column region"),
        (secret, "select id, region from staging.orders\n", None, "the table"),
        (people, PEOPLE.replace(" tag pii", " tag pi"), 5, "column email"),
        (people, PEOPLE.replace("email: text tag pii", "mail: text tag pii from email"), None, "column email"),
    ]:
        status, answer = apply(server, tokens[user], archive({**files, name: text}))
        error = answer["error"]
        assert (status, error["code"], error["file"], error.get("line")) == (403, "E208", name, line), answer
        assert word in error["message"] and "'pii'" in error["message"] and "administrator" in error["hint"], answer
    swapped = PEOPLE.replace("email: text tag pii", "email: text tag pii from name\n  name: text from email")
    second = "from: ingress/p*.csv\nformat: csv\ncolumns:\n  id: int\n  email: text\n"
    gone = {name: text for name, text in files.items() if name != people}
    for changed, name, line, word in [
        ({**files, people: PEOPLE + "  email2: text from email\n"}, people, 6, "column email2"),
        ({**files, people: swapped}, people, 5, "column email"),
        ({**files, people: PEOPLE + "delimiter: ';'\n"}, people, 6, "column email"),
        ({**files, "zones/shop/sources/second.yml": second}, "zones/shop/sources/second.yml", 1, "column email"),
        (gone, people, None, "column email"),
    ]:
        status, answer = apply(server, tokens[user], archive(changed))
        error = answer["error"]
        assert (status, error["code"], error["file"], error.get("line")) == (403, "E208", name, line), answer
        assert word in error["message"] and "'pii'" in error["message"] and "administrator" in error["hint"], answer
    assert apply(server, tokens[user], archive({**files, people: PEOPLE + "  email2: text tag pii from email\n  age: int\n"}))[0] == 200
    assert apply(server, tokens["ann"], archive(files))[0] == 200
    kept = {person: "-- column region: tag pii, about where\nselect id, region from staging.orders\n",
            secret: "-- tag: pii\nselect id, region, amount from staging.orders\n"}
    assert apply(server, tokens[user], archive({**files, **kept}))[0] == 200
    assert apply(server, tokens["ann"], archive({**files, person: "select id, region from staging.orders\n"}))[0] == 200
    assert apply(server, tokens["ann"], archive(files))[0] == 200


def link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"


@pytest.mark.parametrize("body, words", [
    (archive({"zones/shop/x.yml": ""}, link), "symbolic link"), (archive({"../zones/shop/zone.yml": "a"}), ".."), (archive({"/lode.yml": "a"}), "absolute"),
    (archive({"zones/shop/zone.yml": "a"})[:700], "ends"), (b"no tar at all" * 100, "tar"), (b"", "ends"), (gzip.compress(b"0" * 100), "ends"),
    (gzip.compress(archive({"lode.yml": "a"}))[:40], "archive"), (gzip.compress(bytes(70 << 20)), "unpacks"), (archive({"README.md": "x"}), "no text"),
    (archive({"zones/shop/zone.yml": b"x" * (5 << 20)}), "larger"),
], ids=["link", "up", "absolute", "cut", "other", "empty", "gzip-other", "gzip-cut", "bomb", "nothing", "large"])
def test_an_archive_that_is_none_is_refused_whole(applying: tuple[Server, Tokens], body: bytes, words: str) -> None:
    server, tokens = applying
    before = server.project.json("log")[0]["commit"]
    status, answer = apply(server, tokens["ann"], body)
    assert (status in (400, 413), words in answer["error"]["message"]) == (True, True), answer
    assert server.project.json("log")[0]["commit"] == before


@pytest.mark.skipif(not shutil.which("git") or not shutil.which("curl"), reason="git or curl is not installed")
def test_what_git_archive_makes_is_applied_with_its_commit(applying: tuple[Server, Tokens], tmp_path: Path) -> None:
    server, tokens = applying
    for path, text in text_of(server.project, "zones", "lode.yml").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "zones/shop/terms.yml").write_text("terms:\n- name: order\n  meaning: what a client asked for\n")
    subprocess.run("git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm x && git archive HEAD | gzip > ../text.tar.gz",
                   shell=True, cwd=tmp_path, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "-H", f"Authorization: Bearer {tokens['oz']}", "--data-binary", f"@{tmp_path.parent / 'text.tar.gz'}",
                           f"http://127.0.0.1:{server.http}/v1/apply"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert server.project.json("log")[0]["git"] == commit


def test_applies_at_the_same_time_lose_nothing(applying: tuple[Server, Tokens]) -> None:
    server, tokens = applying
    shop_files, finance_files = text_of(server.project, "zones/shop"), text_of(server.project, "zones/finance")
    answers: list[int] = []

    def work(user: str, files: dict[str, str], name: str) -> None:
        answers.append(apply(server, tokens[user], archive({**files, name: "select 1 as a\n"}))[0])

    for round_ in range(3):
        threads = [threading.Thread(target=work, args=("oz", shop_files, f"zones/shop/analytical/a{round_}.sql")),
                   threading.Thread(target=work, args=("ann", finance_files, f"zones/finance/analytical/b{round_}.sql"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {f"shop.analytical.a{round_}", f"finance.analytical.b{round_}"} <= set(applied_models(server.project)), answers
    assert set(answers) == {200}


def applied_models(project: Project) -> list[str]:
    changes: dict[str, str] = {}
    for commit in reversed(project.json("log")):
        for change in commit["changes"]:
            changes[change["name"] if change["kind"] == "model" else ""] = change["change"]
    return [name for name, change in changes.items() if change == "put"]


# ---- encryption ----

def test_off_loopback_there_is_https_only(tmp_path: Path) -> None:
    project = shop(tmp_path)
    token = project.json("token", "add", "t", "--for", "ann")["token"]
    process = subprocess.Popen([LODE, "serve", "--pg", "127.0.0.1:0", "--http", "0.0.0.0:0"], cwd=project.root, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, text=True)
    try:
        port = int(process.stderr.readline().rsplit(":", 1)[1])
        clear = send(port, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (status_of(clear), b"https" in clear) == (400, True)
        context = ssl.create_default_context(cafile=str(project.store / "tls" / "ca.pem"))
        context.set_alpn_protocols(["http/1.1"])
        connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
        connection.request("POST", "/v1/query", LONG.format(20000), {"Authorization": f"Bearer {token}", "Content-Type": "application/sql"})
        assert len(json.loads(connection.getresponse().read())) == 20000
        connection.close()
        wrong = ssl.create_default_context(cafile=str(project.store / "tls" / "ca.pem"))
        wrong.set_alpn_protocols(["postgresql"])
        with pytest.raises(ssl.SSLError), socket.create_connection(("localhost", port), timeout=10) as plain:
            wrong.wrap_socket(plain, server_hostname="localhost")
    finally:
        process.kill()
        process.wait()
