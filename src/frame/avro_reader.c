/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes are decompressed, if the whole file is packed, into a buffer that holds the header, then one block at a time.
 * The schema is made into a plan once: which of its nodes is which column. Each record is then read along the plan.
 */
#include "frame/avro_reader.h"

#include "base/json.h"
#include "base/reason.h"
#include "frame/decompress.h"
#include "frame/json_tree.h"
#include "frame/typed.h"
#include "iceberg/avro.h"

#define SYNC_SIZE 16u
#define HEADER_MAX (16u << 20)
#define READ_STEP (256u << 10)
#define JSON_LEVELS 64 /* of values inside each other that are written as JSON */

/* How a scalar of the file is read. */
typedef enum Meaning {
        MEANS_NULL,
        MEANS_BOOLEAN,
        MEANS_INTEGER,
        MEANS_FLOAT,
        MEANS_DOUBLE,
        MEANS_TEXT,
        MEANS_SYMBOL,
        MEANS_BYTES,
        MEANS_DECIMAL,
        MEANS_DATE,
        MEANS_TIME,
        MEANS_MOMENT, /* with a column of timestamptz: in UTC */
        MEANS_UUID,
        MEANS_DURATION,
        MEANS_NESTED, /* no scalar */
} Meaning;

/* What becomes of a node: columns below it, or one column. */
typedef struct Plan {
        const AvroNode *node;
        size_t column;         /* NO_COLUMN: a record, whose fields are columns */
        struct Plan *fields;
} Plan;

#define NO_COLUMN SIZE_MAX

typedef struct AvroState {
        Input *input;
        Arena arena;       /* of the file: schema and plan */
        Arena block_arena; /* of the block */
        Format format;
        ReaderOptions options;
        Buf buffer; /* bytes of the file from `offset` on */
        size_t at;  /* of them, taken */
        uint64_t offset;
        bool ended;
        Str codec;
        char sync[SYNC_SIZE];
        Plan root;
        VEC(TypedColumn) columns;
        int64_t block; /* its number, from 1, and place */
        uint64_t block_at;
        uint64_t unpacked; /* bytes of all blocks so far */
        int64_t left; /* records of it */
        Cursor cursor;
        TypedBatch batch;
        Buf json;
} AvroState;

/* --- types --- */

