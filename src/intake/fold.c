/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statement calls the log's columns c0, c1 ... whatever their names, so that none can clash with its own: f and r
 * (_file, _row), t (the row's time), u (when it ends), g (whether it says that its key is gone), n (its place from the
 * last among those of one key and time), h (a StageWitness, 0 of a record), b (whether a version begins with it), i (which version), e (its end), o (when an
 * open version began that stands for the last snapshot).
 */
#include "intake/fold.h"

#include "engine/stage_message.h"
#include "lake/files.h"
#include "sql/printer.h"

typedef struct Fold {
        const FoldSpec *spec;
        const Feed *feed;
        Buf *sql;
        Arena *arena;
} Fold;

static size_t column_at(const Fold *fold, Str name) {
        const TableBody *log = &fold->spec->log->body;
        size_t at = 0;
        while (at + 1 < log->column_count && !str_equal_nocase(log->columns[at].name, name))
                at++;
        return at;
}

/* ---- pieces ---- */

/* "shop" AS c0, ... of files, as the log or the table has them. */
static void print_renamed(const Fold *fold, const Table *of, const Str *files, size_t count) {
        Buf *sql = fold->sql;
        const TableBody *log = &fold->spec->log->body;
        buf_append_cstr(sql, "(SELECT ");
        for (size_t i = 0; i < log->column_count; i++) {
                buf_append_cstr(sql, i ? ", " : "");
                if (str_is(log->columns[i].name, "_witness")) {
                        buf_append_cstr(sql, of == fold->spec->table ? "0 AS h" : "coalesce(\"_witness\", 0) AS h");
                        continue;
                }
                sql_quote_name(sql, log->columns[i].name);
                if (str_is(log->columns[i].name, "_file") || str_is(log->columns[i].name, "_row"))
                        buf_printf(sql, " AS %c", log->columns[i].name.data[1]);
                else
                        buf_printf(sql, " AS c%zu", i);
        }
        if (of == fold->spec->table && fold->feed->load == FEED_HISTORY)
                buf_append_cstr(sql, ", \"_valid_from\" AS t, \"_valid_to\" AS e");
        buf_append_cstr(sql, " FROM ");
        files_scan_print(sql, of, files, count, fold->arena);
        buf_append_cstr(sql, ")");
}

static void print_keys(const Fold *fold) {
        for (size_t i = 0; i < fold->feed->key.count; i++)
                buf_printf(fold->sql, "%sc%zu", i ? ", " : "", column_at(fold, fold->feed->key.items[i]));
}

/* Which of two rows of one key is newer, the newest first. `from`: the order_by that t is already is left out. */
static void print_newest(const Fold *fold, size_t from) {
        const Feed *feed = fold->feed;
        for (size_t i = from; i < feed->order_by.count; i++)
                buf_printf(fold->sql, "c%zu DESC NULLS LAST, ", column_at(fold, feed->order_by.items[i]));
        if (feed->as_of.kind == AS_OF_COLUMN)
                buf_printf(fold->sql, "c%zu DESC NULLS LAST, ", column_at(fold, feed->as_of.text));
        buf_append_cstr(fold->sql, "place DESC, r DESC");
}

static void print_gone(const Fold *fold) {
        const FeedGone *gone = &fold->feed->gone;
        Buf *sql = fold->sql;
        size_t at = gone->test == FEED_GONE_NEVER ? 0 : column_at(fold, gone->column);
        switch (gone->test) {
        case FEED_GONE_NEVER:
                buf_append_cstr(sql, "false");
                return;
        case FEED_GONE_IS_NULL:
                buf_printf(sql, "c%zu IS NULL", at);
                return;
        case FEED_GONE_IS_NOT_NULL:
                buf_printf(sql, "c%zu IS NOT NULL", at);
                return;
        case FEED_GONE_IN:
                break;
        }
        Str type = type_print_duckdb(fold->arena, fold->spec->log->body.columns[at].type);
        buf_printf(sql, "coalesce(c%zu IN (", at);
        for (size_t i = 0; i < gone->values.count; i++) {
                buf_append_cstr(sql, i ? ", CAST(" : "CAST(");
                sql_quote_text(sql, gone->values.items[i]);
                buf_printf(sql, " AS %.*s)", STR_ARG(type));
        }
        buf_append_cstr(sql, "), false)");
}

