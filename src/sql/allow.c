/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/allow.h"

/* Each list is words between blanks: what one reads here is what is allowed. */
static const char operators[] =
        " % & && * ** + - ->> / // < <-> << <=> <@ = > >> @ @> ^ ^@ | || ~ ~~ !~~ ~~* !~~* ~~~ !~ ~* !~* ";

static const char numbers[] =
        " abs acos acosh add asin asinh atan atan2 atanh bit_count cbrt ceil ceiling cos cosh cot degrees divide even"
        " exp factorial fdiv floor fmod gamma gcd greatest greatest_common_divisor hash isfinite isinf isnan lcm least"
        " least_common_multiple lgamma ln log log10 log2 mod multiply nextafter pi pow power radians random round"
        " round_even roundbankers sign signbit sin sinh sqrt subtract tan tanh trunc xor to_base bar binom"
        " decimal_division equi_width_bins ";

static const char texts[] =
        " array_to_string array_to_string_comma_default ascii base64 bin bit_length char_length character_length chr"
        " concat concat_ws contains damerau_levenshtein editdist3 ends_with format formatreadabledecimalsize"
        " formatreadablesize format_bytes from_base64 from_binary from_hex hamming hex ilike_escape instr jaccard"
        " jaro_similarity jaro_winkler_similarity lcase left left_grapheme length length_grapheme levenshtein"
        " like_escape lower lpad ltrim md5 md5_number md5_number_lower md5_number_upper mismatches nfc_normalize"
        " not_ilike_escape not_like_escape octet_length ord overlay parse_dirname parse_dirpath parse_filename"
        " parse_formatted_bytes parse_path pg_size_pretty position prefix printf regexp_escape regexp_extract"
        " regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array"
        " regexp_split_to_table repeat replace reverse right right_grapheme rpad rtrim sha1 sha256 split split_part"
        " starts_with str_split str_split_regex string_split string_split_regex string_to_array strip_accents strlen"
        " strpos substr substring substring_grapheme suffix to_base64 to_binary to_hex translate trim ucase unbin"
        " unhex unicode upper url_decode url_encode encode decode bitstring bit_position get_bit set_bit ";

static const char times[] =
        " age ago century current_date current_localtime current_localtimestamp date_add date_diff date_part date_sub"
        " date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month"
        " decade epoch epoch_ms epoch_ns epoch_us era get_current_time get_current_timestamp hour isodow isoyear"
        " julian last_day make_date make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz"
        " microsecond millennium millisecond minute month monthname nanosecond now quarter second strftime strptime"
        " time_bucket timezone timezone_hour timezone_minute to_centuries to_days to_decades to_hours"
        " to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp"
        " to_weeks to_years today transaction_timestamp try_strptime week weekday weekofyear year yearweek"
        " current_timestamp current_time localtime localtimestamp ";

static const char nested[] =
        " apply array_aggr array_aggregate array_append array_apply array_cat array_concat array_contains"
        " array_cosine_distance array_cosine_similarity array_cross_product array_distance array_distinct"
        " array_dot_product array_extract array_filter array_grade_up array_has array_has_all array_has_any"
        " array_indexof array_inner_product array_intersect array_length array_negative_dot_product"
        " array_negative_inner_product array_pop_back array_pop_front array_position array_prepend array_push_back"
        " array_push_front array_reduce array_resize array_reverse array_reverse_sort array_select array_slice"
        " array_sort array_transform array_unique array_value array_where array_zip aggregate cardinality element_at"
        " enum_code enum_first enum_last enum_range enum_range_boundary filter flatten generate_series"
        " generate_subscripts grade_up len list_aggr list_aggregate list_any_value list_append"
        " list_approx_count_distinct list_apply list_avg list_bit_and list_bit_or list_bit_xor list_bool_and"
        " list_bool_or list_cat list_concat list_contains list_cosine_distance list_cosine_similarity list_count"
        " list_distance list_distinct list_dot_product list_element list_entropy list_extract list_filter list_first"
        " list_grade_up list_has list_has_all list_has_any list_histogram list_indexof list_inner_product"
        " list_intersect list_kurtosis list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode"
        " list_negative_dot_product list_negative_inner_product list_pack list_position list_prepend list_product"
        " list_reduce list_resize list_reverse list_reverse_sort list_select list_sem list_skewness list_slice"
        " list_sort list_stddev_pop list_stddev_samp list_string_agg list_sum list_transform list_unique list_value"
        " list_var_pop list_var_samp list_where list_zip map map_concat map_contains map_contains_entry"
        " map_contains_value map_entries map_extract map_extract_value map_from_entries map_keys map_values range"
        " reduce row struct_concat struct_contains struct_extract struct_extract_at struct_has struct_indexof"
        " struct_insert struct_keys struct_pack struct_position struct_update struct_values union_extract union_tag"
        " union_value unnest ";

