/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/engine.h"

#include "base/json.h"
#include "base/reason.h"
#include "worker/catalog_types.h"

void engine_result_deinit(duckdb_result *result) {
        duckdb_destroy_result(result);
}

void engine_type_deinit(duckdb_logical_type *type) {
        if (*type)
                duckdb_destroy_logical_type(type);
}

/* Failures */

/* What a kind of exception means when nothing finer is known. */
static const struct {
        const char *exception;
        FailureKind kind;
} EXCEPTIONS[] = {
        { "Parser", FAILURE_SYNTAX },
        { "Syntax", FAILURE_SYNTAX },
        { "Binder", FAILURE_BIND },
        { "Catalog", FAILURE_BIND },
        { "Conversion", FAILURE_CAST },
        { "Out of Range", FAILURE_RANGE },
        { "Decimal", FAILURE_RANGE },
        { "Divide by Zero", FAILURE_DIVISION },
        { "Mismatch Type", FAILURE_TYPES },
        { "Invalid type", FAILURE_TYPES },
        { "Invalid Input", FAILURE_VALUE },
        { "Expression", FAILURE_VALUE },
        { "Object Size", FAILURE_VALUE },
        { "Sequence", FAILURE_VALUE },
        { "Not implemented", FAILURE_NOT_SUPPORTED },
        { "Parameter Not Allowed", FAILURE_NOT_SUPPORTED },
        { "Parameter Not Resolved", FAILURE_NOT_SUPPORTED },
        { "Missing Extension", FAILURE_NOT_SUPPORTED },
        { "Extension Autoloading", FAILURE_NOT_SUPPORTED },
        { "Permission", FAILURE_NOT_ALLOWED },
        { "Invalid Configuration", FAILURE_NOT_ALLOWED },
        { "Settings", FAILURE_NOT_ALLOWED },
        { "Out of Memory", FAILURE_MEMORY },
        { "Interrupt", FAILURE_INTERRUPTED },
        { "INTERRUPT", FAILURE_INTERRUPTED },
        { "IO", FAILURE_FILE },
        { "Data corruption", FAILURE_FILE },
        { "Serialization", FAILURE_FILE },
        { "INTERNAL", FAILURE_ENGINE },
        { "FATAL", FAILURE_ENGINE },
};

/*
 * Sentences that tell more than their exception's kind does: they begin so, and what stands between the first pair
 * of double quotes is the argument. The engine's version is pinned, so its sentences do not change.
 */
