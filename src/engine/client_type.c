/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/client_type.h"

#define NUMERIC_MODIFIER(precision, scale) (((int32_t)(precision) << 16 | (int32_t)(scale)) + 4)

/* clang-format off */
static const struct {
        const char *engine;
        ClientType type;
} TYPES[] = {
        { "BOOLEAN",                  { OID_BOOL,        1000, 1,  -1 } },
        { "TINYINT",                  { OID_INT2,        1005, 2,  -1 } },
        { "SMALLINT",                 { OID_INT2,        1005, 2,  -1 } },
        { "UTINYINT",                 { OID_INT2,        1005, 2,  -1 } },
        { "INTEGER",                  { OID_INT4,        1007, 4,  -1 } },
        { "USMALLINT",                { OID_INT4,        1007, 4,  -1 } },
        { "BIGINT",                   { OID_INT8,        1016, 8,  -1 } },
        { "UINTEGER",                 { OID_INT8,        1016, 8,  -1 } },
        { "UBIGINT",                  { OID_NUMERIC,     1231, -1, -1 } },
        { "HUGEINT",                  { OID_NUMERIC,     1231, -1, -1 } },
        { "UHUGEINT",                 { OID_NUMERIC,     1231, -1, -1 } },
        { "DECIMAL",                  { OID_NUMERIC,     1231, -1, -1 } },
        { "FLOAT",                    { OID_FLOAT4,      1021, 4,  -1 } },
        { "DOUBLE",                   { OID_FLOAT8,      1022, 8,  -1 } },
        { "DATE",                     { OID_DATE,        1182, 4,  -1 } },
        { "TIME",                     { OID_TIME,        1183, 8,  -1 } },
        { "TIME WITH TIME ZONE",      { OID_TIMETZ,      1270, 12, -1 } },
        { "TIMESTAMP",                { OID_TIMESTAMP,   1115, 8,  -1 } },
        { "TIMESTAMP_S",              { OID_TIMESTAMP,   1115, 8,  -1 } },
        { "TIMESTAMP_MS",             { OID_TIMESTAMP,   1115, 8,  -1 } },
        { "TIMESTAMP_NS",             { OID_TIMESTAMP,   1115, 8,  -1 } },
        { "TIMESTAMP WITH TIME ZONE", { OID_TIMESTAMPTZ, 1185, 8,  -1 } },
        { "INTERVAL",                 { OID_INTERVAL,    1187, 16, -1 } },
        { "UUID",                     { OID_UUID,        2951, 16, -1 } },
        { "VARCHAR",                  { OID_TEXT,        1009, -1, -1 } },
        { "ENUM",                     { OID_TEXT,        1009, -1, -1 } },
        { "JSON",                     { OID_JSON,        199,  -1, -1 } },
        { "BLOB",                     { OID_BYTEA,       1001, -1, -1 } },
        { "BIT",                      { OID_VARBIT,      1563, -1, -1 } },
        /* of PostgreSQL's catalog: worker/catalog_types.c defines them */
        { "pg_oid",                   { OID_OID,         1028, 4,  -1 } },
        { "pg_regproc",               { OID_REGPROC,     1008, 4,  -1 } },
        { "pg_name",                  { OID_NAME,        1003, 64, -1 } },
        { "pg_char",                  { OID_CHAR,        1002, 1,  -1 } },
        { "pg_int2vector",            { OID_INT2VECTOR,  1006, -1, -1 } },
        { "pg_oidvector",             { OID_OIDVECTOR,   1013, -1, -1 } },
};
/* clang-format on */

#define TYPE_COUNT (sizeof(TYPES) / sizeof(TYPES[0]))

static const ClientType AS_TEXT = { OID_TEXT, 1009, -1, -1 };
static const ClientType AS_JSON = { OID_JSON, 0, -1, -1 };

/* "(12,2)" */
static bool read_decimal(Str text, int64_t *precision, int64_t *scale) {
        Str first, second;
        return text.size > 2 && str_cut(str_slice(text, 1, text.size - 1), ',', &first, &second) && str_to_int64(str_trim(first), precision) &&
               str_to_int64(str_trim(second), scale);
}

static ClientType flat_type(Str name) {
        Str word = str_slice(name, 0, str_find_byte(name, '('));
        int64_t precision, scale;
        for (size_t i = 0; i < TYPE_COUNT; i++) {
                if (!str_is(word, TYPES[i].engine))
                        continue;
                ClientType type = TYPES[i].type;
                if (str_is(word, "DECIMAL") && read_decimal(str_slice(name, word.size, name.size), &precision, &scale))
                        type.modifier = NUMERIC_MODIFIER(precision, scale);
                return type;
        }
        return str_is(word, "STRUCT") || str_is(word, "MAP") || str_is(word, "UNION") ? AS_JSON : AS_TEXT;
}

ClientType client_type_of(Str engine_type) {
        if (!str_ends_with(engine_type, STR("]")))
                return flat_type(engine_type);
        size_t open = engine_type.size - 1;
        while (open > 0 && engine_type.data[open] != '[')
                open--;
        Str inner = str_slice(engine_type, 0, open);
        if (str_ends_with(inner, STR("]")))
                return AS_JSON;
        ClientType element = flat_type(inner);
        if (element.array == 0)
                return AS_JSON;
        return (ClientType){ element.array, 0, -1, element.modifier };
}

uint32_t client_type_vector(uint32_t oid) {
        return oid == OID_INT2VECTOR ? OID_INT2 : oid == OID_OIDVECTOR ? OID_OID : 0;
}

uint32_t client_type_element(uint32_t array) {
        for (size_t i = 0; i < TYPE_COUNT; i++)
                if (TYPES[i].type.array == array)
                        return TYPES[i].type.oid;
        return 0;
}