/* d: the deliveries with their places in the order and their times. */
static void print_deliveries(const Fold *fold) {
        const FoldSpec *spec = fold->spec;
        buf_append_cstr(fold->sql, "d AS (SELECT id, place, make_timestamptz(us) AS m FROM (VALUES ");
        for (size_t i = 0; i < spec->delivery_count; i++)
                buf_printf(fold->sql, "%s(%lld::BIGINT, %zu, %lld::BIGINT)", i ? ", " : "", (long long)spec->deliveries[i].delivery->id, i,
                           (long long)spec->deliveries[i].at_us);
        if (spec->delivery_count == 0)
                buf_append_cstr(fold->sql, "(0::BIGINT, 0, 0::BIGINT)");
        buf_append_cstr(fold->sql, spec->delivery_count ? ") AS v(id, place, us))" : ") AS v(id, place, us) WHERE false)");
}

/* The new rows, and for the last snapshot before them the versions that it left open. */
static void print_following(const Fold *fold) {
        const FoldSpec *spec = fold->spec;
        Buf *sql = fold->sql;
        buf_append_cstr(sql, "WITH ");
        print_deliveries(fold);
        buf_append_cstr(sql, ", l AS (SELECT t.*, d.place, d.m, NULL::TIMESTAMPTZ AS o FROM ");
        print_renamed(fold, spec->log, spec->new_files, spec->new_count);
        buf_printf(sql, " AS t JOIN d ON t.f = d.id UNION ALL SELECT * EXCLUDE (t, e), -1, make_timestamptz(%lld::BIGINT), t FROM ",
                   (long long)spec->last_us);
        print_renamed(fold, spec->table, spec->old_files, spec->old_count);
        buf_append_cstr(sql, " AS t WHERE e IS NULL)");
}

/* A snapshot is of one time, which its witnesses do not say themselves. */
static void print_dated(const Fold *fold) {
        size_t at = column_at(fold, fold->feed->as_of.text);
        buf_printf(fold->sql, ", l0 AS (SELECT l.* REPLACE (coalesce(l.c%zu, a.a) AS c%zu) FROM l LEFT JOIN (SELECT f, max(c%zu) AS a FROM l WHERE h = 0 "
                              "GROUP BY f) AS a USING (f))", at, at, at);
}

/* l: the rows that count, with the places and times of their deliveries. */
static void print_log(const Fold *fold) {
        const FoldSpec *spec = fold->spec;
        Buf *sql = fold->sql;
        if (spec->follows) {
                print_following(fold);
                return;
        }
        buf_append_cstr(sql, "WITH ");
        print_deliveries(fold);
        if (spec->touched_only) {
                buf_append_cstr(sql, ", k AS (SELECT DISTINCT ");
                print_keys(fold);
                buf_append_cstr(sql, " FROM ");
                print_renamed(fold, spec->log, spec->new_files, spec->new_count);
                buf_append_cstr(sql, " AS t)");
        }
        buf_append_cstr(sql, ", l AS (SELECT t.*, d.place, d.m FROM ");
        print_renamed(fold, spec->log, spec->log_files, spec->log_count);
        buf_append_cstr(sql, " AS t JOIN d ON t.f = d.id");
        if (spec->touched_only) {
                buf_append_cstr(sql, " SEMI JOIN k USING (");
                print_keys(fold);
                buf_append_cstr(sql, ")");
        }
        buf_append_cstr(sql, ")");
        if (spec->witnessed && fold->feed->as_of.kind == AS_OF_COLUMN)
                print_dated(fold);
}

/* The table's columns out of one with the names of above. */
static void print_result(const Fold *fold, const char *from) {
        const TableBody *table = &fold->spec->table->body;
        for (size_t i = 0; i < table->column_count; i++) {
                Str name = table->columns[i].name;
                buf_append_cstr(fold->sql, i ? ", " : "SELECT ");
                if (str_is(name, "_valid_from"))
                        buf_append_cstr(fold->sql, "t");
                else if (str_is(name, "_valid_to"))
                        buf_append_cstr(fold->sql, "e");
                else if (str_is(name, "_file") || str_is(name, "_row"))
                        buf_append_byte(fold->sql, name.data[1]);
                else
                        buf_printf(fold->sql, "c%zu", column_at(fold, name));
                buf_append_cstr(fold->sql, " AS ");
                sql_quote_name(fold->sql, name);
        }
        buf_printf(fold->sql, " FROM %s", from);
}

