/* SPDX-License-Identifier: Apache-2.0 */
#include "base/type.h"

#include "base/buf.h"

typedef struct TypeRow {
        Str text, iceberg, duckdb;
} TypeRow;

static const TypeRow rows[] = {
#define X(name, text, iceberg, duckdb) { STR(text), STR(iceberg), STR(duckdb) },
        TYPE_TABLE(X)
#undef X
};

/* Other words that the engine prints for the same types. */
static const struct {
        Str text;
        TypeKind kind;
} duckdb_aliases[] = {
        { STR("TIMESTAMPTZ"), TYPE_TIMESTAMPTZ },
        { STR("INT"), TYPE_INT },
        { STR("REAL"), TYPE_FLOAT },
        { STR("STRING"), TYPE_TEXT },
        { STR("BOOL"), TYPE_BOOLEAN },
};

bool type_is_nested(Type type) {
        return type.kind >= TYPE_LIST;
}

/* "(P,S)" with blanks allowed. */
static bool parse_precision(Str s, Type *out) {
        s = str_trim(s);
        if (s.size < 2 || s.data[0] != '(' || s.data[s.size - 1] != ')')
                return false;
        Str first, second;
        int64_t precision, scale = 0;
        bool both = str_cut(str_slice(s, 1, s.size - 1), ',', &first, &second);
        if (!str_to_int64(str_trim(first), &precision) || (both && !str_to_int64(str_trim(second), &scale)))
                return false;
        if (precision < 1 || precision > 38 || scale < 0 || scale > precision)
                return false;
        *out = (Type){ .kind = TYPE_DECIMAL, .precision = (int)precision, .scale = (int)scale };
        return true;
}

/* What other systems call our types: varchar(20) is text. */
static Str same_elsewhere(Str text) {
        static const struct {
                const char *theirs, *ours;
        } names[] = {
                { "string", "text" },       { "varchar", "text" },     { "char", "text" },      { "str", "text" },
                { "integer", "int" },       { "smallint", "int" },     { "int4", "int" },       { "int32", "int" },
                { "long", "bigint" },       { "int8", "bigint" },      { "int64", "bigint" },   { "float", "double" },
                { "real", "double" },       { "float8", "double" },    { "number", "decimal(18,2)" },
                { "numeric", "decimal(18,2)" }, { "money", "decimal(18,2)" }, { "bool", "boolean" },
                { "datetime", "timestamp" }, { "guid", "uuid" },
        };
        Str word = str_slice(text, 0, str_find_byte(text, '('));
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (str_equal_nocase(word, str_of(names[i].theirs)))
                        return str_of(names[i].ours);
        return STR_NONE;
}

Status type_parse(Str text, Type *out, Error *err) {
        text = str_trim(text);
        Str words[TYPE_LIST];
        for (TypeKind kind = 0; kind < TYPE_LIST; kind++) {
                words[kind] = rows[kind].text;
                if (kind != TYPE_DECIMAL && str_equal(text, words[kind])) {
                        *out = (Type){ .kind = kind };
                        return STATUS_OK;
                }
        }
        if (str_starts_with(text, STR("decimal"))) {
                if (parse_precision(str_slice(text, 7, text.size), out))
                        return STATUS_OK;
                error_set(err, STATUS_BAD_VALUE, "'%.*s' is no decimal type", STR_ARG(text));
                return error_hint(err, "write decimal(P,S): P digits in all (1 to 38), S of them after the point");
        }
        error_set(err, STATUS_BAD_VALUE, "'%.*s' is no type", STR_ARG(text));
        Str near = same_elsewhere(text);
        if (near.size == 0)
                near = str_nearest(text, words, COUNT_OF(words));
        if (near.size)
                return error_hint(err, "did you mean '%.*s'?", STR_ARG(near));
        return error_hint(err, "types: boolean, int, bigint, float, double, decimal(P,S), date, time, timestamp, timestamptz, "
                               "uuid, text, binary");
}

/* A name of one word stands bare. */
static void print_name(Buf *out, Str name) {
        bool bare = name.size > 0;
        for (size_t i = 0; i < name.size; i++)
                bare &= !char_is_one_of(name.data[i], " \t,<>()\"'#:");
        if (bare)
                buf_append(out, name);
        else
                buf_append_quoted(out, name, '"');
        buf_append_byte(out, ' ');
}

static void print_project(Buf *out, Type type) {
        buf_append(out, rows[type.kind].text);
        if (type.kind == TYPE_DECIMAL)
                buf_printf(out, "(%d,%d)", type.precision, type.scale);
        if (!type_is_nested(type))
                return;
        buf_append_byte(out, '<');
        for (size_t i = 0; i < type.field_count; i++) {
                if (i)
                        buf_append_cstr(out, ", ");
                if (type.kind == TYPE_STRUCT)
                        print_name(out, type.fields[i].name);
                print_project(out, type.fields[i].type);
        }
        buf_append_byte(out, '>');
}

