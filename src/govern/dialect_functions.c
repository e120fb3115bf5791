/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's functions as templates. What a Lode table never has (triggers, rules, defaults, partitions) reads NULL,
 * which is what PostgreSQL says of it too.
 */
#include "govern/dialect.h"

/* The value beside a key in a system relation: a map made once per statement, asked with the argument. */
#define LOOK_IN(rows, key, value, argument) "(SELECT map(list(" key "), list(" value ")) FROM " rows ")[" argument "]"
#define LOOK(relation, key, value, argument) LOOK_IN("{" relation "}", key, value, argument)
#define NO_TEXT "CAST(NULL AS VARCHAR)"
#define SETTING(name) LOOK("pg_catalog.pg_settings", "lower(name)", "setting", name)
#define VERSION "'PostgreSQL ' || " SETTING("'server_version'") " || ' (Lode) on x86_64-pc-linux-gnu, 64-bit'"
#define CAN(what) "regexp_matches(upper($2), '" what "')", "regexp_matches(upper($3), '" what "')"
/* Of a list of privileges one is enough; none comes with the right to grant it on. */
#define GRANTS(list, what) "regexp_matches(upper(" list "), '(^|,)\\s*" what "\\s*(,|$)')"
/* By name or number; NULL for a number that nothing has, as PostgreSQL says. What is not granted is not there. */
#define MAY_READ(relation, list) "CASE WHEN list_contains((SELECT list(oid) FROM {pg_catalog.pg_class}), " relation ") THEN " GRANTS(list, "SELECT") " END"
/* A column that is withheld and one that is not there: false alike. */
#define MAY_READ_COLUMN(relation, column, list) \
        "CASE WHEN list_contains((SELECT list(oid) FROM {pg_catalog.pg_class}), " relation ") THEN list_contains((SELECT list(CAST(attrelid AS VARCHAR) || '.' || attname) " \
        "|| list(CAST(attrelid AS VARCHAR) || '.' || CAST(attnum AS VARCHAR)) FROM {pg_catalog.pg_attribute}), CAST(" relation " AS VARCHAR) || '.' || CAST(" column " AS VARCHAR)) AND " GRANTS(list, "SELECT") " END"
/* Nobody is told what another may: of a user that is not oneself, NULL, whether there is one or not. */
#define OF_SELF(user, answer) "CASE WHEN list_contains((SELECT list(name) || list(CAST(oid AS VARCHAR)) FROM {-.role_names}), CAST(" user " AS VARCHAR)) THEN " answer " END"
#define THERE(names, object, answer) "CASE WHEN list_contains((SELECT list(name) || list(CAST(oid AS VARCHAR)) FROM {" names "}), CAST(" object " AS VARCHAR)) THEN " answer " END"
#define THERE_DATABASE(object, answer) "CASE WHEN list_contains((SELECT list(datname) || list(CAST(oid AS VARCHAR)) FROM {pg_catalog.pg_database}), CAST(" object " AS VARCHAR)) THEN " answer " END"
#define QUOTED "CASE WHEN regexp_full_match($1, '[a-z_][a-z0-9_$]*') THEN $1 ELSE '\"' || replace($1, '\"', '\"\"') || '\"' END"
#define TYPE_NAME "coalesce(" LOOK("-.typenames", "oid", "name", "$1") ", repeat('?', 3))"
#define SIZE_OF(what) LOOK("-.sizes", "oid", what, "$1")
#define NAME_BY(relation, name) LOOK("pg_catalog." relation, "oid", name, "$1")
#define NUMBER_BY(relation) LOOK("-." relation, "name", "oid", "$1")
#define CONSTRAINT LOOK("-.constraint_texts", "oid", "definition", "$1")
#define INDEX_PART(column) LOOK("-.index_texts", "place", "definition", "$1 || '.' || " column)
#define DESCRIPTION LOOK_IN("{pg_catalog.pg_description} WHERE objsubid = 0 AND classoid = 1259", "objoid", "description", "$1")

#define JSON_TYPE \
        "CASE WHEN $1 IS NOT NULL THEN coalesce(map(['OBJECT', 'ARRAY', 'VARCHAR', 'BOOLEAN', 'NULL'], " \
        "['object', 'array', 'string', 'boolean', 'null'])[json_type($1)], 'number') END"

typedef struct Function {
        const char *name;
        const char *templates[5]; /* by number of arguments */
} Function;

#define ALWAYS(text) { text, text, text, text }

