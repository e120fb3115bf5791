/* SPDX-License-Identifier: Apache-2.0 */
#include "system/pg15.h"

/* clang-format off */
static const Pg15Storage STORAGE[] = {
        { "bool",         'b', NULL },
        { "int2",         'i', "SMALLINT" },
        { "int4",         'i', NULL },
        { "cardinal_number", 'i', NULL },
        { "int8",         'l', NULL },
        { "oid",          'l', "pg_oid" },
        { "xid",          'l', "pg_oid" },
        { "regproc",      'l', "pg_regproc" },
        { "regtype",      'l', "pg_oid" },
        { "float4",       'f', NULL },
        { "float8",       'd', NULL },
        { "timestamptz",  'z', NULL },
        { "time_stamp",   'z', NULL },
        { "name",         't', "pg_name" },
        { "sql_identifier", 't', "pg_name" },
        { "char",         't', "pg_char" },
        { "int2vector",   't', "SMALLINT[]" },
        { "oidvector",    't', "BIGINT[]" },
        { "_oid",         't', "BIGINT[]" },
        { "_regtype",     't', "BIGINT[]" },
        { "_int2",        't', "SMALLINT[]" },
        { "_bool",        't', "BOOLEAN[]" },
        { "_float4",      't', "FLOAT[]" },
        { "_float8",      't', "DOUBLE[]" },
        { "_char",        't', "VARCHAR[]" },
        { "_name",        't', "VARCHAR[]" },
        { "_text",        't', "VARCHAR[]" },
        { "_aclitem",     't', "VARCHAR[]" },
        { "_pg_statistic", 't', "VARCHAR[]" },
        { "anyarray",     't', "VARCHAR[]" },
        { "json",         't', "JSON" }, /* of the schema lode */
};
/* clang-format on */

static const Pg15Storage TEXT_STORAGE = { "text", 't', NULL };

const Pg15Storage *pg15_storage(Str type) {
        for (size_t i = 0; i < COUNT_OF(STORAGE); i++)
                if (str_is(type, STORAGE[i].name))
                        return &STORAGE[i];
        return &TEXT_STORAGE;
}

const Pg15Relation *pg15_relation(Str schema, Str name) {
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++)
                if (str_is(name, PG15_RELATIONS[i].name) && str_is(schema, PG15_RELATIONS[i].schema))
                        return &PG15_RELATIONS[i];
        return NULL;
}

Str pg15_field(const char *row, size_t index) {
        Str rest = str_of(row), field = STR_NONE;
        for (size_t i = 0; i <= index; i++)
                str_cut(rest, '\t', &field, &rest);
        return str_is(field, "\\N") ? STR_NONE : field;
}

int64_t pg15_number(const char *row, size_t index) {
        int64_t number = 0;
        str_to_int64(pg15_field(row, index), &number);
        return number;
}

/* Places in a row of pg_type. */
enum { TYPE_NAME = 1, TYPE_LENGTH = 4, TYPE_BY_VALUE = 5, TYPE_ALIGN = 22,
       TYPE_STORAGE = 23, TYPE_COLLATION = 28 };

void pg15_type_of_row(const char *row, Str *out_name, Pg15Type *out) {
        *out_name = pg15_field(row, TYPE_NAME);
        *out = (Pg15Type){
                .oid = (uint32_t)pg15_number(row, 0),
                .length = (int)pg15_number(row, TYPE_LENGTH),
                .by_value = pg15_field(row, TYPE_BY_VALUE).data[0] == 't',
                .align = pg15_field(row, TYPE_ALIGN).data[0],
                .storage = pg15_field(row, TYPE_STORAGE).data[0],
                .collation = (uint32_t)pg15_number(row, TYPE_COLLATION),
        };
}
