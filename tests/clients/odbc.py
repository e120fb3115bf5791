# SPDX-License-Identifier: Apache-2.0
"""psqlodbc through unixODBC, as Excel and Power BI Desktop use it: odbc.py DRIVER HOST PORT DATABASE USER PASSWORD says what it
met as one line of JSON, by the way in which the driver was told to fetch."""

import datetime
import decimal
import json
import sys
import uuid
from typing import Any

import pyodbc

MODES = {
    "plain": "UseDeclareFetch=0",
    "cursor": "UseDeclareFetch=1;Fetch=1000",
    "server side": "UseServerSidePrepare=1;UseDeclareFetch=1;Fetch=100",
    "as bound": "UseServerSidePrepare=0;BoolsAsChar=0;TextAsLongVarchar=0",
}


def plain(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.time, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    return value.hex() if isinstance(value, (bytes, bytearray)) else value


def rows(cursor: Any) -> list[list[Any]]:
    return [[plain(value) for value in row] for row in cursor.fetchall()]


def state(connection: Any, sql: str, *values: Any) -> str:
    try:
        connection.cursor().execute(sql, *values).fetchall()
    except pyodbc.Error as error:
        return str(error.args[0])
    return "none"


def catalogue(cursor: Any) -> dict[str, Any]:
    """What the wizards list, each as the columns that they show."""
    said: dict[str, Any] = {"catalogs": [row[0] for row in cursor.tables(catalog="%", schema="", table="")]}
    said["schemas"] = sorted(row[1] for row in cursor.tables(catalog="", schema="%", table=""))
    said["table types"] = sorted(row[3] for row in cursor.tables(catalog="", schema="", table="", tableType="%"))
    said["tables"] = [list(row) for row in cursor.tables(schema="canonical", tableType="TABLE,VIEW")]
    said["all tables"] = len(cursor.tables(tableType="'TABLE','VIEW'").fetchall())
    said["columns"] = [[row.table_schem, row.column_name, row.data_type, row.type_name, row.column_size, row.decimal_digits, row.nullable, row.ordinal_position]
                       for row in cursor.columns(schema="canonical", table="order")]
    said["pattern"] = [row.column_name for row in cursor.columns(schema="canonical", table="ord%", column="re%")]
    said["keys"] = [[row.column_name, row.key_seq, row.pk_name] for row in cursor.primaryKeys(table="order", schema="canonical")]
    said["foreign"] = [list(row)[:8] for row in cursor.foreignKeys(foreignTable="order", foreignSchema="canonical")]
    said["indexes"] = [[row.index_name, row.non_unique, row.column_name] for row in cursor.statistics("order", schema="canonical")]
    said["best row"] = [row.column_name for row in cursor.rowIdColumns("order", schema="canonical")]
    said["versions"] = len(cursor.rowVerColumns("order", schema="canonical").fetchall())
    said["procedures"] = len(cursor.procedures(schema="canonical").fetchall())
    said["types"] = len(cursor.getTypeInfo().fetchall()) > 10
    return said


VALUES = ("select 7::int as i, 1099511627776::bigint as b, true as t, 0.5::float8 as f, 1.5::real as r, 12.50::numeric(9,2) as n, 'é ''\"\\ \U0001F600' as s, null::text as z, "
          "date '2026-11-26' as d, timestamp '2026-11-26 01:02:03.456789' as ts, time '01:02:03' as ti, '\\x00ff5c'::bytea as by, "
          "'00112233-4455-6677-8899-aabbccddeeff'::uuid as u, timestamptz '2026-11-26 01:02:03+00' as tz")


def questions(connection: Any) -> dict[str, Any]:
    cursor = connection.cursor()
    said: dict[str, Any] = {"values": rows(cursor.execute(VALUES))[0]}
    said["described"] = [[column[0], column[1].__name__, column[3], column[5]] for column in cursor.description]
    said["parameter"] = rows(cursor.execute("select id, region from canonical.order where region = ? and id < ? order by id", "EU", 3))
    said["unicode"] = rows(cursor.execute("select ?, length(?)", "Zürich \U0001F600 東京", "東京"))
    given = (5, 2.5, "x", datetime.date(2026, 11, 26), datetime.datetime(2026, 11, 26, 1, 2, 3), decimal.Decimal("12.75"), True, None)
    said["echo"] = rows(cursor.execute("select ?::int, ?::float8, ?::text, ?::date, ?::timestamp, ?::numeric, ?::bool, ?::text", given))[0]
    cursor.execute("select i, 'row ' || i as t from range(10000) t(i) order by i")
    sizes, total = [], 0
    while batch := cursor.fetchmany(1000):
        sizes.append(len(batch))
        total += sum(row[0] for row in batch)
    said["fetched"] = [len(sizes), set(sizes) == {1000}, total]
    cursor.execute("select * from range(100000) t(i)")
    cursor.fetchmany(10)
    cursor.close()  # in the middle
    said["after"] = rows(connection.cursor().execute("select 42"))
    said["errors"] = [state(connection, sql) for sql in ("selec 1", "select nope from canonical.order", "select * from canonical.nope", "select 'x'::int", "insert into canonical.order values (1)")]
    connection.rollback()
    said["goes on"] = rows(connection.cursor().execute("select count(*) from canonical.order"))
    connection.commit()
    two, three = connection.cursor(), connection.cursor()
    two.execute("select i from range(5000) t(i) order by i")
    three.execute("select i from range(5000) t(i) order by i desc")
    said["side by side"] = [two.fetchmany(2)[1][0], three.fetchmany(2)[1][0], two.fetchone()[0], len(three.fetchall())]
    return said


def main() -> None:
    driver, host, port, database, user, password = sys.argv[1:]
    pyodbc.pooling = False
    base = f"Driver={driver};Server={host};Port={port};Database={database};Uid={user};Pwd={password};SSLmode=disable;"
    said: dict[str, Any] = {}
    for mode, options in MODES.items():
        with pyodbc.connect(base + options, autocommit=False) as connection:
            said[mode] = questions(connection) | {"catalogue": catalogue(connection.cursor())}
            said["product"] = [connection.getinfo(pyodbc.SQL_DBMS_NAME), connection.getinfo(pyodbc.SQL_DBMS_VER)[:2], connection.getinfo(pyodbc.SQL_USER_NAME)]
    print(json.dumps(said))


main()