static const struct {
        const char *begin;
        FailureKind kind;
} SENTENCES[] = {
        { "Ambiguous reference to column name ", FAILURE_AMBIGUOUS },
        { "column \"", FAILURE_NOT_GROUPED },
        { "Referenced column ", FAILURE_NO_COLUMN },
        { "Values list ", FAILURE_NO_COLUMN },
        { "Referenced table ", FAILURE_NO_TABLE },
        { "No function matches ", FAILURE_NO_FUNCTION },
        { "Division by zero", FAILURE_DIVISION },
        { "syntax error at end of input", FAILURE_SYNTAX_END },
        { "Max expression depth limit ", FAILURE_DEPTH },
        { "Overflow in ", FAILURE_RANGE },
        { "Could not cast value ", FAILURE_RANGE },
        { "Type ", FAILURE_RANGE }, /* Type INT32 with value 300 can't be cast because ... */
        { "date field value out of range", FAILURE_DATE_RANGE },
        { "timestamp field value out of range", FAILURE_DATE_RANGE },
        { "time field value out of range", FAILURE_DATE_RANGE },
        { "More than one row returned by a subquery", FAILURE_MANY_ROWS },
        { "Could not choose a best candidate function ", FAILURE_NO_FUNCTION },
        { "LIMIT/OFFSET cannot be negative", FAILURE_NEGATIVE },
        { "WHERE clause cannot contain aggregates", FAILURE_AGGREGATE },
        { "GROUP BY clause cannot contain aggregates", FAILURE_AGGREGATE },
        { "aggregate function calls cannot be nested", FAILURE_AGGREGATE },
        { "aggregate functions are not allowed in ", FAILURE_AGGREGATE },
        { "WHERE clause cannot contain window functions", FAILURE_WINDOW },
        { "GROUP BY clause cannot contain window functions", FAILURE_WINDOW },
        { "Window functions are not supported here", FAILURE_NO_WINDOW },
        { "Set operations can only apply to expressions with the same number", FAILURE_SET_COLUMNS },
        { "Subquery returns ", FAILURE_MANY_COLUMNS },
        { "ORDER term out of range", FAILURE_NO_PLACE },
        { "GROUP BY term out of range", FAILURE_NO_PLACE },
        { "Ambiguous reference to table ", FAILURE_ALIAS_TWICE },
        { "table \"", FAILURE_ALIAS_COLUMNS },
        { "VALUES lists must all be the same length", FAILURE_VALUES },
        { "* expression without FROM", FAILURE_NO_FROM },
        { "Cannot extract field ", FAILURE_NO_FIELD },
        { "extract specifier ", FAILURE_NO_PART },
        { "Unimplemented type for cast ", FAILURE_NO_CAST },
        { "invalid date field format", FAILURE_NO_DATE },
        { "invalid timestamp field format", FAILURE_NO_DATE },
        { "invalid time field format", FAILURE_NO_DATE },
        { "Failed to cast value: Could not convert", FAILURE_CAST },
        { "UNNEST() can only be applied to ", FAILURE_NO_FUNCTION },
        { "UNNEST requires a single list", FAILURE_NO_FUNCTION },
        { "Cannot mix values of type ", FAILURE_TYPES },
        { "Cannot compare values of type ", FAILURE_TYPES },
        { "Cannot prepare multiple statements", FAILURE_NOT_ONE },
        { "No magic bytes found at end of file", FAILURE_FILE }, /* ours are whole when they are published: the disk */
};

/* error_subtype and type of missing things */
static const struct {
        const char *what;
        FailureKind kind;
} MISSING[] = {
        { "Table", FAILURE_NO_TABLE },
        { "View", FAILURE_NO_TABLE },
        { "Scalar Function", FAILURE_NO_FUNCTION },
        { "Aggregate Function", FAILURE_NO_FUNCTION },
        { "Table Function", FAILURE_NO_FUNCTION },
        { "Macro Function", FAILURE_NO_FUNCTION },
        { "Type", FAILURE_NO_TYPE },
};

static FailureKind kind_of(const Json *error, Str message) {
        Str exception = json_string(json_get(error, "exception_type"));
        if (str_is(json_string(json_get(error, "error_subtype")), "COLUMN_NOT_FOUND"))
                return FAILURE_NO_COLUMN;
        Str missing = json_string(json_get(error, "type"));
        for (size_t i = 0; i < COUNT_OF(MISSING); i++) {
                if (str_is(missing, MISSING[i].what))
                        return MISSING[i].kind;
        }
        for (size_t i = 0; i < COUNT_OF(SENTENCES); i++) {
                if (str_starts_with(message, str_of(SENTENCES[i].begin)))
                        return SENTENCES[i].kind;
        }
        if (str_starts_with(message, STR("Column \"")) && str_ends_with(message, STR("side of join!"))) /* USING */
                return FAILURE_NO_COLUMN;
        if (str_is(exception, "IO") && str_find(message, STR("No space left")) < message.size)
                return FAILURE_SPILL_FULL;
        for (size_t i = 0; i < COUNT_OF(EXCEPTIONS); i++) {
                if (str_equal_nocase(exception, str_of(EXCEPTIONS[i].exception)))
                        return EXCEPTIONS[i].kind;
        }
        return FAILURE_OTHER;
}