/* ---- the two ---- */

static void print_merge(const Fold *fold) {
        Buf *sql = fold->sql;
        buf_append_cstr(sql, ", w AS (SELECT l.*, row_number() OVER (PARTITION BY ");
        print_keys(fold);
        buf_append_cstr(sql, " ORDER BY ");
        print_newest(fold, 0);
        buf_append_cstr(sql, ") AS n, ");
        print_gone(fold);
        buf_append_cstr(sql, " AS g FROM l) ");
        print_result(fold, "w WHERE n = 1 AND NOT g");
}

static Str time_of_row(const Fold *fold) {
        const Feed *feed = fold->feed;
        if (feed->order_by.count)
                return arena_strf(fold->arena, "l.c%zu", column_at(fold, feed->order_by.items[0]));
        if (feed->as_of.kind == AS_OF_COLUMN)
                return arena_strf(fold->arena, "l.c%zu", column_at(fold, feed->as_of.text));
        return STR("l.m");
}

static const char *rows_of_log(const Fold *fold) {
        return fold->spec->witnessed && fold->feed->as_of.kind == AS_OF_COLUMN ? "l0" : "l";
}

static bool ends_with_snapshot(const Feed *feed) {
        return feed_is_snapshots(feed) && feed->absent == FEED_ABSENT_DELETE;
}

/* s: the snapshots, and when the next one speaks of keys that are missing in it. */
static void print_snapshots(const Fold *fold) {
        const Str time = time_of_row(fold);
        const bool witnessed = fold->spec->witnessed;
        if (witnessed)
                buf_printf(fold->sql, ", s AS (SELECT t AS s, min(CASE WHEN NOT h THEN t END) OVER (ORDER BY t ROWS BETWEEN 1 FOLLOWING AND "
                                      "UNBOUNDED FOLLOWING) AS u FROM (SELECT t, bool_or(h) AS h FROM (SELECT %.*s AS t, h = %d AS h FROM %s AS l",
                           STR_ARG(time), WITNESS_ANY, rows_of_log(fold));
        else
                buf_printf(fold->sql, ", s AS (SELECT t AS s, lead(t) OVER (ORDER BY t) AS u FROM (SELECT %.*s AS t FROM l", STR_ARG(time));
        if (fold->feed->as_of.kind != AS_OF_COLUMN) /* one without any row ends all */
                buf_append_cstr(fold->sql, witnessed ? " UNION ALL SELECT m, false FROM d" : " UNION ALL SELECT m FROM d");
        buf_append_cstr(fold->sql, witnessed ? ") GROUP BY t))" : ") GROUP BY t)");
}

/* What makes two versions differ: all but what names the row and what tells its time. */
static void print_content(const Fold *fold) {
        const Feed *feed = fold->feed;
        const TableBody *log = &fold->spec->log->body;
        const char *comma = "";
        buf_append_cstr(fold->sql, "row(");
        for (size_t i = 0; i < log->column_count; i++) {
                Str name = log->columns[i].name;
                if (log->columns[i].hidden || str_is_in_nocase(name, feed->key.items, feed->key.count) || str_is_in_nocase(name, feed->order_by.items, feed->order_by.count) ||
                    (feed->as_of.kind == AS_OF_COLUMN && str_equal_nocase(feed->as_of.text, name)) ||
                    (feed->gone.test != FEED_GONE_NEVER && str_equal_nocase(feed->gone.column, name)))
                        continue;
                buf_printf(fold->sql, "%sc%zu", comma, i);
                comma = ", ";
        }
        buf_append_cstr(fold->sql, *comma ? ")" : "0)");
}

static void print_window(const Fold *fold) {
        buf_append_cstr(fold->sql, " WINDOW p AS (PARTITION BY ");
        print_keys(fold);
        buf_append_cstr(fold->sql, " ORDER BY t)");
}