static const char jsons[] =
        " array_to_json from_json from_json_strict json json_array json_array_length json_contains json_deep_merge"
        " json_exists json_extract json_extract_path json_extract_path_text json_extract_string json_group_array"
        " json_group_object json_group_structure json_insert json_keys json_merge_patch json_merge_patch_diff"
        " json_normalize json_object json_pretty json_quote json_remove json_replace json_set json_strip_nulls"
        " json_structure json_transform json_transform_strict json_type json_valid json_value row_to_json to_json ";

static const char others[] =
        " gen_random_uuid uuid uuidv4 uuidv7 uuid_extract_timestamp uuid_extract_version if ifnull nullif typeof"
        /* table functions: the call inside FROM is an expression of the tree too; elsewhere the engine knows none so named */
        " json_each json_tree repeat_row ";

static const char aggregates[] =
        " any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null"
        " arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or"
        " bit_xor bool_and bool_or corr count count_if count_star countif covar_pop covar_samp entropy favg first"
        " fsum geomean geometric_mean group_concat histogram histogram_exact kahan_sum kurtosis kurtosis_pop last"
        " list listagg lttb mad max max_by mean median min min_by mode product quantile quantile_cont quantile_disc"
        " regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy"
        " reservoir_quantile sem skewness stddev stddev_pop stddev_samp string_agg sum sumkahan var_pop var_samp"
        " variance wavg weighted_avg bitstring_agg json_group_array json_group_object json_group_structure ";

static const char windows[] =
        " cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense"
        " row_number ";

static const char table_functions[] = " range generate_series unnest json_each json_tree repeat repeat_row ";

static const char types[] =
        " bool boolean logical tinyint int1 smallint int2 short integer int int4 int32 signed bigint int8 int64 long"
        " hugeint int128 utinyint uint8 usmallint uint16 uinteger uint32 ubigint uint64 uhugeint uint128 float float4"
        " real double float8 decimal dec numeric date time timetz timestamp datetime timestamptz timestamp_s"
        " timestamp_ms timestamp_us timestamp_ns interval varchar char bpchar text string nvarchar blob bytea binary"
        " varbinary bit bitstring uuid guid json list array struct row map union enum null ";

/* PostgreSQL's for its catalog; the worker knows the first four, binding replaces the others. */
static const char catalog_types[] =
        " pg_oid pg_regproc pg_name pg_char pg_int2vector pg_oidvector regclass regtype regproc regprocedure regnamespace regrole ";

/* With blanks in them, so not for the list. */
static const char *const long_types[] = {
        "timestamp with time zone", "timestamp without time zone", "time with time zone", "time without time zone",
        "double precision",         "character varying",
};

static const char collations[] = " nocase noaccent nfc binary c posix ";

static const char *const function_lists[] = {
        operators, numbers, texts, times, nested, jsons, others, aggregates, windows,
};

#define WORD_MAX 48

/* Whether the list holds the word, whatever its case. */
static bool holds(const char *list, Str word) {
        char padded[WORD_MAX + 3];
        if (word.size == 0 || word.size > WORD_MAX)
                return false;
        padded[0] = ' ';
        for (size_t i = 0; i < word.size; i++) {
                char c = word.data[i];
                if (c == ' ' || c == '\0')
                        return false;
                padded[i + 1] = char_lower(c);
        }
        padded[word.size + 1] = ' ';
        padded[word.size + 2] = '\0';
        return strstr(list, padded) != NULL;
}

bool sql_function_is_allowed(Str name) {
        for (size_t i = 0; i < COUNT_OF(function_lists); i++)
                if (holds(function_lists[i], name))
                        return true;
        return false;
}

bool sql_function_is_aggregate(Str name) {
        return holds(aggregates, name);
}

bool sql_table_function_is_allowed(Str name) {
        return holds(table_functions, name);
}

bool sql_type_is_allowed(Str name) {
        if (holds(types, name) || holds(catalog_types, name))
                return true;
        for (size_t i = 0; i < COUNT_OF(long_types); i++)
                if (str_equal_nocase(name, str_of(long_types[i])))
                        return true;
        return false;
}