static Meaning meaning_of(const AvroNode *node, Type *out, int64_t *per_second) {
        static const struct {
                AvroKind kind;
                const char *logical;
                Meaning meaning;
                TypeKind type;
                int64_t per_second;
        } logicals[] = {
                { AVRO_INT, "date", MEANS_DATE, TYPE_DATE, 0 },
                { AVRO_INT, "time-millis", MEANS_TIME, TYPE_TIME, 1000 },
                { AVRO_LONG, "time-micros", MEANS_TIME, TYPE_TIME, 1000000 },
                { AVRO_LONG, "timestamp-millis", MEANS_MOMENT, TYPE_TIMESTAMPTZ, 1000 },
                { AVRO_LONG, "timestamp-micros", MEANS_MOMENT, TYPE_TIMESTAMPTZ, 1000000 },
                { AVRO_LONG, "timestamp-nanos", MEANS_MOMENT, TYPE_TIMESTAMPTZ, 1000000000 },
                { AVRO_LONG, "local-timestamp-millis", MEANS_MOMENT, TYPE_TIMESTAMP, 1000 },
                { AVRO_LONG, "local-timestamp-micros", MEANS_MOMENT, TYPE_TIMESTAMP, 1000000 },
                { AVRO_LONG, "local-timestamp-nanos", MEANS_MOMENT, TYPE_TIMESTAMP, 1000000000 },
                { AVRO_STRING, "uuid", MEANS_UUID, TYPE_UUID, 0 },
                { AVRO_FIXED, "uuid", MEANS_UUID, TYPE_UUID, 0 },
                { AVRO_FIXED, "duration", MEANS_DURATION, TYPE_TEXT, 0 },
        };
        static const struct {
                Meaning meaning;
                TypeKind type;
        } plain[] = {
                [AVRO_NULL] = { MEANS_NULL, TYPE_TEXT },       [AVRO_BOOLEAN] = { MEANS_BOOLEAN, TYPE_BOOLEAN },
                [AVRO_INT] = { MEANS_INTEGER, TYPE_INT },      [AVRO_LONG] = { MEANS_INTEGER, TYPE_BIGINT },
                [AVRO_FLOAT] = { MEANS_FLOAT, TYPE_FLOAT },    [AVRO_DOUBLE] = { MEANS_DOUBLE, TYPE_DOUBLE },
                [AVRO_BYTES] = { MEANS_BYTES, TYPE_BINARY },   [AVRO_STRING] = { MEANS_TEXT, TYPE_TEXT },
                [AVRO_FIXED] = { MEANS_BYTES, TYPE_BINARY },   [AVRO_ENUM] = { MEANS_SYMBOL, TYPE_TEXT },
                [AVRO_RECORD] = { MEANS_NESTED, TYPE_TEXT },   [AVRO_ARRAY] = { MEANS_NESTED, TYPE_TEXT },
                [AVRO_MAP] = { MEANS_NESTED, TYPE_TEXT },      [AVRO_UNION] = { MEANS_NESTED, TYPE_TEXT },
        };
        bool is_decimal = str_is(node->logical, "decimal") && (node->kind == AVRO_BYTES || node->kind == AVRO_FIXED) && node->precision >= 1 &&
                          node->scale >= 0 && node->scale <= node->precision && node->scale <= 38;
        if (is_decimal) {
                *out = (Type){ .kind = TYPE_DECIMAL, .precision = node->precision > 38 ? 38 : node->precision, .scale = node->scale };
                return MEANS_DECIMAL;
        }
        for (size_t i = 0; i < COUNT_OF(logicals); i++) {
                if (logicals[i].kind != node->kind || !str_is(node->logical, logicals[i].logical))
                        continue;
                int size = logicals[i].meaning == MEANS_UUID ? 16 : 12;
                if (node->kind == AVRO_FIXED && node->size != size)
                        break; /* the logical type does not hold, says the specification */
                *out = (Type){ .kind = logicals[i].type };
                *per_second = logicals[i].per_second;
                return logicals[i].meaning;
        }
        *out = (Type){ .kind = plain[node->kind].type };
        return plain[node->kind].meaning;
}

/* The one branch beside null; NULL: there are none, or several. */
static const AvroNode *only_branch(const AvroNode *node) {
        const AvroNode *only = node->kind == AVRO_UNION ? NULL : node;
        size_t others = 0;
        for (size_t i = 0; node->kind == AVRO_UNION && i < node->count; i++) {
                if (node->branches[i]->kind == AVRO_NULL)
                        continue;
                only = node->branches[i];
                others++;
        }
        return others > 1 ? NULL : only;
}

/* Of a union of several: int and long are a long, with float or double (and no long) a double, all else is text. */
static Type type_of_union(const AvroNode *node) {
        bool has_long = false, has_float = false, all_numbers = true;
        for (size_t i = 0; i < node->count; i++) {
                Type type;
                int64_t unused;
                Meaning meaning = meaning_of(node->branches[i], &type, &unused);
                has_long |= meaning == MEANS_INTEGER && type.kind == TYPE_BIGINT;
                has_float |= meaning == MEANS_FLOAT || meaning == MEANS_DOUBLE;
                all_numbers &= meaning == MEANS_INTEGER || meaning == MEANS_FLOAT || meaning == MEANS_DOUBLE || meaning == MEANS_NULL;
        }
        if (!all_numbers || (has_float && has_long))
                return (Type){ .kind = TYPE_TEXT };
        return (Type){ .kind = has_float ? TYPE_DOUBLE : TYPE_BIGINT };
}

/* --- the plan --- */

typedef struct Planning {
        AvroState *state;
        Map whole, inside; /* as in json_tree.c */
        const AvroNode *above[JSON_FLATTEN_MAX];
        Error *err;
} Planning;

static bool is_flattened(const Planning *planning, const AvroNode *node, Str path, size_t depth) {
        if (!node || node->kind != AVRO_RECORD || node->count == 0 || depth == JSON_FLATTEN_MAX)
                return false;
        for (size_t i = 0; i < depth; i++)
                if (planning->above[i] == node)
                        return false;
        return !map_has(&planning->whole, path) || map_has(&planning->inside, path);
}

