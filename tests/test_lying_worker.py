# SPDX-License-Identifier: Apache-2.0
"""A worker that lies costs its own statement, seen through the wire, and nothing else."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from conftest import LODE
from lying_worker import LIES, lying_worker
from server import Server, serving
from test_serve import shop

# What comes after the answer is told to the next statement, or dropped; a descriptor that nobody takes is closed by the kernel.
HARMLESS = {"late", "frames", "descriptor"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lies")
    project = shop(folder)
    with serving(project, env={"LODE_WORKER": str(lying_worker(folder, LODE.parent / "lode-worker"))}) as running:
        yield running


def one(connection: psycopg.Connection[Any], sql: str) -> Any:
    return connection.execute(sql).fetchall()


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "extended"])
def test_a_lie_costs_its_own_statement(server: Server, lie: str, prepare: bool) -> None:
    with psycopg.connect(server.dsn("bo"), autocommit=True) as liar, psycopg.connect(server.dsn("oz"), autocommit=True) as other:
        liar.execute("set statement_timeout = '1500ms'")
        assert one(liar, "values ('the truth')") == [("the truth",)]
        arguments = {"params": ("x",)} if prepare else {}
        sql = f"values ('lie:{lie}'" + (", %s::text)" if prepare else ")")
        expected = [(f"lie:{lie}", "x") if prepare else (f"lie:{lie}",)]
        if lie in HARMLESS:
            try:
                assert liar.execute(sql, **arguments).fetchall() == expected
            except psycopg.Error as failure:
                assert not liar.closed, failure
        else:
            with pytest.raises(psycopg.Error) as caught:
                liar.execute(sql, **arguments).fetchall()
            assert caught.value.sqlstate == ("57014" if lie == "silence" else "57P02"), caught.value
        assert not liar.closed
        assert one(liar, "values ('again')") == [("again",)]
        assert one(other, "select amount::text from shop.canonical.order order by 1") == [("1.50",), ("2.25",), ("3.00",)]
    assert server.process.poll() is None