/*
 * w: each row until the next snapshot that can end its key, or the next row of the key. A witness prolongs the row that it
 * follows upon, and where there is none it says nothing.
 */
static void print_prolonged(const Fold *fold) {
        Buf *sql = fold->sql;
        buf_append_cstr(sql, "), v0 AS (SELECT * REPLACE (least(u, lead(t) OVER p) AS u) FROM w WHERE n = 1");
        print_window(fold);
        buf_append_cstr(sql, "), v1 AS (SELECT *, CASE WHEN h > 0 AND lag(u) OVER p = t THEN 0 ELSE 1 END AS k FROM v0");
        print_window(fold);
        buf_append_cstr(sql, "), v2 AS (SELECT *, sum(k) OVER p AS j FROM v1");
        print_window(fold);
        buf_append_cstr(sql, "), v AS (SELECT * FROM (SELECT * REPLACE (last_value(u) OVER (PARTITION BY ");
        print_keys(fold);
        buf_append_cstr(sql, ", j ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS u) FROM v2) WHERE h = 0");
}

static void print_history(const Fold *fold) {
        Buf *sql = fold->sql;
        const Feed *feed = fold->feed;
        const Str time = time_of_row(fold);
        const bool snapshots = ends_with_snapshot(feed), witnessed = fold->spec->witnessed;
        if (snapshots)
                print_snapshots(fold);
        buf_printf(sql, ", w AS (SELECT l.*, %.*s AS t%s, row_number() OVER (PARTITION BY ", STR_ARG(time), snapshots ? ", s.u" : "");
        print_keys(fold);
        buf_printf(sql, ", %.*s ORDER BY %s", STR_ARG(time), witnessed ? "h, " : "");
        print_newest(fold, 1);
        buf_append_cstr(sql, ") AS n, ");
        print_gone(fold);
        buf_printf(sql, " AS g FROM %s AS l%s", rows_of_log(fold), snapshots ? " JOIN s ON s.s = " : "");
        if (snapshots)
                buf_append(sql, time);
        if (witnessed)
                buf_printf(sql, " WHERE h < %d", WITNESS_ANY);
        if (witnessed)
                print_prolonged(fold);
        else
                buf_printf(sql, "), v AS (SELECT *%s FROM w WHERE n = 1", snapshots ? "" : ", lead(t) OVER p AS u");
        if (!witnessed)
                print_window(fold);
        buf_append_cstr(sql, "), x AS (SELECT *, CASE WHEN NOT g AND NOT lag(g) OVER p AND lag(u) OVER p = t AND ");
        print_content(fold);
        buf_append_cstr(sql, " IS NOT DISTINCT FROM lag(");
        print_content(fold);
        buf_append_cstr(sql, ") OVER p THEN 0 ELSE 1 END AS b FROM v");
        print_window(fold);
        buf_append_cstr(sql, "), y AS (SELECT *, sum(b) OVER p AS i FROM x");
        print_window(fold);
        buf_append_cstr(sql, "), z AS (SELECT *, last_value(u) OVER (PARTITION BY ");
        print_keys(fold);
        buf_append_cstr(sql, ", i ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS e FROM y) ");
        print_result(fold, fold->spec->follows ? "(SELECT * REPLACE (coalesce(o, t) AS t) FROM z WHERE b = 1 AND NOT g)" : "z WHERE b = 1 AND NOT g");
}

bool fold_needs_all(const Feed *feed) {
        return feed->load == FEED_HISTORY && ends_with_snapshot(feed);
}

void fold_print(Buf *sql, const FoldSpec *spec, Arena *arena) {
        Fold fold = { spec, spec->feed, sql, arena };
        print_log(&fold);
        if (spec->feed->load == FEED_MERGE)
                print_merge(&fold);
        else
                print_history(&fold);
        buf_append_cstr(sql, " ORDER BY f, r");
}

/* ---- what stays ---- */