/* clang-format off */
static const Function FUNCTIONS[] = {
        /* who and where */
        { "version", { VERSION } },
        { "current_database", { "{database}" } },
        { "current_catalog", { "{database}" } },
        { "current_schema", { "{schema}" } },
        { "current_schemas", { NULL, "CASE WHEN $1 THEN {all_schemas} ELSE {schemas} END" } },
        { "current_user", { "{user}" } },
        { "session_user", { "{session_user}" } },
        { "current_role", { "{user}" } },
        { "user", { "{user}" } },
        { "pg_backend_pid", { "0" } },
        { "pg_is_in_recovery", { "false" } },
        { "pg_is_other_temp_schema", { NULL, "false" } },
        { "pg_my_temp_schema", { "0" } },
        { "pg_client_encoding", { "'UTF8'" } },
        { "getdatabaseencoding", { "'UTF8'" } },
        { "pg_encoding_to_char", { NULL, "CASE WHEN $1 = 6 THEN 'UTF8' ELSE '' END" } },
        { "pg_char_to_encoding", { NULL, "CASE WHEN upper($1) IN ('UTF8', 'UTF-8', 'UNICODE') THEN 6 ELSE -1 END" } },
        { "inet_server_addr", { NO_TEXT } },
        { "inet_server_port", { "CAST(NULL AS INTEGER)" } },
        { "inet_client_addr", { NO_TEXT } },
        { "inet_client_port", { "CAST(NULL AS INTEGER)" } },
        { "current_setting", { NULL, SETTING("lower($1)"), SETTING("lower($1)") } },

        /* names and definitions */
        { "format_type", { NULL, NULL,
                "CASE WHEN $1 = 0 THEN '-' WHEN $1 IS NULL THEN NULL WHEN $1 IN (1083, 1114, 1184, 1266) AND $2 >= 0 THEN "
                "regexp_replace(" TYPE_NAME ", ' ', '(' || $2 || ') ') ELSE " TYPE_NAME " END || "
                "CASE WHEN $1 = 1700 AND $2 >= 4 THEN '(' || (($2 - 4) >> 16) || ',' || (($2 - 4) & 65535) || ')' "
                "WHEN $1 IN (1042, 1043) AND $2 >= 4 THEN '(' || ($2 - 4) || ')' ELSE '' END" } },
        { "pg_get_userbyid", { NULL, "coalesce(" NAME_BY("pg_roles", "rolname") ", 'unknown (OID=' || $1 || ')')" } },
        { "pg_get_expr", { NULL, NULL, "CAST($1 AS VARCHAR)", "CAST($1 AS VARCHAR)" } },
        { "pg_get_viewdef", { NULL, LOOK("-.views", "oid", "definition", "$1"), LOOK("-.views", "oid", "definition", "$1") } },
        { "pg_get_constraintdef", { NULL, CONSTRAINT, CONSTRAINT } },
        { "pg_get_indexdef", { NULL, INDEX_PART("'0'"), NULL, INDEX_PART("$2") } },
        { "pg_get_triggerdef", ALWAYS(NO_TEXT) },
        { "pg_get_ruledef", ALWAYS(NO_TEXT) },
        { "pg_get_functiondef", ALWAYS(NO_TEXT) },
        { "pg_get_function_result", ALWAYS(NO_TEXT) },
        { "pg_get_function_arguments", ALWAYS(NO_TEXT) },
        { "pg_get_function_identity_arguments", ALWAYS(NO_TEXT) },
        { "pg_get_function_sqlbody", ALWAYS(NO_TEXT) },
        { "pg_get_partkeydef", ALWAYS(NO_TEXT) },
        { "pg_get_partition_constraintdef", ALWAYS(NO_TEXT) },
        { "pg_get_statisticsobjdef", ALWAYS(NO_TEXT) },
        { "pg_get_statisticsobjdef_columns", ALWAYS(NO_TEXT) },
        { "pg_get_serial_sequence", ALWAYS(NO_TEXT) },
        { "pg_get_replica_identity_index", ALWAYS("CAST(NULL AS BIGINT)") },
        { "obj_description", { NULL, DESCRIPTION, "CASE WHEN $2 = 'pg_class' THEN " DESCRIPTION " END" } },
        { "shobj_description", ALWAYS(NO_TEXT) },
        { "col_description", { NULL, NULL,
                LOOK_IN("{pg_catalog.pg_description} WHERE classoid = 1259", "objoid || '.' || objsubid", "description", "$1 || '.' || $2") } },
        { "quote_ident", { NULL, QUOTED } },
        { "quote_literal", { NULL, "'''' || replace(CAST($1 AS VARCHAR), '''', '''''') || ''''" } },
        { "parse_ident", { NULL, "string_split($1, '.')" } },
        { "to_regclass", { NULL, NUMBER_BY("relation_names") } },
        { "to_regtype", { NULL, LOOK("-.type_names", "name", "oid",
                "CASE WHEN $1 = '\"char\"' THEN $1 ELSE regexp_replace(replace($1, '\"', ''), '^pg_catalog[.]', '') END") } },
        { "to_regproc", { NULL, NUMBER_BY("procedure_names") } },
        { "to_regnamespace", { NULL, NUMBER_BY("schema_names") } },
        { "to_regrole", { NULL, NUMBER_BY("role_names") } },
        { "pg_typeof", { NULL,
                "CASE WHEN typeof($1) LIKE 'DECIMAL%' OR typeof($1) LIKE '%HUGEINT' THEN 'numeric' ELSE coalesce(map("
                "['VARCHAR', 'DOUBLE', 'FLOAT', 'BLOB', 'TIME', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'INTEGER[]', 'VARCHAR[]', 'BIGINT[]', '\"NULL\"'], "
                "['text', 'double precision', 'real', 'bytea', 'time without time zone', 'timestamp without time zone', "
                "'timestamp with time zone', 'integer[]', 'text[]', 'bigint[]', 'unknown'])[typeof($1)], lower(typeof($1))) END" } },

        /* what may be seen and done: what is not granted is not there, and nothing is written through SQL */
        { "pg_table_is_visible", { NULL, "list_contains((SELECT list(oid) FROM {-.visible}), $1)" } },
        { "pg_type_is_visible", { NULL, "NOT list_contains((SELECT list(oid) FROM {-.hidden_types}), $1)" } },
        { "pg_function_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_operator_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_opclass_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_opfamily_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_collation_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_conversion_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_statistics_obj_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_ts_config_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_ts_dict_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_ts_parser_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "pg_ts_template_is_visible", { NULL, "$1 IS NOT NULL" } },
        { "has_table_privilege", { NULL, NULL, MAY_READ("$1", "$2"), OF_SELF("$1", MAY_READ("$2", "$3")) } },
        { "has_any_column_privilege", { NULL, NULL, MAY_READ("$1", "$2"), OF_SELF("$1", MAY_READ("$2", "$3")) } },
        { "has_column_privilege", { NULL, NULL, NULL, MAY_READ_COLUMN("$1", "$2", "$3"), OF_SELF("$1", MAY_READ_COLUMN("$2", "$3", "$4")) } },
        { "has_schema_privilege", { NULL, NULL, THERE("-.schema_names", "$1", GRANTS("$2", "USAGE")), OF_SELF("$1", THERE("-.schema_names", "$2", GRANTS("$3", "USAGE"))) } },
        { "has_database_privilege", { NULL, NULL, THERE_DATABASE("$1", GRANTS("$2", "CONNECT")), OF_SELF("$1", THERE_DATABASE("$2", GRANTS("$3", "CONNECT"))) } },
        { "has_function_privilege", { NULL, NULL, CAN("EXECUTE") } },
        { "has_type_privilege", { NULL, NULL, CAN("USAGE") } },
        { "has_language_privilege", { NULL, NULL, "false", "false" } },
        { "has_sequence_privilege", { NULL, NULL, "false", "false" } },
        { "has_server_privilege", { NULL, NULL, "false", "false" } },
        { "has_tablespace_privilege", { NULL, NULL, "false", "false" } },
        { "pg_has_role", { NULL, NULL, "true", "true" } },
        { "row_security_active", { NULL, "false" } },
        { "pg_relation_is_updatable", { NULL, NULL, "0" } },
        { "pg_column_is_updatable", { NULL, NULL, NULL, "false" } },
        { "pg_relation_is_publishable", { NULL, "false" } },

        /* what clients do to a session: there are no locks, and a sleep is the worker's own function */
        { "pg_advisory_unlock_all", { "''" } },
        { "pg_sleep", { NULL, "pg_sleep(CAST($1 AS DOUBLE))" } },

        /* sizes and statistics */
        { "pg_relation_size", { NULL, SIZE_OF("bytes"), SIZE_OF("bytes") } },
        { "pg_table_size", { NULL, SIZE_OF("bytes") } },
        { "pg_total_relation_size", { NULL, SIZE_OF("bytes") } },
        { "pg_indexes_size", { NULL, "CASE WHEN $1 IS NOT NULL THEN 0 END" } },
        { "pg_database_size", { NULL, "(SELECT coalesce(sum(bytes), 0) FROM {-.sizes})" } },
        { "pg_tablespace_size", { NULL, "0" } },
        { "pg_tablespace_location", { NULL, "''" } },
        { "pg_relation_filenode", { NULL, "CAST(NULL AS BIGINT)" } },
        { "pg_size_pretty", { NULL,
                "CASE WHEN abs($1) < 10240 THEN $1 || ' bytes' WHEN abs($1) < 10485247 THEN CAST(round($1 / 1024) AS BIGINT) || ' kB' "
                "WHEN abs($1) < 10736893952 THEN CAST(round($1 / 1048576) AS BIGINT) || ' MB' "
                "WHEN abs($1) < 10994579406848 THEN CAST(round($1 / 1073741824) AS BIGINT) || ' GB' "
                "ELSE CAST(round($1 / 1099511627776) AS BIGINT) || ' TB' END" } },
        { "pg_stat_get_numscans", { NULL, "0" } },
        { "pg_stat_get_tuples_inserted", { NULL, "0" } },

        /* texts and times, that the engine has under another name */
        { "to_hex", { NULL, "CASE WHEN typeof($1) = 'INTEGER' AND $1 < 0 THEN right(lower(to_hex(CAST($1 AS BIGINT))), 8) ELSE lower(to_hex($1)) END" } },
        { "btrim", { NULL, "trim($1)", "trim($1, $2)" } },
        { "lpad", { NULL, NULL, "lpad($1, $2, ' ')" } },
        { "rpad", { NULL, NULL, "rpad($1, $2, ' ')" } },
        { "initcap", { NULL,
                "array_to_string(list_transform(regexp_extract_all($1, '[\\pL\\pN]+|[^\\pL\\pN]+'), "
                "lambda lode_w: upper(lode_w[1]) || lower(substr(lode_w, 2))), '')" } },
        { "encode", { NULL, NULL, "CASE lower($2) WHEN 'hex' THEN lower(hex($1)) ELSE error('encode() writes hex only') END" } },
        { "decode", { NULL, NULL,
                "CASE lower($2) WHEN 'hex' THEN unhex($1) WHEN 'base64' THEN from_base64($1) ELSE error('decode() reads hex and base64') END" } },
        { "date_bin", { NULL, NULL, NULL, "time_bucket(CAST($1 AS INTERVAL), $2, $3)" } },
        { "json_typeof", { NULL, JSON_TYPE } },
        { "jsonb_typeof", { NULL, JSON_TYPE } },

        /* arrays */
        { "array_remove", { NULL, NULL, "list_filter($1, lambda lode_i: lode_i IS DISTINCT FROM $2)" } },
        { "array_to_string", { NULL, NULL, NULL, "array_to_string(list_transform($1, lambda lode_i: coalesce(CAST(lode_i AS VARCHAR), $3)), $2)" } },
        { "array_upper", { NULL, NULL, "CASE WHEN $2 = 1 THEN nullif(len($1), 0) END" } },
        { "array_lower", { NULL, NULL, "CASE WHEN $2 = 1 AND len($1) > 0 THEN 1 END" } },
        { "array_remove", { NULL, NULL, "list_filter($1, lambda lode_i: lode_i IS DISTINCT FROM $2)" } },
        { "array_ndims", { NULL, "CASE WHEN len($1) > 0 THEN 1 END" } },
        { "_pg_expandarray", { NULL,
                "unnest(list_transform(range(1, len($1) + 1), lambda lode_i: struct_pack(x := ($1)[lode_i], n := lode_i)))" } },
        { "pg_partition_ancestors", { NULL, "unnest(CAST([] AS BIGINT[]))" } },
        { "pg_partition_root", { NULL, "CAST(NULL AS BIGINT)" } },

        { NULL, { NULL } },
};
/* clang-format on */

const char *dialect_template(Str name, size_t argument_count) {
        if (argument_count >= COUNT_OF(FUNCTIONS[0].templates))
                return NULL;
        for (const Function *function = FUNCTIONS; function->name; function++)
                if (str_equal_nocase(name, str_of(function->name)))
                        return function->templates[argument_count];
        return NULL;
}