/* ---- the project's text of nested types ---- */

typedef struct ProjectText {
        Arena *arena;
        Str whole, rest;
        Error *err;
} ProjectText;

static Status parse_project(ProjectText *text, int depth, Type *out);

static void drop_blanks(ProjectText *text) {
        text->rest = str_trim(text->rest);
}

static bool take_mark(ProjectText *text, char mark) {
        drop_blanks(text);
        if (text->rest.size == 0 || text->rest.data[0] != mark)
                return false;
        text->rest = str_slice(text->rest, 1, text->rest.size);
        return true;
}

static Status no_nested_type(ProjectText *text, const char *why) {
        error_set(text->err, STATUS_BAD_VALUE, "'%.*s' is no type: %s", STR_ARG(str_slice(text->whole, 0, 200)), why);
        return error_hint(text->err, "for example list<text>, struct<street text, zip text>, list<struct<sku text, price decimal(12,2)>>");
}

static Status parse_name(ProjectText *text, Str *out) {
        drop_blanks(text);
        bool quoted = take_mark(text, '"');
        char *name = arena_alloc_raw(text->arena, text->rest.size + 1);
        size_t size = 0, at = 0;
        for (; at < text->rest.size; at++) {
                char c = text->rest.data[at];
                if (c == '\0')
                        return no_nested_type(text, "the name of a field has a NUL");
                if (quoted && c == '"' && at + 1 < text->rest.size && text->rest.data[at + 1] == '"')
                        at++;
                else if (quoted ? c == '"' : char_is_one_of(c, " \t,<>()\""))
                        break;
                name[size++] = c;
        }
        if (at == text->rest.size || size == 0 || size > 255)
                return no_nested_type(text, "a field of a struct is a name, a blank and a type");
        text->rest = str_slice(text->rest, at + quoted, text->rest.size);
        *out = (Str){ name, size };
        return STATUS_OK;
}

static Status parse_fields(ProjectText *text, int depth, Type *out) {
        TypeField *fields = NULL;
        size_t count = 0;
        do {
                if (count == TYPE_STRUCT_FIELDS_MAX)
                        return no_nested_type(text, "a struct has at most 1000 fields");
                if ((count & (count - 1)) == 0)
                        fields = arena_grow(text->arena, fields, count * sizeof(*fields), (count ? 2 * count : 1) * sizeof(*fields));
                TypeField *field = &fields[count];
                *field = (TypeField){ .id = 0 };
                TRY(parse_name(text, &field->name));
                drop_blanks(text);
                if (text->rest.size == 0 || char_is_one_of(text->rest.data[0], ",>"))
                        return no_nested_type(text, "a field of a struct is a name, a blank and a type");
                for (size_t i = 0; i < count; i++)
                        if (str_equal_nocase(fields[i].name, field->name))
                                return no_nested_type(text, "two fields of a struct have one name (case does not count)");
                TRY(parse_project(text, depth + 1, &field->type));
                count++;
        } while (take_mark(text, ','));
        *out = (Type){ .kind = TYPE_STRUCT, .fields = fields, .field_count = count };
        return STATUS_OK;
}

static Status parse_flat(ProjectText *text, Type *out) {
        Str rest = text->rest;
        size_t end = 0;
        while (end < rest.size && !char_is_one_of(rest.data[end], " \t,<>") && rest.data[end] != '(')
                end++;
        size_t open = end;
        while (open < rest.size && rest.data[open] == ' ')
                open++;
        if (open < rest.size && rest.data[open] == '(')
                end = str_find_byte(rest, ')') < rest.size ? str_find_byte(rest, ')') + 1 : rest.size;
        text->rest = str_slice(rest, end, rest.size);
        return type_parse(str_slice(rest, 0, end), out, text->err);
}

static Status parse_project(ProjectText *text, int depth, Type *out) {
        drop_blanks(text);
        bool list = str_starts_with(text->rest, STR("list<")), is_struct = str_starts_with(text->rest, STR("struct<"));
        if (!list && !is_struct)
                return parse_flat(text, out);
        if (depth >= TYPE_NESTED_DEPTH_MAX)
                return no_nested_type(text, "more than 8 lists and structs inside each other");
        text->rest = str_slice(text->rest, list ? 5 : 7, text->rest.size);
        if (list) {
                TypeField *element = ARENA_NEW(text->arena, TypeField);
                *element = (TypeField){ .name = STR("element") };
                TRY(parse_project(text, depth + 1, &element->type));
                *out = (Type){ .kind = TYPE_LIST, .fields = element, .field_count = 1 };
        } else {
                TRY(parse_fields(text, depth, out));
        }
        return take_mark(text, '>') ? STATUS_OK : no_nested_type(text, "a > is missing");
}