/* The name an error is about: said by the engine, or between the sentence's first quotes (names only, never values). */
static Str name_in(const Json *error, FailureKind kind, Str message) {
        Str name = json_string(json_get(error, "name"));
        if (name.size > 0)
                return name;
        bool quotes_names = kind == FAILURE_AMBIGUOUS || kind == FAILURE_NOT_GROUPED || kind == FAILURE_NO_COLUMN ||
                            kind == FAILURE_NO_TABLE || kind == FAILURE_SYNTAX || kind == FAILURE_ALIAS_TWICE || kind == FAILURE_ALIAS_COLUMNS;
        char quote = kind == FAILURE_NO_FUNCTION ? '\'' : '"';
        if (!quotes_names && kind != FAILURE_NO_FUNCTION)
                return STR_NONE;
        Str before, after, inside;
        if (str_starts_with(message, STR("UNNEST")))
                return STR("unnest");
        if (str_starts_with(message, STR("Could not choose "))) { /* ... for the function call "abs(STRING_LITERAL)" */
                str_cut(message, '"', &before, &after);
                str_cut(after, '(', &inside, &after);
                return inside;
        }
        if (!str_cut(message, quote, &before, &after) || !str_cut(after, quote, &inside, &after))
                return STR_NONE;
        return inside;
}

static void candidates_of(const Json *error, FailureKind kind, Failure *failure) {
        if (kind != FAILURE_NO_COLUMN && kind != FAILURE_NO_TABLE && kind != FAILURE_NO_TYPE)
                return; /* functions: whole signatures, of no help in one line */
        Str rest = json_string(json_get(error, "candidates"));
        for (size_t i = 0; i < FAILURE_CANDIDATES_MAX && rest.size > 0; i++) {
                Str one;
                str_cut(rest, ',', &one, &rest);
                failure->candidates[i] = str_trim(one);
        }
}

static Failure failure_of_json(const Json *error, Str message) {
        Failure failure = { .kind = kind_of(error, message), .position = -1, .detail = message };
        int64_t position;
        if (str_to_int64(json_string(json_get(error, "position")), &position) && position >= 0)
                failure.position = position;
        failure.arguments[0] = name_in(error, failure.kind, message);
        candidates_of(error, failure.kind, &failure);
        return failure;
}

/* A failing prepare says "Binder Error: {...}", and an internal error has advice for its makers behind. */
static Str json_of(Str error) {
        size_t begin = str_find(error, STR("{\"exception_type\"")), end = error.size;
        while (end > begin && error.data[end - 1] != '}')
                end--;
        return begin < end ? str_slice(error, begin, end) : error;
}

/* Of an error that is no JSON. */
static FailureKind kind_of_text(Str error) {
        static const struct {
                Str part;
                FailureKind kind;
        } PARTS[] = {
                { STR("INTERNAL"), FAILURE_ENGINE },
                { STR("FATAL"), FAILURE_ENGINE },
                { STR("Out of Memory"), FAILURE_MEMORY },
                { STR("bad_alloc"), FAILURE_MEMORY },
        };
        for (size_t i = 0; i < COUNT_OF(PARTS); i++) {
                if (str_find(error, PARTS[i].part) < error.size)
                        return PARTS[i].kind;
        }
        return FAILURE_OTHER;
}

Failure engine_failure(const char *text, Arena *arena) {
        Str error = json_of(arena_str(arena, str_of(text ? text : "")));
        Json *tree;
        Error ignored;
        if (json_parse(error, NULL, arena, &tree, &ignored) != STATUS_OK || tree->kind != JSON_OBJECT)
                return (Failure){ .kind = kind_of_text(error), .position = -1, .detail = error };
        Str message = json_string(json_get(tree, "exception_message"));
        return failure_of_json(tree, str_slice(message, 0, str_find(message, STR("\n\nPossible solutions"))));
}

bool engine_is_broken(const Failure *failure) {
        return failure->kind == FAILURE_ENGINE;
}

/* Statements */

static void statements_deinit(duckdb_extracted_statements *statements) {
        duckdb_destroy_extracted(statements);
}