static TypedColumn column_of(const AvroState *state, const AvroNode *node, const AvroNode *only, Str path) {
        TypedColumn column = { .key = path, .type = { .kind = TYPE_TEXT } };
        int64_t per_second = 0;
        Meaning meaning = only ? meaning_of(only, &column.type, &per_second) : MEANS_NULL;
        if (!only && node->count > 1) {
                column.type = type_of_union(node);
                if (column.type.kind == TYPE_TEXT) {
                        column.doubt = "the file has values of several types in it";
                        column.assumed = "text";
                }
        }
        if (meaning == MEANS_BYTES && typed_is_text(state->options.texts, path))
                column.type.kind = TYPE_TEXT;
        if (meaning == MEANS_NESTED) {
                column.doubt = "lists or objects";
                column.assumed = "JSON text";
        }
        if (meaning == MEANS_MOMENT && per_second > 1000000) {
                column.doubt = "the file counts nanoseconds";
                column.assumed = "microseconds; a record with a finer time goes to quarantine";
        }
        return column;
}

static Status add_column(Planning *planning, Plan *plan, TypedColumn column) {
        AvroState *state = planning->state;
        if (state->columns.count == FORMAT_COLUMNS_MAX)
                return error_reason(planning->err, SCHEMA_LIMIT, reason_number(FORMAT_COLUMNS_MAX));
        plan->column = state->columns.count;
        vec_push(&state->arena, &state->columns, column);
        return STATUS_OK;
}

static Status make_plan(Planning *planning, const AvroNode *node, Str path, size_t depth, Plan *out) {
        const AvroNode *only = only_branch(node);
        *out = (Plan){ .node = node, .column = NO_COLUMN };
        if (!is_flattened(planning, only, path, depth))
                return add_column(planning, out, column_of(planning->state, node, only, path));
        planning->above[depth] = only;
        out->fields = ARENA_ARRAY(&planning->state->arena, Plan, only->count);
        for (size_t i = 0; i < only->count; i++) {
                Str below = json_path_below(&planning->state->arena, path, only->fields[i].name);
                TRY(make_plan(planning, only->fields[i].type, below, depth + 1, &out->fields[i]));
        }
        return STATUS_OK;
}

static Status plan_columns(AvroState *state, const AvroNode *schema, Error *err) {
        Planning planning = { .state = state, .err = err };
        map_init(&planning.whole, &state->arena);
        map_init(&planning.inside, &state->arena);
        json_paths_note(state->options.names, &planning.whole, &planning.inside);
        bool is_record = schema->kind == AVRO_RECORD && schema->count > 0;
        TRY(make_plan(&planning, schema, is_record ? STR_NONE : STR("value"), 0, &state->root));
        typed_start_file(&state->batch, state->columns.items, state->columns.count);
        return STATUS_OK;
}

/* --- bytes --- */

static size_t held_bytes(const AvroState *state) {
        return state->buffer.size - state->at;
}

/* So many bytes from `at` on, unless the file ends before. */
static Status fill(AvroState *state, size_t wanted, Error *err) {
        if (state->at > 0 && (held_bytes(state) < wanted || state->at > READ_STEP)) {
                memmove(state->buffer.data, state->buffer.data + state->at, held_bytes(state));
                state->offset += state->at;
                state->buffer.size -= state->at;
                state->at = 0;
        }
        while (!state->ended && held_bytes(state) < wanted) {
                size_t step = wanted - held_bytes(state) < READ_STEP ? READ_STEP : wanted - held_bytes(state), got;
                step = step > 4 * READ_STEP ? 4 * READ_STEP : step; /* a size is believed as bytes come */
                TRY(input_read(state->input, buf_reserve(&state->buffer, step), step, &got, err));
                buf_added(&state->buffer, got);
                state->ended = got < step;
        }
        return STATUS_OK;
}

static Str rest(const AvroState *state) {
        return str_slice(buf_view(&state->buffer), state->at, state->buffer.size);
}

/* False: the bytes end too early. */
static bool read_header(AvroState *state, Str bytes, Str *out_schema) {
        Cursor cursor = cursor_of(str_slice(bytes, AVRO_MAGIC.size, bytes.size));
        for (int64_t left = avro_items(&cursor); left > 0; left = avro_items(&cursor)) {
                for (; left > 0 && !cursor.failed; left--) {
                        Str key = avro_bytes(&cursor), value = avro_bytes(&cursor);
                        if (str_is(key, "avro.schema"))
                                *out_schema = value;
                        else if (str_is(key, "avro.codec"))
                                state->codec = value;
                }
        }
        Str sync = cursor_bytes(&cursor, SYNC_SIZE);
        if (cursor.failed)
                return false;
        memcpy(state->sync, sync.data, SYNC_SIZE);
        state->at = (size_t)((const char *)cursor.at - state->buffer.data);
        return true;
}