Status type_parse_nested(Arena *arena, Str text, Type *out, Error *err) {
        ProjectText state = { arena, str_trim(text), str_trim(text), err };
        Type type;
        TRY(parse_project(&state, 0, &type));
        drop_blanks(&state);
        if (state.rest.size > 0)
                return no_nested_type(&state, "something stands behind it");
        *out = type;
        return STATUS_OK;
}

size_t type_text_size(Str text) {
        size_t at = 0, depth = 0;
        bool quoted = false;
        for (; at < text.size; at++) {
                char c = text.data[at];
                if (c == '"')
                        quoted = !quoted;
                if (quoted)
                        continue;
                if (c == ' ' && depth == 0) {
                        size_t next = at;
                        while (next < text.size && text.data[next] == ' ')
                                next++;
                        if (next == text.size || text.data[next] != '(')
                                return at;
                }
                depth += c == '<' || c == '(';
                if ((c == '>' || c == ')') && depth > 0 && --depth == 0)
                        return at + 1;
        }
        return text.size;
}

Type type_copy(Arena *arena, Type type) {
        TypeField *fields = type.field_count ? ARENA_ARRAY(arena, TypeField, type.field_count) : NULL;
        for (size_t i = 0; i < type.field_count; i++) {
                fields[i] = type.fields[i];
                fields[i].name = arena_str(arena, fields[i].name);
                fields[i].type = type_copy(arena, fields[i].type);
        }
        type.fields = fields;
        return type;
}

Str type_print(Arena *arena, Type type) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        print_project(&out, type);
        return buf_dup(&out, arena);
}

Str type_print_iceberg(Arena *arena, Type type) {
        if (type.kind == TYPE_DECIMAL)
                return arena_strf(arena, "decimal(%d, %d)", type.precision, type.scale);
        return rows[type.kind].iceberg;
}

bool type_parse_iceberg(Str text, Type *out) {
        text = str_trim(text);
        for (TypeKind kind = 0; kind < TYPE_LIST; kind++) {
                if (kind != TYPE_DECIMAL && str_equal(text, rows[kind].iceberg)) {
                        *out = (Type){ .kind = kind };
                        return true;
                }
        }
        return str_starts_with(text, STR("decimal")) && parse_precision(str_slice(text, 7, text.size), out);
}

static void print_duckdb(Buf *out, Type type) {
        if (type.kind == TYPE_LIST) {
                print_duckdb(out, type.fields[0].type);
                buf_append_cstr(out, "[]");
                return;
        }
        buf_append(out, rows[type.kind].duckdb);
        if (type.kind == TYPE_DECIMAL)
                buf_printf(out, "(%d,%d)", type.precision, type.scale);
        if (!type_is_nested(type))
                return;
        buf_append_byte(out, '(');
        for (size_t i = 0; i < type.field_count; i++) {
                if (i)
                        buf_append_cstr(out, ", ");
                if (type.kind == TYPE_STRUCT) {
                        buf_append_quoted(out, type.fields[i].name, '"');
                        buf_append_byte(out, ' ');
                }
                print_duckdb(out, type.fields[i].type);
        }
        buf_append_byte(out, ')');
}

Str type_print_duckdb(Arena *arena, Type type) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        print_duckdb(&out, type);
        return buf_dup(&out, arena);
}

/* ---- the engine's type text, by recursive descent with a depth limit ---- */

#define TYPE_DEPTH 32
#define TYPE_FIELDS 1000

typedef struct TypeText {
        Arena *arena;
        Str rest;
} TypeText;

static bool parse_type(TypeText *text, int depth, Type *out);

static void skip_blanks(TypeText *text) {
        while (text->rest.size && text->rest.data[0] == ' ')
                text->rest = str_slice(text->rest, 1, text->rest.size);
}

static bool take(TypeText *text, char c) {
        skip_blanks(text);
        if (!text->rest.size || text->rest.data[0] != c)
                return false;
        text->rest = str_slice(text->rest, 1, text->rest.size);
        return true;
}

static bool parse_identifier(TypeText *text, Str *out) {
        skip_blanks(text);
        if (!take(text, '"')) {
                size_t size = 0;
                while (size < text->rest.size && text->rest.data[size] != ' ' && text->rest.data[size] != ')')
                        size++;
                *out = arena_str(text->arena, str_slice(text->rest, 0, size));
                text->rest = str_slice(text->rest, size, text->rest.size);
                return size > 0;
        }
        char *name = arena_alloc_raw(text->arena, text->rest.size + 1);
        size_t size = 0, at = 0;
        for (; at < text->rest.size; at++) {
                if (text->rest.data[at] == '"') {
                        if (at + 1 >= text->rest.size || text->rest.data[at + 1] != '"')
                                break;
                        at++;
                }
                name[size++] = text->rest.data[at];
        }
        if (at >= text->rest.size)
                return false;
        text->rest = str_slice(text->rest, at + 1, text->rest.size);
        *out = (Str){ name, size };
        return true;
}