static void forget_one(KeptStatement *kept) {
        if (kept->statement)
                duckdb_destroy_prepare(&kept->statement);
        free(kept->sql);
        *kept = (KeptStatement){ 0 };
}

static void forget_prepared(Engine *engine) {
        for (size_t i = 0; i < ENGINE_KEPT; i++)
                forget_one(&engine->kept[i]);
        engine->prepared = NULL;
}

static bool prepare_one(duckdb_connection connection, Str sql, duckdb_prepared_statement *out, Arena *arena,
                        Failure *failure) {
        CLEANUP(statements_deinit) duckdb_extracted_statements statements = NULL;
        idx_t count = duckdb_extract_statements(connection, arena_cstr(arena, sql), &statements);
        const char *error = duckdb_extract_statements_error(statements);
        if (count == 0 && error) {
                *failure = engine_failure(error, arena);
                return false;
        }
        if (count != 1) {
                *failure = (Failure){ .kind = FAILURE_NOT_ONE,
                                      .position = -1,
                                      .arguments = { arena_strf(arena, "%llu", (unsigned long long)count) } };
                return false;
        }
        if (duckdb_prepare_extracted_statement(connection, statements, 0, out) != DuckDBSuccess) {
                *failure = engine_failure(duckdb_prepare_error(*out), arena);
                duckdb_destroy_prepare(out);
                return false;
        }
        return true;
}

/* Where sql is kept, or the place that was not used for longest. */
static KeptStatement *place_for(Engine *engine, Str sql) {
        KeptStatement *oldest = engine->kept;
        for (size_t i = 0; i < ENGINE_KEPT; i++) {
                KeptStatement *kept = &engine->kept[i];
                if (kept->statement && str_equal(sql, (Str){ kept->sql, kept->size }))
                        return kept;
                if (kept->used < oldest->used)
                        oldest = kept;
        }
        forget_one(oldest);
        return oldest;
}

/*
 * DuckDB 2.0.0 gives rows in the order that an ORDER BY asks for only where it keeps every order; elsewhere its threads hand
 * in sorted pieces of 122,880 rows as they finish, and a LIMIT above cuts these. Keeping every order costs a LIMIT and a join
 * their threads, so only a statement with these words in it pays (for a window's order too, and for a text that has them): its
 * plan is made and run with the setting on.
 */
static bool keep_order(Engine *engine, Str sql, Arena *arena, Failure *failure) {
        EngineOrder asked = strcasestr(arena_cstr(arena, sql), "order by") ? ENGINE_ORDER_KEPT : ENGINE_ORDER_LOOSE;
        if (asked == engine->order)
                return true;
        CLEANUP(engine_result_deinit) duckdb_result result = { 0 };
        const char *setting = asked == ENGINE_ORDER_KEPT ? "SET preserve_insertion_order=true" : "SET preserve_insertion_order=false";
        engine->order = ENGINE_ORDER_UNKNOWN;
        if (duckdb_query(engine->run, setting, &result) != DuckDBSuccess) {
                *failure = engine_failure(duckdb_result_error(&result), arena);
                return false;
        }
        engine->order = asked;
        return true;
}

/* A text of many files has a big plan: it is not kept beside others. */
#define KEPT_SIZE ((size_t)64 << 10)

bool engine_prepare(Engine *engine, Str sql, Arena *arena, Failure *failure) {
        engine->prepared = NULL;
        if (!keep_order(engine, sql, arena, failure))
                return false;
        KeptStatement *place = place_for(engine, sql);
        if (!place->statement) {
                if (sql.size > KEPT_SIZE)
                        forget_prepared(engine);
                duckdb_prepared_statement prepared = NULL;
                if (!prepare_one(engine->run, sql, &prepared, arena, failure))
                        return false;
                *place = (KeptStatement){ .statement = prepared, .sql = strndup(sql.data, sql.size), .size = sql.size };
        }
        place->used = ++engine->uses;
        engine->prepared = place->statement;
        return true;
}