/* Codecs that no manifest has, and whose libraries the room of Iceberg therefore does not know. */
static const Codec *codec_of_files(Str name) {
        static const char *const names[] = { "bzip2", "xz" };
        for (size_t i = 0; i < COUNT_OF(names); i++)
                for (size_t k = 0; k < CODEC_COUNT && str_is(name, names[i]); k++)
                        if (strcmp(codecs[k].name, names[i]) == 0)
                                return &codecs[k];
        return NULL;
}

static bool codec_is_known(Str codec) {
        static const char *const known[] = { "", "null", "deflate", "snappy", "zstandard" };
        for (size_t i = 0; i < COUNT_OF(known); i++)
                if (str_is(codec, known[i]))
                        return true;
        return codec_of_files(codec) != NULL;
}

static Status start_file(AvroState *state, Error *err) {
        Str schema = STR_NONE;
        AvroNode *node;
        Error why = { 0 };
        TRY(fill(state, READ_STEP, err));
        if (!str_starts_with(rest(state), AVRO_MAGIC))
                return error_reason(err, AVRO_NOT);
        while (!read_header(state, rest(state), &schema)) {
                if (state->ended || held_bytes(state) > HEADER_MAX)
                        return error_reason(err, AVRO_HEADER);
                TRY(fill(state, 2 * held_bytes(state), err));
        }
        state->codec = arena_str(&state->arena, state->codec);
        if (!codec_is_known(state->codec))
                return error_reason(err, AVRO_CODEC, reason_text(str_slice(state->codec, 0, 40)));
        Status status = avro_schema_parse(arena_str(&state->arena, schema), NULL, &state->arena, &node, &why);
        if (status == STATUS_LIMIT)
                return error_reason(err, SCHEMA_LIMIT, reason_number(FORMAT_COLUMNS_MAX));
        if (status != STATUS_OK)
                return error_reason(err, AVRO_HEADER);
        return plan_columns(state, node, err);
}

/* --- blocks --- */

static Status bad_block(const AvroState *state, Error *err) {
        return error_reason(err, AVRO_BLOCK, reason_number(state->block), reason_number((int64_t)state->block_at));
}

/* At the end of what is only the beginning of a file, half a block is no fault. */
static Status cut_block(AvroState *state, bool *out_end, Error *err) {
        *out_end = true;
        return state->options.sample ? STATUS_OK : bad_block(state, err);
}

/* To where the codec ends, which must be where the block does. */
static AvroUnpacked unpack_stream(const Codec *codec, void *coder, Str packed, Arena *arena, Str *out) {
        CodecBytes bytes = { .in = (const uint8_t *)packed.data, .in_size = packed.size };
        char *data = NULL;
        size_t capacity = 0;
        CodecStep step = CODEC_MORE;
        while (step == CODEC_MORE) {
                if (bytes.out_size == 0) {
                        size_t wanted = capacity ? 2 * capacity : READ_STEP;
                        if (capacity > AVRO_BLOCK_MAX)
                                return AVRO_TOO_BIG;
                        wanted = wanted > AVRO_BLOCK_MAX ? AVRO_BLOCK_MAX + 1 : wanted;
                        data = arena_grow(arena, data, capacity, wanted);
                        bytes.out = (uint8_t *)data + capacity;
                        bytes.out_size = wanted - capacity;
                        capacity = wanted;
                }
                size_t before = bytes.in_size + bytes.out_size;
                step = codec->step(coder, &bytes);
                if (step == CODEC_MORE && bytes.in_size + bytes.out_size == before)
                        return AVRO_BROKEN;
        }
        *out = (Str){ data, capacity - bytes.out_size };
        if (step == CODEC_TOO_LARGE || out->size > AVRO_BLOCK_MAX)
                return AVRO_TOO_BIG;
        return step == CODEC_END && bytes.in_size == 0 ? AVRO_UNPACKED : AVRO_BROKEN;
}