bool sql_collation_is_allowed(Str name) {
        Str head, tail = name;
        bool more = true;
        while (more) {
                more = str_cut(tail, '.', &head, &tail);
                if (!holds(collations, head))
                        return false;
        }
        return true;
}

/* What to do instead, by what the refused thing is for. */
static const struct {
        const char *names, *hint;
} hints[] = {
        { " read_csv read_csv_auto read_json read_json_auto read_ndjson read_parquet parquet_scan read_text read_blob"
          " read_duckdb read_single_csv_file read_single_json_file read_single_parquet_file sniff_csv glob ",
          "files enter through a source: lode add ZONE FILE" },
        { " query query_table histogram_values json_execute_serialized_sql json_serialize_sql json_deserialize_sql"
          " json_serialize_plan ",
          "write the query itself: SQL given as text is not run" },
        { " duckdb_tables duckdb_columns duckdb_views duckdb_settings duckdb_functions pragma_table_info pragma_show"
          " pragma_storage_info summary ",
          "lode show lists tables and columns" },
        { " current_setting getenv getvariable ", "statements have no settings or variables; use parameters: $1" },
        { " nextval currval setval ", "there are no sequences; row_number() OVER () numbers rows" },
        { " to_char ", "its patterns are read for dates and times, where they stand in the statement; of a number: round(x, 2)::text, printf('%,.2f', x)" },
        { " version current_query txid_current current_transaction_id ", "lode status says what runs" },
};

/* What other databases call it. */
static const struct {
        const char *names, *ours;
} elsewhere[] = {
        { " nvl isnull ", "coalesce" },     { " getdate sysdate ", "now()" },       { " date_format ", "strftime" },
        { " to_date str_to_date ", "strptime" }, { " charindex ", "instr" },  { " dateadd ", "day + interval 7 days" },
        { " iif ", "if" },                  { " datalength ", "length" },  { " stuff ", "overlay" },
        { " regexp_like rlike ", "regexp_matches" }, { " regexp_substr ", "regexp_extract" }, { " try_convert convert ", "try_cast(x as type)" },
        { " rownum rowid ", "row_number() over ()" }, { " stdev ", "stddev" }, { " wm_concat ", "string_agg" },
};

static Str nearest_in(Str name, const char *names, Str best) {
        Str word, rest = str_of(names);
        while (rest.size > 0) {
                str_cut(rest, ' ', &word, &rest);
                Str pair[] = { best, word };
                if (word.size > 0)
                        best = str_nearest(name, best.size > 0 ? pair : pair + 1, best.size > 0 ? 2 : 1);
        }
        return best;
}

static Status hint_function(Str name, Error *err) {
        for (size_t i = 0; i < COUNT_OF(hints); i++)
                if (holds(hints[i].names, name))
                        return error_hint(err, "%s", hints[i].hint);
        for (size_t i = 0; i < COUNT_OF(elsewhere); i++)
                if (holds(elsewhere[i].names, name))
                        return error_hint(err, "here it is %s; docs/sql.md lists the functions there are", elsewhere[i].ours);
        Str near = STR_NONE;
        for (size_t i = 0; i < COUNT_OF(function_lists); i++)
                near = nearest_in(name, function_lists[i], near);
        if (near.size > 0 && str_distance(name, near) <= 1 + name.size / 4)
                return error_hint(err, "did you mean %.*s? docs/sql.md lists the functions there are", STR_ARG(near));
        return error_hint(err, "docs/sql.md lists the functions there are");
}

static Status refuse_function(const SqlTree *tree, SqlPlace at, const char *what, Str name, Error *err) {
        error_set(err, STATUS_SQL_REFUSED, "the %s '%.*s' is not allowed", what, STR_ARG(name));
        hint_function(name, err);
        error_sqlstate(err, "42883");
        return sql_error_place(err, tree, at);
}

/* list_aggregate(l, 'name') calls an aggregate by its name as text. */
static Status check_named_aggregate(const SqlTree *tree, const SqlExpr *expr, Str name, Error *err) {
        static const char by_name[] = " list_aggr list_aggregate array_aggr array_aggregate aggregate ";
        if (!holds(by_name, name))
                return STATUS_OK;
        /* In x.list_aggregate('sum') the list stands in the path; whether a path is that or a schema is the engine's to
         * know, so beyond this one form a path is refused. */
        const SqlArguments *arguments = &expr->function.arguments;
        bool method = expr->function.path.count > 1;
        size_t index = method ? 0 : 1;
        const SqlExpr *which = index < arguments->count ? arguments->items[index].expr : NULL;
        if (method && arguments->count != 1)
                which = NULL;
        if (which && which->kind == SQL_CONSTANT && which->constant.literal == SQL_STRING &&
            holds(aggregates, which->constant.text) && !holds(" bitstring_agg ", which->constant.text))
                return STATUS_OK;
        error_set(err, STATUS_SQL_REFUSED, "%.*s takes the name of an allowed aggregate as literal text",
                  STR_ARG(name));
        return sql_error_place(err, tree, expr->at);
}