static bool parse_struct(TypeText *text, int depth, Type *out) {
        if (!take(text, '('))
                return false;
        TypeField *fields = ARENA_ARRAY(text->arena, TypeField, 8);
        size_t count = 0, capacity = 8;
        do {
                if (count == TYPE_FIELDS)
                        return false;
                if (count == capacity) {
                        fields = arena_grow(text->arena, fields, count * sizeof(*fields), 2 * count * sizeof(*fields));
                        capacity *= 2;
                }
                fields[count] = (TypeField){ 0 };
                if (!parse_identifier(text, &fields[count].name) || !parse_type(text, depth + 1, &fields[count].type))
                        return false;
                count++;
        } while (take(text, ','));
        *out = (Type){ .kind = TYPE_STRUCT, .fields = fields, .field_count = count };
        return take(text, ')');
}

static bool parse_map(TypeText *text, int depth, Type *out) {
        TypeField *fields = ARENA_ARRAY(text->arena, TypeField, 2);
        fields[0].name = STR("key");
        fields[0].required = true;
        fields[1].name = STR("value");
        *out = (Type){ .kind = TYPE_MAP, .fields = fields, .field_count = 2 };
        return take(text, '(') && parse_type(text, depth + 1, &fields[0].type) && take(text, ',') &&
               parse_type(text, depth + 1, &fields[1].type) && take(text, ')');
}

static bool parse_word(Str word, Type *out) {
        for (TypeKind kind = 0; kind < TYPE_LIST; kind++) {
                if (kind != TYPE_DECIMAL && str_equal_nocase(word, rows[kind].duckdb)) {
                        *out = (Type){ .kind = kind };
                        return true;
                }
        }
        for (size_t i = 0; i < COUNT_OF(duckdb_aliases); i++) {
                if (str_equal_nocase(word, duckdb_aliases[i].text)) {
                        *out = (Type){ .kind = duckdb_aliases[i].kind };
                        return true;
                }
        }
        return false;
}

static bool parse_plain(TypeText *text, int depth, Type *out) {
        size_t size = 0;
        while (size < text->rest.size && !char_is_one_of(text->rest.data[size], "(),[]"))
                size++;
        Str word = str_trim(str_slice(text->rest, 0, size));
        text->rest = str_slice(text->rest, size, text->rest.size);
        if (str_equal_nocase(word, STR("STRUCT")))
                return parse_struct(text, depth, out);
        if (str_equal_nocase(word, STR("MAP")))
                return parse_map(text, depth, out);
        if (!str_equal_nocase(word, STR("DECIMAL")) && !str_equal_nocase(word, STR("NUMERIC")))
                return parse_word(word, out);
        size_t close = str_find_byte(text->rest, ')');
        bool ok = close < text->rest.size && parse_precision(str_slice(text->rest, 0, close + 1), out);
        text->rest = str_slice(text->rest, close + 1, text->rest.size);
        return ok;
}

static bool parse_type(TypeText *text, int depth, Type *out) {
        if (depth > TYPE_DEPTH)
                return false;
        skip_blanks(text);
        if (!parse_plain(text, depth, out))
                return false;
        while (take(text, '[')) {
                if (!take(text, ']') || ++depth > TYPE_DEPTH)
                        return false;
                TypeField *element = ARENA_NEW(text->arena, TypeField);
                *element = (TypeField){ .name = STR("element"), .type = *out };
                *out = (Type){ .kind = TYPE_LIST, .fields = element, .field_count = 1 };
        }
        return true;
}

bool type_parse_duckdb(Arena *arena, Str text, Type *out) {
        TypeText state = { arena, text };
        Type type;
        if (!parse_type(&state, 0, &type) || str_trim(state.rest).size)
                return false;
        *out = type;
        return true;
}

bool type_equal(Type a, Type b) {
        if (a.kind != b.kind || a.precision != b.precision || a.scale != b.scale || a.field_count != b.field_count)
                return false;
        for (size_t i = 0; i < a.field_count; i++) {
                const TypeField *x = &a.fields[i], *y = &b.fields[i];
                if (x->id != y->id || x->required != y->required || !str_equal(x->name, y->name) ||
                    !type_equal(x->type, y->type))
                        return false;
        }
        return true;
}

bool type_same(Type a, Type b) {
        bool same = a.kind == b.kind && a.precision == b.precision && a.scale == b.scale && a.field_count == b.field_count;
        for (size_t i = 0; i < a.field_count && same; i++)
                same = str_equal(a.fields[i].name, b.fields[i].name) && type_same(a.fields[i].type, b.fields[i].type);
        return same;
}