static AvroUnpacked unpack_block(AvroState *state, Str packed, Str *out) {
        const Codec *codec = codec_of_files(state->codec);
        void *coder = NULL;
        if (!codec)
                return avro_unpack(state->codec, packed, AVRO_BLOCK_MAX, &state->block_arena, out);
        AvroUnpacked unpacked = codec->start(&coder) ? unpack_stream(codec, coder, packed, &state->block_arena, out) : AVRO_BROKEN;
        codec->free(coder);
        return unpacked;
}

static Status read_block(AvroState *state, bool *out_end, Error *err) {
        TRY(fill(state, 32, err));
        state->block++;
        state->block_at = state->offset + state->at;
        *out_end = held_bytes(state) == 0;
        if (*out_end)
                return STATUS_OK;
        Cursor cursor = cursor_of(rest(state));
        int64_t records = avro_long(&cursor), size = avro_long(&cursor);
        if (cursor.failed)
                return state->ended ? cut_block(state, out_end, err) : bad_block(state, err);
        if (records < 0 || size < 0)
                return bad_block(state, err);
        if (size > (int64_t)AVRO_BLOCK_MAX)
                return error_reason(err, AVRO_SIZE, reason_number(state->block), reason_number((int64_t)state->block_at), reason_number(AVRO_BLOCK_MAX >> 20));
        state->at += (size_t)(cursor.at - (const uint8_t *)rest(state).data);
        TRY(fill(state, (size_t)size + SYNC_SIZE, err));
        if (held_bytes(state) < (size_t)size + SYNC_SIZE)
                return cut_block(state, out_end, err);
        Str packed = str_slice(rest(state), 0, (size_t)size), block;
        if (memcmp(packed.data + size, state->sync, SYNC_SIZE) != 0)
                return bad_block(state, err);
        state->at += (size_t)size + SYNC_SIZE;
        arena_reset(&state->block_arena);
        AvroUnpacked unpacked = unpack_block(state, packed, &block);
        if (unpacked == AVRO_TOO_BIG)
                return error_reason(err, AVRO_SIZE, reason_number(state->block), reason_number((int64_t)state->block_at), reason_number(AVRO_BLOCK_MAX >> 20));
        /* A record that takes no byte holds nothing, and so may they all. */
        if (unpacked != AVRO_UNPACKED || (uint64_t)records > block.size)
                return bad_block(state, err);
        state->unpacked += block.size;
        if (input_is_bomb(input_read_raw(state->input), state->unpacked))
                return error_reason(err, PACKED_BOMB, reason_number(INPUT_BOMB_RATIO), reason_number(INPUT_BOMB_BYTES >> 30));
        state->cursor = cursor_of(block);
        state->left = records;
        return STATUS_OK;
}

/* --- values --- */

static void fail(AvroState *state) {
        state->cursor.failed = true;
        state->cursor.at = state->cursor.end;
}

static bool uuid_of_text(Str text, uint8_t out[16]) {
        size_t digits = 0;
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i], small = (char)(c | 0x20);
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;
                if (dash != (c == '-'))
                        return false;
                if (dash)
                        continue;
                int digit = c >= '0' && c <= '9' ? c - '0' : small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
                if (digit < 0 || digits == 32)
                        return false;
                out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | digit : digit << 4);
                digits++;
        }
        return digits == 32;
}

static float float_of(Str bytes) {
        float value = 0;
        if (bytes.size == sizeof(value))
                memcpy(&value, bytes.data, sizeof(value));
        return value;
}

static int64_t take_integer(AvroState *state, const AvroNode *node) {
        int64_t value = avro_long(&state->cursor);
        if (node->kind == AVRO_INT && (value < INT32_MIN || value > INT32_MAX))
                fail(state);
        return value;
}

static Str take_bytes(AvroState *state, const AvroNode *node) {
        return node->kind == AVRO_FIXED ? cursor_bytes(&state->cursor, (size_t)node->size) : avro_bytes(&state->cursor);
}

static Str take_symbol(AvroState *state, const AvroNode *node) {
        int64_t index = avro_long(&state->cursor);
        if (index >= 0 && (uint64_t)index < node->count)
                return node->symbols[index];
        fail(state);
        return STR("");
}

