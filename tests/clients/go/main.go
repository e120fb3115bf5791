// SPDX-License-Identifier: Apache-2.0

// pgx, unmodified: prints one JSON object of what was seen; whatever goes wrong ends it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func code(err error) string {
	var failed *pgconn.PgError
	if errors.As(err, &failed) {
		return failed.Code
	}
	return fmt.Sprint(err)
}

func connect(ctx context.Context, url string, mode pgx.QueryExecMode) *pgx.Conn {
	config, err := pgx.ParseConfig(url)
	must(err)
	config.DefaultQueryExecMode = mode
	connection, err := pgx.ConnectConfig(ctx, config)
	must(err)
	return connection
}

// values: each mode sends them in its own way, in text or in binary.
func values(ctx context.Context, connection *pgx.Conn) string {
	var (
		whole   int32
		long    int64
		text    string
		yes     bool
		double  float64
		numeric pgtype.Numeric
		moment  time.Time
		bytea   []byte
		list    []int32
		span    pgtype.Interval
		none    *string
	)
	sent := pgtype.Numeric{}
	must(sent.Scan("-12345.6789"))
	row := connection.QueryRow(ctx, "select $1::int4, $2::int8, $3::text, $4::bool, $5::float8, $6::numeric, $7::timestamptz, $8::bytea, $9::int4[], $10::interval, $11::text",
		int32(7), int64(1)<<40, "é '\"\\", true, 0.1, sent, time.Date(2026, 11, 26, 1, 2, 3, 456789000, time.UTC), []byte{0, 255, 92}, []int32{1, 2, 3},
		pgtype.Interval{Months: 14, Days: -3, Microseconds: 1, Valid: true}, none)
	must(row.Scan(&whole, &long, &text, &yes, &double, &numeric, &moment, &bytea, &list, &span, &none))
	exact, err := numeric.Value()
	must(err)
	return fmt.Sprint(whole, long, text, yes, double, exact, moment.UTC().Format(time.RFC3339Nano), bytea, list, span.Months, span.Days, span.Microseconds, none == nil)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	url := os.Args[1]
	seen := map[string]any{}
	for name, mode := range map[string]pgx.QueryExecMode{"cache statement": pgx.QueryExecModeCacheStatement, "cache describe": pgx.QueryExecModeCacheDescribe,
		"describe": pgx.QueryExecModeDescribeExec, "exec": pgx.QueryExecModeExec, "simple": pgx.QueryExecModeSimpleProtocol} {
		connection := connect(ctx, url, mode)
		seen[name] = values(ctx, connection)
		must(connection.Close(ctx))
	}
	connection := connect(ctx, url, pgx.QueryExecModeCacheStatement)
	must(connection.Ping(ctx))

	rows, err := connection.Query(ctx, "select id, region from canonical.order where id <> $1 order by id", 2)
	must(err)
	orders, err := pgx.CollectRows(rows, pgx.RowToMap)
	must(err)
	seen["rows"] = orders

	batch := &pgx.Batch{}
	for i := 0; i < 5; i++ {
		batch.Queue("select $1::int * 2", i)
	}
	results := connection.SendBatch(ctx, batch)
	doubled := []int{}
	for i := 0; i < 5; i++ {
		var n int
		must(results.QueryRow().Scan(&n))
		doubled = append(doubled, n)
	}
	must(results.Close())
	seen["batch"] = doubled

	var out bytes.Buffer
	tag, err := connection.PgConn().CopyTo(ctx, &out, "copy (select id, region from canonical.order order by id) to stdout")
	must(err)
	seen["copied"] = fmt.Sprint(tag, out.String())

	_, err = connection.CopyFrom(ctx, pgx.Identifier{"canonical", "order"}, []string{"id"}, pgx.CopyFromRows([][]any{{1}}))
	seen["copy from"] = code(err)
	_, err = connection.Exec(ctx, "select nope")
	seen["error"] = code(err)

	tx, err := connection.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly})
	must(err)
	nested, err := tx.Begin(ctx)
	must(err)
	_, err = nested.Exec(ctx, "select nope")
	seen["nested"] = code(err)
	must(nested.Rollback(ctx))
	var level string
	must(tx.QueryRow(ctx, "show transaction_isolation").Scan(&level))
	seen["level"] = level
	must(tx.Commit(ctx))

	short, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	_, err = connection.Exec(short, "select pg_sleep(20)")
	stop()
	seen["timed out"] = errors.Is(err, context.DeadlineExceeded)

	text, err := json.Marshal(seen)
	must(err)
	fmt.Println(string(text))
}
