// SPDX-License-Identifier: Apache-2.0
// pgjdbc, unmodified: what tools do with it. Prints one line for each thing that was seen; whatever goes wrong ends it.
import java.sql.*;
import java.util.*;

public class Driver {
    static String url, user, password;

    static Connection open(String... settings) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", user);
        properties.setProperty("password", password);
        for (int i = 0; i < settings.length; i += 2)
            properties.setProperty(settings[i], settings[i + 1]);
        return DriverManager.getConnection(url, properties);
    }

    static void say(String what, Object value) {
        System.out.println(what + ": " + value);
    }

    static List<String> rows(ResultSet result, String... columns) throws SQLException {
        List<String> rows = new ArrayList<>();
        while (result.next()) {
            List<String> row = new ArrayList<>();
            for (String column : columns)
                row.add(String.valueOf(result.getObject(column)));
            rows.add(String.join(" ", row));
        }
        result.close();
        return rows;
    }

    static void metadata() throws SQLException {
        try (Connection connection = open()) {
            DatabaseMetaData about = connection.getMetaData();
            say("product", about.getDatabaseProductName() + " " + about.getDatabaseMajorVersion());
            say("catalogs", rows(about.getCatalogs(), "TABLE_CAT"));
            say("schemas", rows(about.getSchemas(), "TABLE_SCHEM"));
            say("tables", rows(about.getTables(null, "canonical", "%", new String[] { "TABLE", "VIEW" }), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS"));
            say("columns", rows(about.getColumns(null, "canonical", "order", "%"), "COLUMN_NAME", "TYPE_NAME", "DATA_TYPE", "COLUMN_SIZE", "DECIMAL_DIGITS", "NULLABLE"));
            say("keys", rows(about.getPrimaryKeys(null, "canonical", "order"), "COLUMN_NAME"));
            say("indexes", rows(about.getIndexInfo(null, "canonical", "order", false, true), "INDEX_NAME"));
            say("foreign", rows(about.getImportedKeys(null, "canonical", "order"), "FKCOLUMN_NAME"));
            say("types", rows(about.getTypeInfo(), "TYPE_NAME").contains("int4"));
            say("table types", rows(about.getTableTypes(), "TABLE_TYPE").contains("TABLE"));
            say("functions", rows(about.getFunctions(null, null, "no_such"), "FUNCTION_NAME"));
            say("procedures", rows(about.getProcedures(null, null, "no_such"), "PROCEDURE_NAME"));
            say("keywords", about.getSQLKeywords().contains("analyze"));
            say("user", about.getUserName());
            say("best row", rows(about.getBestRowIdentifier(null, "canonical", "order", DatabaseMetaData.bestRowSession, true), "COLUMN_NAME"));
            connection.setCatalog("shop");
            say("schema", connection.getSchema());
            say("valid", connection.isValid(5));
            try (ResultSet result = connection.createStatement().executeQuery("select id, amount, region from canonical.order")) {
                ResultSetMetaData columns = result.getMetaData();
                List<String> names = new ArrayList<>();
                for (int i = 1; i <= columns.getColumnCount(); i++)
                    names.add(columns.getColumnName(i) + " " + columns.getColumnTypeName(i) + " " + columns.getPrecision(i) + " " + columns.getScale(i));
                say("result columns", names);
            }
        }
    }

    static void cursors() throws SQLException {
        try (Connection connection = open()) {
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement("select i from range(100000) t(i) where i >= ?")) {
                statement.setFetchSize(777);
                statement.setLong(1, 10);
                long sum = 0, count = 0;
                try (ResultSet result = statement.executeQuery()) {
                    for (; result.next(); count++)
                        sum += result.getLong(1);
                }
                say("by 777", count + " " + sum);
                statement.setMaxRows(5);
                try (ResultSet result = statement.executeQuery()) {
                    for (count = 0; result.next(); count++);
                }
                say("at most 5", count);
            }
            connection.rollback();
        }
    }

    // Each value ten times: pgjdbc names the statement at the fifth and asks for binary results from then on.
    static void values(String... settings) throws SQLException {
        Object[] values = { 7, 1L << 40, (short) 3, 1.5f, 0.1, true, "a 'quoted' \u00e9", new java.math.BigDecimal("-12345.6789"), new java.math.BigDecimal("1E+3"),
                            java.sql.Date.valueOf("2026-11-26"), Timestamp.valueOf("2026-11-26 01:02:03.456789"), Time.valueOf("01:02:03"),
                            UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"), java.time.LocalDate.of(1969, 12, 31),
                            java.time.LocalDateTime.of(2026, 11, 26, 1, 2, 3), java.time.OffsetDateTime.parse("2026-11-26T01:02:03+05:30") };
        String[] types = { "int4", "int8", "int2", "float4", "float8", "bool", "text", "numeric", "numeric", "date", "timestamp", "time", "uuid", "date", "timestamp", "timestamptz" };
        try (Connection connection = open(settings)) {
            for (int i = 0; i < values.length; i++) {
                try (PreparedStatement statement = connection.prepareStatement("select ?::" + types[i])) {
                    String first = null;
                    for (int again = 0; again < 10; again++) {
                        statement.setObject(1, values[i]);
                        try (ResultSet result = statement.executeQuery()) {
                            result.next();
                            String got = String.valueOf(result.getObject(1));
                            if (first != null && !first.equals(got))
                                throw new SQLException(types[i] + " was " + first + " and then " + got);
                            first = got;
                        }
                    }
                    say(types[i], first);
                }
            }
            try (PreparedStatement statement = connection.prepareStatement("select ?::bytea, ?::int4[], ?::text[], null::int4")) {
                for (int again = 0; again < 10; again++) {
                    statement.setBytes(1, new byte[] { 0, -1, 92 });
                    statement.setArray(2, connection.createArrayOf("int4", new Integer[] { 1, null, 3 }));
                    statement.setArray(3, connection.createArrayOf("text", new String[] { "a,b", "\"", null, "" }));
                    try (ResultSet result = statement.executeQuery()) {
                        result.next();
                        if (again == 9)
                            say("others", Arrays.toString(result.getBytes(1)) + " " + Arrays.toString((Object[]) result.getArray(2).getArray()) + " " +
                                Arrays.toString((Object[]) result.getArray(3).getArray()) + " " + result.getObject(4));
                    }
                }
            }
        }
    }

    static void errors() throws SQLException {
        try (Connection connection = open()) {
            String[] wrong = { "selec 1", "select nope", "select * from canonical.nothing", "select 'x'::int", "insert into canonical.order values (1)", "select 1/0 from nope" };
            List<String> states = new ArrayList<>();
            for (String sql : wrong) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute(sql);
                    states.add("fine");
                } catch (SQLException failed) {
                    states.add(failed.getSQLState());
                }
            }
            say("states", states);
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.execute("select 1");
                Savepoint savepoint = connection.setSavepoint("a");
                try {
                    statement.execute("select nope");
                } catch (SQLException failed) {
                    connection.rollback(savepoint);
                }
                try (ResultSet result = statement.executeQuery("select 42")) {
                    result.next();
                    say("after a savepoint", result.getInt(1));
                }
            }
            connection.commit();
            connection.setAutoCommit(true);
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                statement.executeQuery("select pg_sleep(20)");
                say("cancelled", "no");
            } catch (SQLException failed) {
                say("cancelled", failed.getSQLState());
            }
            connection.setReadOnly(true);
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            say("isolation", connection.getTransactionIsolation() == Connection.TRANSACTION_SERIALIZABLE);
            try (Statement statement = connection.createStatement()) {
                boolean first = statement.execute("select 1; select 2");
                statement.getMoreResults();
                try (ResultSet second = statement.getResultSet()) {
                    second.next();
                    say("second of two", first + " " + second.getInt(1));
                }
            }
        }
    }

    static void copy() throws Exception {
        try (Connection connection = open()) {
            java.io.StringWriter out = new java.io.StringWriter();
            long rows = connection.unwrap(org.postgresql.PGConnection.class).getCopyAPI().copyOut("copy (select id, region from canonical.order order by id) to stdout csv header", out);
            say("copied", rows + " " + out.toString().replace("\n", "|"));
        }
    }

    public static void main(String[] arguments) throws Exception {
        url = arguments[0];
        user = arguments[1];
        password = System.getenv("PGPASSWORD");
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        metadata();
        cursors();
        for (String mode : new String[] { "extended", "simple", "extendedForPrepared", "extendedCacheEverything" })
            values("preferQueryMode", mode);
        values("prepareThreshold", "1", "binaryTransfer", "true");
        values("binaryTransfer", "false");
        errors();
        copy();
    }
}