/* One scalar into a vector, of the type that meaning_of() gave; *out_exact: what it says where a rule is broken. */
static Rule take_scalar(AvroState *state, const AvroNode *node, Vector *out, size_t row, Str *out_exact) {
        Arena *arena = &state->batch.arena;
        Type type;
        int64_t per_second = 0, integer;
        Meaning meaning = meaning_of(node, &type, &per_second);
        Str bytes;
        Rule rule = RULE_NONE;
        switch (meaning) {
        case MEANS_BOOLEAN:
                out->int64s[row] = cursor_u8(&state->cursor) != 0;
                break;
        case MEANS_INTEGER:
                out->int64s[row] = take_integer(state, node);
                break;
        case MEANS_FLOAT:
                out->numbers[row] = (double)float_of(cursor_bytes(&state->cursor, sizeof(float)));
                break;
        case MEANS_DOUBLE:
                out->numbers[row] = cursor_f64(&state->cursor);
                break;
        case MEANS_DATE:
                integer = take_integer(state, node);
                rule = typed_date(integer, out, row);
                if (rule != RULE_NONE)
                        *out_exact = arena_strf(arena, "%lld days since 1970", (long long)integer);
                return rule;
        case MEANS_TIME:
                integer = take_integer(state, node);
                rule = typed_time(integer, per_second, out, row);
                if (rule != RULE_NONE)
                        *out_exact = typed_print_time(arena, integer, per_second);
                return rule;
        case MEANS_MOMENT:
                integer = take_integer(state, node);
                rule = typed_moment(integer, per_second, out, row);
                if (rule != RULE_NONE)
                        *out_exact = typed_print_moment(arena, integer, per_second, type.kind == TYPE_TIMESTAMPTZ);
                return rule;
        case MEANS_DECIMAL:
                bytes = take_bytes(state, node);
                rule = typed_decimal(bytes, type, out, row);
                if (rule != RULE_NONE)
                        *out_exact = typed_print_decimal(arena, bytes, type.scale);
                return rule;
        case MEANS_UUID:
                bytes = take_bytes(state, node);
                if (node->kind == AVRO_FIXED && bytes.size == 16)
                        memcpy(out->uuids[row], bytes.data, 16);
                else if (!uuid_of_text(bytes, out->uuids[row]))
                        rule = RULE_NOT_A_UUID;
                *out_exact = bytes;
                break;
        case MEANS_BYTES:
                out->texts[row] = take_bytes(state, node);
                *out_exact = STR("");
                rule = out->texts[row].size > state->format.record_limit ? RULE_RECORD_TOO_LONG : RULE_NONE;
                break;
        case MEANS_TEXT:
        case MEANS_SYMBOL:
                bytes = meaning == MEANS_TEXT ? avro_bytes(&state->cursor) : take_symbol(state, node);
                *out_exact = bytes;
                return typed_text_value(bytes, state->format.record_limit, out, row);
        case MEANS_DURATION:
                bytes = take_bytes(state, node);
                out->texts[row] = state->cursor.failed ? STR("") : typed_print_interval(arena, bytes);
                break;
        case MEANS_NULL:
        case MEANS_NESTED:
                return RULE_NONE;
        }
        out->nulls[row] = rule != RULE_NONE;
        return rule;
}

/* --- values as JSON --- */

static void put_json_text(AvroState *state, Str text, Rule *rule) {
        if (*rule == RULE_NONE && !utf8_valid(text))
                *rule = RULE_INVALID_UTF8;
        if (*rule == RULE_NONE && memchr(text.data ? text.data : "", 0, text.size))
                *rule = RULE_NUL_BYTE;
        if (*rule == RULE_NONE)
                typed_put_json_text(&state->json, text);
}

/* `bare`: the value is all of a text column, so a text needs no quotes. */
static void put_json_scalar(AvroState *state, const AvroNode *node, bool bare, Rule *rule) {
        Int128 room = 0; /* for a value of any kind */
        bool null = true;
        Vector one = { .decimals = &room, .nulls = &null, .room = 1 };
        Str exact = STR("");
        Type type;
        int64_t unused;
        meaning_of(node, &type, &unused);
        Rule own = take_scalar(state, node, &one, 0, &exact);
        bool is_text = own == RULE_INVALID_UTF8 || own == RULE_NUL_BYTE || own == RULE_RECORD_TOO_LONG;
        if (state->cursor.failed || (is_text && *rule == RULE_NONE))
                *rule = state->cursor.failed ? *rule : own;
        if (state->cursor.failed || is_text)
                return;
        if (bare)
                buf_append(&state->json, own != RULE_NONE ? exact : typed_print(&state->batch.arena, type, &one, 0));
        else if (own != RULE_NONE)
                put_json_text(state, exact, rule);
        else
                typed_put_json(&state->json, &state->batch.arena, type, &one, 0);
}