static Status check_call(const SqlTree *tree, const SqlExpr *expr, SqlNames path, size_t argument_count, Error *err) {
        Str name = path.items[path.count - 1];
        if (!sql_function_is_allowed(name))
                return refuse_function(tree, expr->at, "function", name, err);
        if (holds(" bitstring_agg ", name) && argument_count != 3) {
                error_set(err, STATUS_SQL_REFUSED, "bitstring_agg needs its bounds: bitstring_agg(x, min, max)");
                return sql_error_place(err, tree, expr->at);
        }
        return STATUS_OK;
}

static Status check_type(const SqlTree *tree, const SqlExpr *expr, Error *err) {
        SqlNames path = expr->type.path;
        Str name = path.items[path.count - 1];
        if (path.count == 1 && sql_type_is_allowed(name))
                return STATUS_OK;
        error_set(err, STATUS_SQL_REFUSED, "the type '%.*s' is not allowed", STR_ARG(name));
        error_sqlstate(err, "42704");
        return sql_error_place(err, tree, expr->at);
}

static Status allow_expr(void *context, SqlExpr **place, Error *err) {
        const SqlTree *tree = context;
        const SqlExpr *expr = *place;
        switch (expr->kind) {
        case SQL_FUNCTION:
                TRY(check_call(tree, expr, expr->function.path, expr->function.arguments.count, err));
                return check_named_aggregate(tree, expr, expr->function.path.items[expr->function.path.count - 1], err);
        case SQL_WINDOW:
                return check_call(tree, expr, expr->window.path, expr->window.arguments.count, err);
        case SQL_TYPE:
                return check_type(tree, expr, err);
        case SQL_COLLATE:
                if (sql_collation_is_allowed(expr->collate.collation))
                        return STATUS_OK;
                error_set(err, STATUS_SQL_REFUSED, "the collation '%.*s' is not allowed",
                          STR_ARG(expr->collate.collation));
                error_hint(err, "nocase and noaccent are, also as nocase.noaccent");
                return sql_error_place(err, tree, expr->at);
        case SQL_CONSTANT:
        case SQL_COLUMN_REF:
        case SQL_OPERATOR:
        case SQL_COMPARISON:
        case SQL_CONJUNCTION:
        case SQL_BETWEEN:
        case SQL_CASE:
        case SQL_CAST:
        case SQL_SUBQUERY:
        case SQL_STAR:
        case SQL_LAMBDA:
        case SQL_PARAMETER:
        case SQL_POSITIONAL_REFERENCE:
        case SQL_TEMPLATE:
                return STATUS_OK;
        }
        return STATUS_OK;
}

/* The call of a table function is an expression too, and its name is looked up in another list. */
static Status allow_from(void *context, SqlFrom **place, Error *err) {
        const SqlTree *tree = context;
        const SqlFrom *from = *place;
        if (from->kind != SQL_FROM_FUNCTION)
                return STATUS_OK;
        SqlNames path = from->function.call->function.path;
        if (path.count == 1 && sql_table_function_is_allowed(path.items[0]))
                return STATUS_OK;
        SqlPlace at = from->at.offset != SQL_NOWHERE ? from->at : from->function.call->at;
        return refuse_function(tree, at, "table function", path.items[path.count - 1], err);
}

static SqlVisitor visitor_of(const SqlTree *tree) {
        return (SqlVisitor){ .expr = allow_expr, .from = allow_from, .context = (void *)(uintptr_t)tree };
}

Status sql_allow_query(const SqlTree *tree, const SqlQuery *query, Error *err) {
        SqlVisitor visitor = visitor_of(tree);
        return sql_visit_query((SqlQuery *)(uintptr_t)query, &visitor, err); /* replaces nothing */
}

Status sql_allow_expr(const SqlTree *tree, const SqlExpr *expr, Error *err) {
        SqlVisitor visitor = visitor_of(tree);
        SqlExpr *place = (SqlExpr *)(uintptr_t)expr;
        return sql_visit_expr(&place, &visitor, err);
}