/* The old rows that those of fold_print() stand for: as many rows as there are of a table that is made anew. */
static void print_before(const Fold *fold) {
        const FoldSpec *spec = fold->spec;
        Buf *sql = fold->sql;
        buf_append_cstr(sql, "(SELECT * FROM ");
        files_scan_print(sql, spec->table, spec->old_files, spec->old_count, fold->arena);
        buf_append_cstr(sql, " AS b");
        if (spec->follows)
                buf_append_cstr(sql, " WHERE \"_valid_to\" IS NULL");
        if (spec->touched_only) {
                buf_append_cstr(sql, " SEMI JOIN ");
                files_scan_print(sql, spec->log, spec->new_files, spec->new_count, fold->arena);
                buf_append_cstr(sql, " AS k USING (");
                for (size_t i = 0; i < spec->feed->key.count; i++) {
                        buf_append_cstr(sql, i ? ", " : "");
                        sql_quote_name(sql, spec->log->body.columns[column_at(fold, spec->feed->key.items[i])].name);
                }
                buf_append_cstr(sql, ")");
        }
        buf_append_cstr(sql, ")");
}

static void print_same_row(const Fold *fold) {
        buf_append_cstr(fold->sql, " ON o.\"_file\" = n.\"_file\" AND o.\"_row\" = n.\"_row\"");
        if (fold->feed->load == FEED_HISTORY)
                buf_append_cstr(fold->sql, " AND o.\"_valid_from\" IS NOT DISTINCT FROM n.\"_valid_from\""
                                           " AND o.\"_valid_to\" IS NOT DISTINCT FROM n.\"_valid_to\"");
}

void fold_gone_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts, Arena *arena) {
        Fold fold = { spec, spec->feed, sql, arena };
        buf_append_cstr(sql, "SELECT o.\"_file\", o.\"_row\" FROM ");
        print_before(&fold);
        buf_append_cstr(sql, " AS o ANTI JOIN ");
        files_print(sql, &parts->made, 1);
        buf_append_cstr(sql, " AS n");
        print_same_row(&fold);
}

void fold_fresh_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts, Arena *arena) {
        Fold fold = { spec, spec->feed, sql, arena };
        buf_append_cstr(sql, "SELECT n.* FROM ");
        files_print(sql, &parts->made, 1);
        buf_append_cstr(sql, " AS n ANTI JOIN ");
        print_before(&fold);
        buf_append_cstr(sql, " AS o");
        print_same_row(&fold);
        buf_append_cstr(sql, " ORDER BY \"_file\", \"_row\"");
}

/* Found by their ids, for files may be older than columns of the table. */
void fold_touched_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts) {
        const TableBody *table = &spec->table->body;
        const char *comma = "";
        buf_append_cstr(sql, "SELECT DISTINCT filename FROM read_parquet([");
        for (size_t i = 0; i < spec->old_count; i++) {
                buf_append_cstr(sql, i ? ", " : "");
                sql_quote_text(sql, spec->old_files[i]);
        }
        buf_append_cstr(sql, "], schema=MAP {");
        for (size_t i = 0; i < table->column_count; i++) {
                const LakeColumn *column = &table->columns[i];
                if (!column->hidden)
                        continue;
                buf_printf(sql, "%s%d: {name: ", comma, column->id);
                sql_quote_text(sql, column->name);
                buf_append_cstr(sql, ", type: 'BIGINT', default_value: NULL}");
                comma = ", ";
        }
        buf_append_cstr(sql, "}, hive_partitioning=false, filename=true) SEMI JOIN ");
        files_print(sql, &parts->gone, 1);
        buf_append_cstr(sql, " AS g USING (\"_file\", \"_row\")");
}

/* Said twice, once for whoever reads only where it may match: an OR excludes no row group. */
static void print_bound(Buf *sql, const FoldPlace *place, bool from) {
        const long long file = place->file, row = place->row;
        buf_printf(sql, "\"_file\" %s %lld AND (\"_file\" <> %lld OR \"_row\" %s %lld)", from ? ">=" : "<=", file, file, from ? ">=" : "<", row);
}

static void print_range(Buf *sql, const FoldPlace *from, const FoldPlace *until) {
        const char *word = " WHERE ";
        if (from && until && from->file == until->file) {
                buf_printf(sql, " WHERE \"_file\" = %lld AND \"_row\" >= %lld AND \"_row\" < %lld", (long long)from->file, (long long)from->row,
                           (long long)until->row);
                return;
        }
        if (from) {
                buf_append_cstr(sql, word);
                print_bound(sql, from, true);
                word = " AND ";
        }
        if (until) {
                buf_append_cstr(sql, word);
                print_bound(sql, until, false);
        }
}