bool engine_run(Engine *engine, duckdb_connection connection, Str sql, Arena *arena, Failure *failure) {
        CLEANUP(engine_result_deinit) duckdb_result result = { 0 };
        if (connection == engine->run) {
                forget_prepared(engine);
                if (!keep_order(engine, sql, arena, failure))
                        return false;
        }
        if (duckdb_query(connection, arena_cstr(arena, sql), &result) == DuckDBSuccess)
                return true;
        *failure = engine_failure(duckdb_result_error(&result), arena);
        return false;
}

void engine_interrupt(Engine *engine) {
        duckdb_interrupt(engine->run);
}

/* Opening */

/* Settings of a connection: each is set on both. */
static const char *const SESSION_SETTINGS[] = {
        "SET errors_as_json=true",
        "SET TimeZone='UTC'",
};

/* In this order: allowed_directories before external access goes, the lock last. */
static const char *const SETTINGS[] = {
        "SET temp_directory='%s/spill'",        "SET allowed_directories=['%s/g/', '%s/out/', '%s/spill/']",
        "SET enable_external_access=false",     "SET streaming_buffer_size='1MB'",
        "SET allow_community_extensions=false",
        "SET allowed_configs=['TimeZone','threads','memory_limit','preserve_insertion_order']",
        "SET lock_configuration=true",
};

static const char *const CONFIGURATION[][2] = {
        { "preserve_insertion_order", "false" },     { "autoload_known_extensions", "false" },
        { "autoinstall_known_extensions", "false" }, { "allow_community_extensions", "false" },
        { "allow_unsigned_extensions", "false" },
};

static Status configure(duckdb_config config, const EngineOptions *options, Arena *arena, Error *err) {
        const char *memory = arena_printf(arena, "%lluB", (unsigned long long)options->memory_limit);
        const char *threads = arena_printf(arena, "%d", options->threads);
        bool taken = duckdb_set_config(config, "memory_limit", memory) == DuckDBSuccess &&
                     duckdb_set_config(config, "threads", threads) == DuckDBSuccess;
        for (size_t i = 0; taken && i < COUNT_OF(CONFIGURATION); i++)
                taken = duckdb_set_config(config, CONFIGURATION[i][0], CONFIGURATION[i][1]) == DuckDBSuccess;
        if (!taken)
                return error_reason(err, ENGINE_CONFIG);
        return STATUS_OK;
}

static void config_deinit(duckdb_config *config) {
        duckdb_destroy_config(config);
}

static Status open_database(const EngineOptions *options, Engine *engine, Arena *arena, Error *err) {
        CLEANUP(config_deinit) duckdb_config config = NULL;
        duckdb_create_config(&config);
        TRY(configure(config, options, arena, err));
        char *words = NULL;
        if (duckdb_open_ext(NULL, &engine->database, config, &words) != DuckDBSuccess) {
                duckdb_free(words);
                return error_reason(err, ENGINE_OPEN);
        }
        if (duckdb_connect(engine->database, &engine->run) != DuckDBSuccess ||
            duckdb_connect(engine->database, &engine->parse) != DuckDBSuccess)
                return error_reason(err, ENGINE_CONNECT);
        return STATUS_OK;
}

/* The folder is ours and free of quotes, see the pool; an operator's path may not be. */
static Str quoted_folder(const char *folder, Arena *arena) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        for (const char *at = folder; *at; at++) {
                if (*at == '\'')
                        buf_append_byte(&text, '\'');
                buf_append_byte(&text, *at);
        }
        return buf_dup(&text, arena);
}

/* number: which of all of them, from 1. */
static Status set(Engine *engine, duckdb_connection connection, Str sql, size_t number, Arena *arena, Error *err) {
        Failure failure;
        if (engine_run(engine, connection, sql, arena, &failure))
                return STATUS_OK;
        return error_reason(err, ENGINE_SETTING, reason_number((int64_t)number));
}