static void put_json(AvroState *state, const AvroNode *node, int depth, Rule *rule);

static void put_json_record(AvroState *state, const AvroNode *node, int depth, Rule *rule) {
        buf_append_byte(&state->json, '{');
        for (size_t i = 0; i < node->count && !state->cursor.failed; i++) {
                if (i > 0)
                        buf_append_byte(&state->json, ',');
                put_json_text(state, node->fields[i].name, rule);
                buf_append_byte(&state->json, ':');
                put_json(state, node->fields[i].type, depth + 1, rule);
        }
        buf_append_byte(&state->json, '}');
}

static void put_json_items(AvroState *state, const AvroNode *node, int depth, Rule *rule) {
        bool is_map = node->kind == AVRO_MAP, any = false;
        buf_append_byte(&state->json, is_map ? '{' : '[');
        for (int64_t left = avro_items(&state->cursor); left > 0; left = avro_items(&state->cursor)) {
                for (; left > 0 && !state->cursor.failed; left--) {
                        if (any)
                                buf_append_byte(&state->json, ',');
                        any = true;
                        if (is_map) {
                                put_json_text(state, avro_bytes(&state->cursor), rule);
                                buf_append_byte(&state->json, ':');
                        }
                        put_json(state, node->branches[0], depth + 1, rule);
                }
        }
        buf_append_byte(&state->json, is_map ? '}' : ']');
}

static void put_json(AvroState *state, const AvroNode *node, int depth, Rule *rule) {
        node = avro_branch(node, &state->cursor);
        if (depth > JSON_LEVELS) {
                if (*rule == RULE_NONE)
                        *rule = RULE_RECORD_TOO_LONG;
                avro_skip(node, &state->cursor);
        } else if (node->kind == AVRO_RECORD) {
                put_json_record(state, node, depth, rule);
        } else if (node->kind == AVRO_ARRAY || node->kind == AVRO_MAP) {
                put_json_items(state, node, depth, rule);
        } else {
                put_json_scalar(state, node, false, rule);
        }
}

/* --- records --- */

static bool is_scalar(const AvroNode *node) {
        return node->kind != AVRO_RECORD && node->kind != AVRO_ARRAY && node->kind != AVRO_MAP;
}

/* A value that the column has as text though it is none: what would be JSON, and a scalar of a union of several kinds. */
static void take_as_text(AvroState *state, const AvroNode *node, size_t column, size_t row) {
        Rule rule = RULE_NONE;
        buf_clear(&state->json);
        state->json.failed = false;
        state->json.limit = state->format.record_limit;
        if (is_scalar(node))
                put_json_scalar(state, node, true, &rule);
        else
                put_json(state, node, 0, &rule);
        if (rule == RULE_NONE && state->json.failed)
                rule = RULE_RECORD_TOO_LONG;
        if (rule != RULE_NONE) {
                typed_wrong(&state->batch, row, column, rule, STR(""));
                return;
        }
        Vector *values = &state->batch.columns[column].values;
        values->texts[row] = buf_dup(&state->json, &state->batch.arena);
        values->nulls[row] = false;
}

static void take_column(AvroState *state, const Plan *plan, size_t row) {
        TypedColumn *column = &state->batch.columns[plan->column];
        const AvroNode *node = avro_branch(plan->node, &state->cursor);
        if (node->kind == AVRO_NULL || state->cursor.failed)
                return;
        Type type;
        int64_t unused;
        Meaning meaning = meaning_of(node, &type, &unused);
        if (column->type.kind == TYPE_TEXT && meaning == MEANS_BYTES && only_branch(plan->node)) {
                Str bytes = take_bytes(state, node);
                Rule rule = typed_text_value(bytes, state->format.record_limit, &column->values, row);
                if (rule != RULE_NONE && !state->cursor.failed)
                        typed_wrong(&state->batch, row, plan->column, rule, bytes);
                return;
        }
        bool is_double = column->type.kind == TYPE_DOUBLE && meaning == MEANS_INTEGER;
        if (column->type.kind == TYPE_TEXT && type.kind != TYPE_TEXT) {
                take_as_text(state, node, plan->column, row);
                return;
        }
        if (meaning == MEANS_NESTED) {
                take_as_text(state, node, plan->column, row);
                return;
        }
        Str exact = STR("");
        Rule rule = take_scalar(state, node, &column->values, row, &exact);
        if (is_double)
                column->values.numbers[row] = (double)column->values.int64s[row];
        if (rule != RULE_NONE && !state->cursor.failed)
                typed_wrong(&state->batch, row, plan->column, rule, exact);
}