void fold_rows_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts, Arena *arena) {
        buf_append_cstr(sql, "SELECT * FROM (SELECT n.* FROM ");
        files_scan_print(sql, spec->table, parts->rewritten, parts->rewritten_count, arena);
        buf_append_cstr(sql, " AS n ANTI JOIN ");
        files_print(sql, &parts->gone, 1);
        buf_append_cstr(sql, " AS g USING (\"_file\", \"_row\") UNION ALL BY NAME SELECT * FROM ");
        files_print(sql, &parts->fresh, 1);
        buf_append_cstr(sql, ") AS u");
        print_range(sql, parts->from, parts->until);
        buf_append_cstr(sql, " ORDER BY \"_file\", \"_row\"");
}

void fold_cuts_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts, int64_t n, Arena *arena) {
        buf_append_cstr(sql, "SELECT \"_file\", \"_row\" FROM (SELECT \"_file\", \"_row\", row_number() OVER (ORDER BY \"_file\", \"_row\") AS i FROM (");
        fold_rows_print(sql, spec, parts, arena);
        buf_printf(sql, ")) WHERE i > 1 AND i %% %lld = 1 ORDER BY i", (long long)n);
}

/* ---- keys that come twice ---- */

/* Equal in all of these, two rows are in one order only by where they stand. */
static void print_same(const Fold *fold) {
        const Feed *feed = fold->feed;
        const bool by_column = feed->as_of.kind == AS_OF_COLUMN;
        print_keys(fold);
        for (size_t i = 0; i < feed->order_by.count; i++)
                buf_printf(fold->sql, ", c%zu", column_at(fold, feed->order_by.items[i]));
        if (by_column)
                buf_printf(fold->sql, ", c%zu", column_at(fold, feed->as_of.text));
        if (!feed_is_snapshots(feed))
                buf_append_cstr(fold->sql, ", f");
        else if (!by_column)
                buf_append_cstr(fold->sql, ", m");
}

void fold_repeats_print(Buf *sql, const FoldSpec *spec, const int64_t *of, size_t of_count, Arena *arena) {
        Fold fold = { spec, spec->feed, sql, arena };
        const char *records = spec->witnessed ? "WHERE h = 0 " : "";
        CLEANUP(buf_deinit) Buf ids = { 0 };
        for (size_t i = 0; i < of_count; i++)
                buf_printf(&ids, "%s%lld", i ? ", " : "", (long long)of[i]);
        print_log(&fold);
        buf_append_cstr(sql, ", g AS (SELECT ");
        print_same(&fold);
        buf_printf(sql, " FROM l %sGROUP BY ALL HAVING count(*) > 1), p AS (SELECT f, r, row_number() OVER w AS n, first_value(f) OVER w AS wf, "
                        "first_value(r) OVER w AS wr, left(concat_ws(', '", records);
        for (size_t i = 0; i < spec->feed->key.count; i++)
                buf_printf(sql, ", CAST(c%zu AS VARCHAR)", column_at(&fold, spec->feed->key.items[i]));
        buf_append_cstr(sql, "), 60) AS k FROM (SELECT * FROM l SEMI JOIN g USING (");
        print_same(&fold);
        buf_printf(sql, ") %s) WINDOW w AS (PARTITION BY ", records);
        print_same(&fold);
        buf_printf(sql,
                   " ORDER BY place DESC, r DESC)), q AS (SELECT CASE WHEN f IN (%.*s) THEN f ELSE wf END AS a, * FROM p WHERE n > 1) "
                   "SELECT a, r, f, wr, wf, count(*) OVER (PARTITION BY a), k FROM q WHERE a IN (%.*s) "
                   "QUALIFY row_number() OVER (PARTITION BY a ORDER BY r) <= %d ORDER BY a, r",
                   STR_ARG(buf_view(&ids)), STR_ARG(buf_view(&ids)), FOLD_REPEATS_MAX);
}