static Status lock_down(Engine *engine, const char *folder, Arena *arena, Error *err) {
        const char *quoted = quoted_folder(folder, arena).data;
        for (size_t i = 0; i < COUNT_OF(SESSION_SETTINGS); i++) {
                TRY(set(engine, engine->run, str_of(SESSION_SETTINGS[i]), i + 1, arena, err));
                TRY(set(engine, engine->parse, str_of(SESSION_SETTINGS[i]), i + 1, arena, err));
        }
        for (size_t i = 0; i < COUNT_OF(SETTINGS); i++)
                TRY(set(engine, engine->run, arena_strf(arena, SETTINGS[i], quoted, quoted, quoted),
                        COUNT_OF(SESSION_SETTINGS) + i + 1, arena, err));
        return STATUS_OK;
}

Status engine_open(const EngineOptions *options, Engine *out, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        if (strcmp(duckdb_library_version(), PROTOCOL_ENGINE_VERSION) != 0)
                return error_reason(err, ENGINE_VERSION, reason_text(str_of(duckdb_library_version())),
                                    reason_text(STR(PROTOCOL_ENGINE_VERSION)));
        Engine engine = { 0 };
        Failure failure;
        Status status = open_database(options, &engine, &arena, err);
        if (status == STATUS_OK)
                status = catalog_types_define(&engine, err);
        if (status == STATUS_OK)
                status = lock_down(&engine, options->folder, &arena, err);
        if (status == STATUS_OK &&
            !prepare_one(engine.parse, STR("SELECT json_serialize_sql($1::VARCHAR)"), &engine.parser, &arena, &failure))
                status = error_reason(err, ENGINE_PARSER);
        if (status != STATUS_OK) {
                engine_close(&engine);
                return status;
        }
        *out = engine;
        map_init(&out->defined, &out->memory);
        return STATUS_OK;
}

void engine_close(Engine *engine) {
        forget_prepared(engine);
        if (engine->parser)
                duckdb_destroy_prepare(&engine->parser);
        if (engine->run)
                duckdb_disconnect(&engine->run);
        if (engine->parse)
                duckdb_disconnect(&engine->parse);
        if (engine->database)
                duckdb_close(&engine->database);
        arena_deinit(&engine->memory);
        *engine = (Engine){ 0 };
}

/* Types */