static void take_record(AvroState *state, const Plan *plan, size_t row) {
        if (plan->column != NO_COLUMN) {
                take_column(state, plan, row);
                return;
        }
        const AvroNode *node = avro_branch(plan->node, &state->cursor);
        for (size_t i = 0; node->kind == AVRO_RECORD && i < node->count && !state->cursor.failed; i++)
                take_record(state, &plan->fields[i], row);
}

static Status take_records(AvroState *state, Error *err) {
        while (state->left > 0 && state->batch.rows < state->batch.row_max) {
                take_record(state, &state->root, typed_row(&state->batch));
                if (state->cursor.failed)
                        return bad_block(state, err);
                state->left--;
        }
        if (state->left == 0 && cursor_left(&state->cursor) > 0)
                return bad_block(state, err);
        return STATUS_OK;
}

/* --- as a kind of reader --- */

static void *make(void) {
        AvroState *state = calloc(1, sizeof(*state));
        if (!state)
                out_of_memory();
        state->input = input_new();
        return state;
}

static void release(void *opaque) {
        AvroState *state = opaque;
        input_free(state->input);
        arena_deinit(&state->arena);
        arena_deinit(&state->block_arena);
        buf_deinit(&state->buffer);
        buf_deinit(&state->json);
        typed_deinit(&state->batch);
        free(state);
}

static Status start(void *opaque, const ReaderOptions *options, Source source, Error *err) {
        AvroState *state = opaque;
        arena_reset(&state->arena);
        memset(&state->columns, 0, sizeof(state->columns));
        typed_start_file(&state->batch, NULL, 0);
        buf_clear(&state->buffer);
        state->at = 0;
        state->offset = 0;
        state->ended = false;
        state->codec = STR("");
        state->block = state->left = 0;
        state->unpacked = 0;
        state->cursor = cursor_of(STR(""));
        state->options = *options;
        state->format = *options->format;
        TRY(input_start_bytes(state->input, source, options->limit, err));
        return start_file(state, err);
}

static Status next(void *opaque, RecordBatch *out, bool *out_end, Error *err) {
        AvroState *state = opaque;
        typed_start_batch(&state->batch);
        for (bool end = false; !end && state->left == 0;)
                TRY(read_block(state, &end, err));
        TRY(take_records(state, err));
        state->batch.counts.bytes = input_read_decoded(state->input);
        return typed_finish(&state->batch, !state->options.values, out, out_end, err);
}

static void header(const void *opaque, Arena *arena, Str **out, size_t *out_count) {
        const AvroState *state = opaque;
        *out_count = state->columns.count;
        *out = ARENA_ARRAY(arena, Str, *out_count + 1);
        for (size_t i = 0; i < *out_count; i++)
                (*out)[i] = arena_str(arena, state->columns.items[i].key);
}

static size_t width(const void *opaque) {
        const AvroState *state = opaque;
        return state->columns.count;
}

static const RecordCounts *counts(const void *opaque) {
        const AvroState *state = opaque;
        return &state->batch.counts;
}

static uint64_t read_raw(const void *opaque) {
        const AvroState *state = opaque;
        return input_read_raw(state->input);
}

static Str key(const void *opaque, size_t field) {
        const AvroState *state = opaque;
        return state->columns.items[field].key;
}

static const TypedColumn *column(const void *opaque, size_t field) {
        const AvroState *state = opaque;
        return &state->batch.columns[field];
}

static Status text(void *opaque, RecordBatch *batch, Error *err) {
        AvroState *state = opaque;
        return typed_text(&state->batch, batch, err);
}

const ReaderKind avro_kind = { make, release, start, header, width, next, counts, read_raw, key, column, text };