static const struct {
        duckdb_type id;
        const char *name;
} TYPE_NAMES[] = {
        { DUCKDB_TYPE_BOOLEAN, "BOOLEAN" },
        { DUCKDB_TYPE_TINYINT, "TINYINT" },
        { DUCKDB_TYPE_SMALLINT, "SMALLINT" },
        { DUCKDB_TYPE_INTEGER, "INTEGER" },
        { DUCKDB_TYPE_BIGINT, "BIGINT" },
        { DUCKDB_TYPE_UTINYINT, "UTINYINT" },
        { DUCKDB_TYPE_USMALLINT, "USMALLINT" },
        { DUCKDB_TYPE_UINTEGER, "UINTEGER" },
        { DUCKDB_TYPE_UBIGINT, "UBIGINT" },
        { DUCKDB_TYPE_HUGEINT, "HUGEINT" },
        { DUCKDB_TYPE_UHUGEINT, "UHUGEINT" },
        { DUCKDB_TYPE_FLOAT, "FLOAT" },
        { DUCKDB_TYPE_DOUBLE, "DOUBLE" },
        { DUCKDB_TYPE_DATE, "DATE" },
        { DUCKDB_TYPE_TIME, "TIME" },
        { DUCKDB_TYPE_TIME_NS, "TIME_NS" },
        { DUCKDB_TYPE_TIME_TZ, "TIME WITH TIME ZONE" },
        { DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP" },
        { DUCKDB_TYPE_TIMESTAMP_S, "TIMESTAMP_S" },
        { DUCKDB_TYPE_TIMESTAMP_MS, "TIMESTAMP_MS" },
        { DUCKDB_TYPE_TIMESTAMP_NS, "TIMESTAMP_NS" },
        { DUCKDB_TYPE_TIMESTAMP_TZ, "TIMESTAMP WITH TIME ZONE" },
        { DUCKDB_TYPE_INTERVAL, "INTERVAL" },
        { DUCKDB_TYPE_UUID, "UUID" },
        { DUCKDB_TYPE_VARCHAR, "VARCHAR" },
        { DUCKDB_TYPE_BLOB, "BLOB" },
        { DUCKDB_TYPE_BIT, "BIT" },
        { DUCKDB_TYPE_ENUM, "ENUM" },
        { DUCKDB_TYPE_UNION, "UNION" },
        { DUCKDB_TYPE_BIGNUM, "BIGNUM" },
        { DUCKDB_TYPE_GEOMETRY, "GEOMETRY" },
        { DUCKDB_TYPE_VARIANT, "VARIANT" },
        { DUCKDB_TYPE_SQLNULL, "\"NULL\"" },
};

duckdb_type engine_type_id(Str name) {
        for (size_t i = 0; i < COUNT_OF(TYPE_NAMES); i++) {
                if (str_is(name, TYPE_NAMES[i].name))
                        return TYPE_NAMES[i].id;
        }
        return DUCKDB_TYPE_INVALID;
}

static void print_type(Buf *out, duckdb_logical_type type);

static void print_child(Buf *out, duckdb_logical_type child) {
        print_type(out, child);
        duckdb_destroy_logical_type(&child);
}

static void print_struct(Buf *out, duckdb_logical_type type) {
        idx_t count = duckdb_struct_type_child_count(type);
        buf_append_cstr(out, "STRUCT(");
        for (idx_t i = 0; i < count; i++) {
                char *name = duckdb_struct_type_child_name(type, i);
                buf_append_cstr(out, i ? ", \"" : "\"");
                for (const char *at = name; *at; at++) {
                        if (*at == '"')
                                buf_append_byte(out, '"');
                        buf_append_byte(out, *at);
                }
                buf_append_cstr(out, "\" ");
                duckdb_free(name);
                print_child(out, duckdb_struct_type_child_type(type, i));
        }
        buf_append_byte(out, ')');
}

static bool print_nested(Buf *out, duckdb_type id, duckdb_logical_type type) {
        if (id == DUCKDB_TYPE_STRUCT) {
                print_struct(out, type);
        } else if (id == DUCKDB_TYPE_LIST) {
                print_child(out, duckdb_list_type_child_type(type));
                buf_append_cstr(out, "[]");
        } else if (id == DUCKDB_TYPE_ARRAY) {
                print_child(out, duckdb_array_type_child_type(type));
                buf_printf(out, "[%llu]", (unsigned long long)duckdb_array_type_array_size(type));
        } else if (id == DUCKDB_TYPE_MAP) {
                buf_append_cstr(out, "MAP(");
                print_child(out, duckdb_map_type_key_type(type));
                buf_append_cstr(out, ", ");
                print_child(out, duckdb_map_type_value_type(type));
                buf_append_byte(out, ')');
        } else {
                return false;
        }
        return true;
}

static void print_type(Buf *out, duckdb_logical_type type) {
        duckdb_type id = duckdb_get_type_id(type);
        char *alias = duckdb_logical_type_get_alias(type); /* JSON is VARCHAR by another name */
        if (alias) {
                buf_append_cstr(out, alias);
                duckdb_free(alias);
                return;
        }
        if (print_nested(out, id, type))
                return;
        if (id == DUCKDB_TYPE_DECIMAL) {
                buf_printf(out, "DECIMAL(%u,%u)", duckdb_decimal_width(type), duckdb_decimal_scale(type));
                return;
        }
        for (size_t i = 0; i < COUNT_OF(TYPE_NAMES); i++) {
                if (TYPE_NAMES[i].id == id) {
                        buf_append_cstr(out, TYPE_NAMES[i].name);
                        return;
                }
        }
        buf_append_cstr(out, "UNKNOWN");
}

Str engine_type_name(duckdb_logical_type type, Arena *arena) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        print_type(&text, type);
        return buf_dup(&text, arena);
}
