/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The footer is made into a plan once: which columns of the file (leaves) make which field. A batch is so many rows of one
 * row group; each leaf is read for it, and its values go over into the field's vector. Leaves below a list are read side by
 * side, and their levels say how the JSON text is built (Dremel's record assembly, by recursion over the schema).
 */
#include "frame/parquet_reader.h"

#include <math.h>

#include "base/reason.h"
#include "frame/json_tree.h"
#include "frame/typed.h"

#define BATCH_BYTES (16u << 20) /* of values, as far as the footer tells */
#define LEAVES_MAX (2 * FORMAT_COLUMNS_MAX)
#define BATCH_ENTRIES (1u << 20)
#define JULIAN_1970 2440588 /* the day of INT96 that is 1970-01-01 */
#define NANOS_OF_DAY 86400000000000

typedef enum Meaning {
        MEANS_BOOLEAN,
        MEANS_INTEGER,
        MEANS_UNSIGNED32,
        MEANS_UNSIGNED64,
        MEANS_NUMBER,
        MEANS_HALF,
        MEANS_TEXT,
        MEANS_BYTES,
        MEANS_DECIMAL,       /* in an integer */
        MEANS_DECIMAL_BYTES, /* most significant byte first */
        MEANS_DATE,
        MEANS_TIME,
        MEANS_MOMENT,
        MEANS_INT96,
        MEANS_UUID,
        MEANS_INTERVAL,
        MEANS_DURATION,
        MEANS_NOTHING,
} Meaning;

typedef struct Leaf {
        Meaning meaning;
        Type type;
        int64_t per_second;
        ParquetLeaf *reader;
        ParquetValues values; /* of the batch */
        size_t entry, value;  /* where assembly stands in them */
} Leaf;

typedef struct Field {
        const ParquetNode *node;
        size_t leaf, leaf_count;
        bool nested;
} Field;

typedef struct ParquetState {
        Arena arena; /* of the file */
        Format format;
        ReaderOptions options;
        Source source;
        ParquetFooter footer;
        Leaf *leaves;
        VEC(ParquetLeaf *) readers; /* kept from file to file */
        VEC(Field) fields;
        VEC(TypedColumn) columns;
        size_t group;      /* that is read, and its rows that were */
        int64_t group_row;
        uint64_t bytes_read;
        TypedBatch batch;
        Buf json;
        bool broken; /* levels that do not go together */
        Arena readers_arena;
} ParquetState;

/* --- types --- */

static Meaning meaning_of_number(const ParquetNode *node, Type *out, int64_t *per_second) {
        static const int64_t units[] = { [PARQUET_MILLIS] = 1000, [PARQUET_MICROS] = 1000000, [PARQUET_NANOS] = 1000000000 };
        bool wide = node->physical == PARQUET_INT64;
        *out = (Type){ .kind = wide ? TYPE_BIGINT : TYPE_INT };
        if (node->duration) {
                out->kind = TYPE_TEXT;
                *per_second = node->duration;
                return MEANS_DURATION;
        }
        switch (node->logical) {
        case PARQUET_LOGICAL_INTEGER:
                if (node->is_signed || node->bit_width < 32)
                        return MEANS_INTEGER;
                *out = wide ? (Type){ .kind = TYPE_DECIMAL, .precision = 20 } : (Type){ .kind = TYPE_BIGINT };
                return wide ? MEANS_UNSIGNED64 : MEANS_UNSIGNED32;
        case PARQUET_LOGICAL_DATE:
                if (wide)
                        return MEANS_INTEGER;
                out->kind = TYPE_DATE;
                return MEANS_DATE;
        case PARQUET_LOGICAL_TIME:
                out->kind = TYPE_TIME;
                *per_second = units[node->unit];
                return MEANS_TIME;
        case PARQUET_LOGICAL_TIMESTAMP:
                if (!wide)
                        return MEANS_INTEGER;
                out->kind = node->adjusted_to_utc ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP;
                *per_second = units[node->unit];
                return MEANS_MOMENT;
        case PARQUET_LOGICAL_DECIMAL:
                *out = (Type){ .kind = TYPE_DECIMAL, .precision = node->precision, .scale = node->scale };
                return MEANS_DECIMAL;
        case PARQUET_LOGICAL_NULL:
                out->kind = TYPE_TEXT;
                return MEANS_NOTHING;
        default:
                return MEANS_INTEGER;
        }
}

static Meaning meaning_of_bytes(const ParquetNode *node, Type *out) {
        bool fixed = node->physical == PARQUET_FIXED;
        *out = (Type){ .kind = TYPE_TEXT };
        switch (node->logical) {
        case PARQUET_LOGICAL_STRING:
        case PARQUET_LOGICAL_ENUM:
        case PARQUET_LOGICAL_JSON:
                return MEANS_TEXT;
        case PARQUET_LOGICAL_NULL:
                return MEANS_NOTHING;
        case PARQUET_LOGICAL_DECIMAL:
                *out = (Type){ .kind = TYPE_DECIMAL, .precision = node->precision, .scale = node->scale };
                return MEANS_DECIMAL_BYTES;
        case PARQUET_LOGICAL_UUID:
                if (!fixed || node->type_length != 16)
                        break;
                out->kind = TYPE_UUID;
                return MEANS_UUID;
        case PARQUET_LOGICAL_INTERVAL:
                if (!fixed || node->type_length != 12)
                        break;
                return MEANS_INTERVAL;
        case PARQUET_LOGICAL_FLOAT16:
                if (!fixed || node->type_length != 2)
                        break;
                out->kind = TYPE_FLOAT;
                return MEANS_HALF;
        default:
                break;
        }
        out->kind = TYPE_BINARY;
        return MEANS_BYTES;
}

static Meaning meaning_of(const ParquetNode *node, Type *out, int64_t *per_second) {
        switch (node->physical) {
        case PARQUET_BOOLEAN:
                out->kind = node->logical == PARQUET_LOGICAL_NULL ? TYPE_TEXT : TYPE_BOOLEAN;
                return node->logical == PARQUET_LOGICAL_NULL ? MEANS_NOTHING : MEANS_BOOLEAN;
        case PARQUET_INT32:
        case PARQUET_INT64:
                return meaning_of_number(node, out, per_second);
        case PARQUET_INT96:
                out->kind = TYPE_TIMESTAMP;
                *per_second = 1000000000;
                return MEANS_INT96;
        case PARQUET_FLOAT:
        case PARQUET_DOUBLE:
                out->kind = node->physical == PARQUET_FLOAT ? TYPE_FLOAT : TYPE_DOUBLE;
                return MEANS_NUMBER;
        default:
                return meaning_of_bytes(node, out);
        }
}

/* Decimals that no type of ours holds are what they are made of; all others have 1 to 38 digits. */
static void settle_decimal(Leaf *leaf, const ParquetNode *node) {
        bool decimal = leaf->meaning == MEANS_DECIMAL || leaf->meaning == MEANS_DECIMAL_BYTES;
        if (!decimal || (node->precision >= 1 && node->scale >= 0 && node->scale <= 38 && node->scale <= node->precision)) {
                if (decimal && node->precision > 38)
                        leaf->type.precision = 38;
                return;
        }
        bool bytes = leaf->meaning == MEANS_DECIMAL_BYTES;
        leaf->meaning = bytes ? MEANS_BYTES : MEANS_INTEGER;
        leaf->type = (Type){ .kind = bytes ? TYPE_BINARY : node->physical == PARQUET_INT64 ? TYPE_BIGINT : TYPE_INT };
}

/* --- the plan --- */

typedef struct Planning {
        ParquetState *state;
        Map whole, inside; /* as in json_tree.c */
        size_t leaf;       /* the next one */
        Map keys;          /* so far, each with the number of its next namesake */
        Error *err;
} Planning;

static size_t count_leaves(const ParquetNode *node) {
        size_t count = node->is_leaf;
        for (size_t i = 0; i < node->child_count; i++)
                count += count_leaves(node->children[i]);
        return count;
}

static TypedColumn column_of(const ParquetState *state, const Field *field, Str path) {
        TypedColumn column = { .key = path, .type = { .kind = TYPE_TEXT } };
        Leaf *leaf = &state->leaves[field->leaf];
        if (field->nested) {
                column.doubt = "lists or objects";
                column.assumed = "JSON text";
                return column;
        }
        if (leaf->meaning == MEANS_BYTES && typed_is_text(state->options.texts, path)) {
                leaf->meaning = MEANS_TEXT;
                leaf->type.kind = TYPE_TEXT;
        }
        column.type = leaf->type;
        if (leaf->meaning == MEANS_UNSIGNED64) {
                column.doubt = "the file has unsigned numbers of 64 bits";
                column.assumed = "decimal(20,0), which holds them all";
        } else if (leaf->meaning == MEANS_INT96) {
                column.doubt = "the file has times of the old kind INT96, which say no zone";
                column.assumed = "timestamp; a record with a time finer than a microsecond goes to quarantine";
        } else if (leaf->meaning == MEANS_MOMENT && leaf->per_second > 1000000) {
                column.doubt = "the file counts nanoseconds";
                column.assumed = "microseconds; a record with a finer time goes to quarantine";
        } else if (leaf->meaning == MEANS_DURATION) {
                column.doubt = "the file counts a duration, which no type of a table is";
                column.assumed = "text as ISO 8601, such as PT1H30M";
        } else if (leaf->meaning == MEANS_NOTHING) {
                column.doubt = "the file says that it never has a value";
                column.assumed = "text";
        }
        return column;
}

static bool is_flattened(const Planning *planning, const ParquetNode *node, Str path, size_t depth) {
        if (node->is_leaf || node->repetition == PARQUET_REPEATED || depth >= JSON_FLATTEN_MAX || node->child_count == 0)
                return false;
        if (node->logical == PARQUET_LOGICAL_LIST || node->logical == PARQUET_LOGICAL_MAP)
                return false;
        return !map_has(&planning->whole, path) || map_has(&planning->inside, path);
}

static Status plan_node(Planning *planning, const ParquetNode *node, Str path, size_t depth);

/* The number that the next namesake of a key tries first; 0: nobody has it. */
static int *namesakes_of(Planning *planning, Str key) {
        void **slot = map_at(&planning->keys, key);
        if (!*slot)
                *slot = ARENA_NEW(&planning->state->arena, int);
        return *slot;
}

/* A file may have two columns of one name, to the letter; the second is called as that of a CSV file is. */
static Str own_key(Planning *planning, Str path) {
        int *next = namesakes_of(planning, path);
        Str key = path;
        for (int *own = next; *own > 0; own = namesakes_of(planning, key))
                key = arena_strf(&planning->state->arena, "%.*s_%d", STR_ARG(path), (*next)++);
        *namesakes_of(planning, key) = 2;
        return key;
}

static Status plan_children(Planning *planning, const ParquetNode *node, Str path, size_t depth) {
        for (size_t i = 0; i < node->child_count; i++) {
                Str below = json_path_below(&planning->state->arena, path, node->children[i]->name);
                TRY(plan_node(planning, node->children[i], below, depth));
        }
        return STATUS_OK;
}

static Status plan_node(Planning *planning, const ParquetNode *node, Str path, size_t depth) {
        ParquetState *state = planning->state;
        if (is_flattened(planning, node, path, depth))
                return plan_children(planning, node, path, depth + 1);
        Field field = { .node = node, .leaf = planning->leaf, .leaf_count = count_leaves(node), .nested = !node->is_leaf || node->repetition == PARQUET_REPEATED };
        planning->leaf += field.leaf_count;
        if (field.leaf_count == 0)
                return STATUS_OK; /* a group of nothing */
        if (state->fields.count == FORMAT_COLUMNS_MAX)
                return error_reason(planning->err, SCHEMA_LIMIT, reason_number(FORMAT_COLUMNS_MAX));
        vec_push(&state->arena, &state->fields, field);
        vec_push(&state->arena, &state->columns, column_of(state, &field, own_key(planning, path)));
        return STATUS_OK;
}

static Status plan_fields(ParquetState *state, Error *err) {
        Planning planning = { .state = state, .err = err };
        map_init(&planning.whole, &state->arena);
        map_init(&planning.inside, &state->arena);
        map_init(&planning.keys, &state->arena);
        json_paths_note(state->options.names, &planning.whole, &planning.inside);
        TRY(plan_children(&planning, state->footer.root, STR_NONE, 0));
        typed_start_file(&state->batch, state->columns.items, state->columns.count);
        return STATUS_OK;
}

/* --- the footer --- */

static Status check_magic(const ParquetState *state, Error *err) {
        char head[4] = { 0 }, tail[8] = { 0 }; /* the footer's size, and the same four */
        uint32_t footer_size;
        size_t got = 0, tail_got = 0;
        Source source = state->source;
        if (!source.read_at || source.size < 12)
                return error_reason(err, PARQUET_NOT);
        TRY(source.read_at(source.context, 0, head, sizeof(head), &got, err));
        TRY(source.read_at(source.context, source.size - sizeof(tail), tail, sizeof(tail), &tail_got, err));
        Str first = { head, got }, last = str_slice((Str){ tail, tail_got }, 4, tail_got);
        if (str_equal(first, PARQUET_FILE_MAGIC_ENCRYPTED) || str_equal(last, PARQUET_FILE_MAGIC_ENCRYPTED))
                return error_reason(err, PARQUET_ENCRYPTED);
        if (!str_equal(first, PARQUET_FILE_MAGIC) || !str_equal(last, PARQUET_FILE_MAGIC))
                return error_reason(err, PARQUET_NOT);
        memcpy(&footer_size, tail, sizeof(footer_size));
        if (le32toh(footer_size) > PARQUET_FOOTER_SIZE_MAX && le32toh(footer_size) < source.size)
                return error_reason(err, PARQUET_FOOTER_SIZE, reason_number(PARQUET_FOOTER_SIZE_MAX >> 20));
        return STATUS_OK;
}

static Status read_footer(ParquetState *state, Error *err) {
        Error why = { 0 };
        TRY(check_magic(state, err));
        ParquetBytes bytes = { state->source.read_at, state->source.context, state->source.size };
        Status status = parquet_footer_read_from(bytes, "the file", &state->arena, &state->footer, &why);
        if (status == STATUS_IO) {
                *err = why;
                return status;
        }
        if (status == STATUS_LIMIT)
                return error_reason(err, SCHEMA_LIMIT, reason_number(FORMAT_COLUMNS_MAX));
        if (status != STATUS_OK)
                return error_reason(err, PARQUET_FOOTER);
        if (state->footer.leaf_count > LEAVES_MAX)
                return error_reason(err, SCHEMA_LIMIT, reason_number(FORMAT_COLUMNS_MAX));
        uint64_t unpacked = 0, values = 0;
        for (size_t g = 0; g < state->footer.group_count; g++) {
                for (size_t i = 0; i < state->footer.leaf_count; i++) {
                        const ParquetChunk *chunk = &state->footer.groups[g].chunks[i];
                        if (chunk->encrypted)
                                return error_reason(err, PARQUET_ENCRYPTED);
                        if (__builtin_add_overflow(unpacked, (uint64_t)chunk->uncompressed, &unpacked) ||
                            __builtin_add_overflow(values, (uint64_t)chunk->values, &values))
                                return error_reason(err, PARQUET_FOOTER);
                }
        }
        if (state->options.limit > 0 && unpacked > state->options.limit)
                return error_reason(err, INFLATED, reason_number((int64_t)state->options.limit));
        /* a run of one value may stand for any number: each counts as a byte */
        if (input_is_bomb(state->source.size, unpacked > values ? unpacked : values))
                return error_reason(err, PACKED_BOMB, reason_number(INPUT_BOMB_RATIO), reason_number(INPUT_BOMB_BYTES >> 30));
        return STATUS_OK;
}

static void start_leaves(ParquetState *state) {
        ParquetBytes bytes = { state->source.read_at, state->source.context, state->source.size };
        size_t count = state->footer.leaf_count;
        state->leaves = ARENA_ARRAY(&state->arena, Leaf, count + 1);
        while (state->readers.count < count)
                vec_push(&state->readers_arena, &state->readers, parquet_leaf_new());
        for (size_t i = 0; i < count; i++) {
                const ParquetNode *node = state->footer.leaves[i];
                Leaf *leaf = &state->leaves[i];
                leaf->meaning = meaning_of(node, &leaf->type, &leaf->per_second);
                settle_decimal(leaf, node);
                leaf->reader = state->readers.items[i];
                parquet_leaf_start(leaf->reader, node, bytes);
        }
}

/* --- values --- */

static double half_of(Str bytes) {
        uint16_t bits;
        memcpy(&bits, bytes.data, sizeof(bits));
        int exponent = bits >> 10 & 31;
        double part = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
        if (exponent == 31)
                return part != 0 ? NAN : sign * INFINITY;
        return sign * (exponent == 0 ? ldexp(part, -24) : ldexp(part + 1024, exponent - 25));
}

static uint32_t word_at(Str bytes, size_t at) {
        uint32_t word;
        memcpy(&word, bytes.data + at, sizeof(word));
        return le32toh(word);
}

/* Nanoseconds since 1970; false where they are too many to count. */
static bool nanos_of(Str bytes, int64_t *out) {
        uint64_t nanos;
        memcpy(&nanos, bytes.data, sizeof(nanos));
        int64_t day = (int64_t)(int32_t)word_at(bytes, 8) - JULIAN_1970, start;
        return le64toh(nanos) <= NANOS_OF_DAY && !__builtin_mul_overflow(day, NANOS_OF_DAY, &start) &&
               !__builtin_add_overflow(start, (int64_t)le64toh(nanos), out);
}

/* The years that nanoseconds do not reach. */
static Rule take_far_int96(Str bytes, Vector *out, size_t row) {
        uint64_t nanos;
        int64_t micros, day = (int64_t)(int32_t)word_at(bytes, 8) - JULIAN_1970;
        memcpy(&nanos, bytes.data, sizeof(nanos));
        if (le64toh(nanos) > NANOS_OF_DAY || __builtin_mul_overflow(day, NANOS_OF_DAY / 1000, &micros))
                return RULE_OUT_OF_RANGE;
        if (le64toh(nanos) % 1000 != 0)
                return RULE_TOO_MANY_DIGITS;
        return typed_moment(micros + (int64_t)(le64toh(nanos) / 1000), 1000000, out, row);
}

/* Value `at` of the leaf into a vector of its type; *out_exact: what it says where a rule is broken. */
static Rule take_scalar(ParquetState *state, const Leaf *leaf, size_t at, Vector *out, size_t row, Str *out_exact) {
        const ParquetArray *values = &leaf->values.values;
        Arena *arena = &state->batch.arena;
        Rule rule = RULE_NONE;
        int64_t nanos;
        Int128 wide;
        switch (leaf->meaning) {
        case MEANS_BOOLEAN:
        case MEANS_INTEGER:
                out->int64s[row] = values->ints[at];
                break;
        case MEANS_UNSIGNED32:
                out->int64s[row] = (int64_t)(uint32_t)values->ints[at];
                break;
        case MEANS_UNSIGNED64:
                out->decimals[row] = (Int128)(uint64_t)values->ints[at];
                break;
        case MEANS_NUMBER:
                out->numbers[row] = values->numbers[at];
                break;
        case MEANS_HALF:
                out->numbers[row] = half_of(values->bytes[at]);
                break;
        case MEANS_TEXT:
                *out_exact = values->bytes[at];
                return typed_text_value(values->bytes[at], state->format.record_limit, out, row);
        case MEANS_BYTES:
                out->texts[row] = values->bytes[at];
                rule = out->texts[row].size > state->format.record_limit ? RULE_RECORD_TOO_LONG : RULE_NONE;
                break;
        case MEANS_DECIMAL:
                wide = values->ints[at];
                rule = typed_int128(wide, leaf->type, out, row);
                if (rule != RULE_NONE)
                        *out_exact = int128_print(arena, wide, leaf->type.scale);
                return rule;
        case MEANS_DECIMAL_BYTES:
                rule = typed_decimal(values->bytes[at], leaf->type, out, row);
                if (rule != RULE_NONE)
                        *out_exact = typed_print_decimal(arena, values->bytes[at], leaf->type.scale);
                return rule;
        case MEANS_DATE:
                rule = typed_date(values->ints[at], out, row);
                if (rule != RULE_NONE)
                        *out_exact = arena_strf(arena, "%lld days since 1970", (long long)values->ints[at]);
                return rule;
        case MEANS_TIME:
                rule = typed_time(values->ints[at], leaf->per_second, out, row);
                if (rule != RULE_NONE)
                        *out_exact = typed_print_time(arena, values->ints[at], leaf->per_second);
                return rule;
        case MEANS_MOMENT:
                rule = typed_moment(values->ints[at], leaf->per_second, out, row);
                if (rule != RULE_NONE)
                        *out_exact = typed_print_moment(arena, values->ints[at], leaf->per_second, leaf->type.kind == TYPE_TIMESTAMPTZ);
                return rule;
        case MEANS_INT96:
                if (!nanos_of(values->bytes[at], &nanos)) {
                        *out_exact = typed_print_binary(arena, values->bytes[at]);
                        return take_far_int96(values->bytes[at], out, row);
                }
                rule = typed_moment(nanos, leaf->per_second, out, row);
                if (rule != RULE_NONE)
                        *out_exact = typed_print_moment(arena, nanos, leaf->per_second, false);
                return rule;
        case MEANS_UUID:
                memcpy(out->uuids[row], values->bytes[at].data, 16);
                break;
        case MEANS_INTERVAL:
                out->texts[row] = typed_print_interval(arena, values->bytes[at]);
                break;
        case MEANS_DURATION:
                out->texts[row] = typed_print_duration(arena, values->ints[at], leaf->per_second);
                break;
        case MEANS_NOTHING:
                return RULE_NONE;
        }
        out->nulls[row] = rule != RULE_NONE;
        return rule;
}

/* Numbers that are in the file as they are in the vector. */
static bool copy_values(const Leaf *leaf, Vector *out, size_t rows) {
        const ParquetValues *values = &leaf->values;
        bool ints = leaf->meaning == MEANS_INTEGER || leaf->meaning == MEANS_BOOLEAN;
        if (!ints && leaf->meaning != MEANS_NUMBER)
                return false;
        if (values->count == rows) {
                memcpy(out->int64s, ints ? (const void *)values->values.ints : (const void *)values->values.numbers, rows * 8);
                memset(out->nulls, 0, rows);
                return true;
        }
        size_t next = 0;
        for (size_t row = 0; row < rows; row++) {
                out->nulls[row] = values->definitions[row] != values->most;
                if (out->nulls[row])
                        continue;
                if (ints)
                        out->int64s[row] = values->values.ints[next++];
                else
                        out->numbers[row] = values->values.numbers[next++];
        }
        return true;
}

static void take_flat(ParquetState *state, const Leaf *leaf, size_t column, size_t rows) {
        const ParquetValues *values = &leaf->values;
        Vector *out = &state->batch.columns[column].values;
        if (copy_values(leaf, out, rows))
                return;
        size_t next = 0;
        for (size_t row = 0; row < rows; row++) {
                out->nulls[row] = true;
                if (values->definitions[row] != values->most)
                        continue;
                Str exact = STR("");
                Rule rule = take_scalar(state, leaf, next++, out, row, &exact);
                if (rule != RULE_NONE)
                        typed_wrong(&state->batch, row, column, rule, exact);
        }
}

/* --- nested values as JSON --- */

typedef struct Assembly {
        ParquetState *state;
        Rule rule; /* the first that something in the record breaks, if that cannot be told as text */
} Assembly;

static void put_value(Assembly *assembly, const ParquetNode *node, size_t leaf);

static uint8_t definition_at(const Leaf *leaf) {
        return leaf->values.definitions[leaf->entry];
}

/* Passes one entry of each leaf below a node. */
static void pass(Assembly *assembly, size_t leaf, size_t count) {
        for (size_t i = leaf; i < leaf + count; i++) {
                Leaf *at = &assembly->state->leaves[i];
                if (at->entry == at->values.entries) {
                        assembly->state->broken = true;
                        return;
                }
                at->value += definition_at(at) == at->values.most;
                at->entry++;
        }
}

/* Whether each leaf below has an entry there that goes on with the list at that level. */
static bool goes_on(Assembly *assembly, size_t leaf, size_t count, uint8_t repetition) {
        size_t going = 0;
        for (size_t i = leaf; i < leaf + count; i++) {
                const Leaf *at = &assembly->state->leaves[i];
                going += at->entry < at->values.entries && at->values.repetitions[at->entry] == repetition;
        }
        if (going != 0 && going != count)
                assembly->state->broken = true;
        return going == count;
}

static void put_scalar(Assembly *assembly, size_t leaf) {
        ParquetState *state = assembly->state;
        Leaf *at = &state->leaves[leaf];
        Int128 room = 0; /* for a value of any kind */
        bool null = true;
        Vector one = { .decimals = &room, .nulls = &null, .room = 1 };
        Str exact = STR("");
        Rule rule = take_scalar(state, at, at->value, &one, 0, &exact);
        bool is_text = rule == RULE_INVALID_UTF8 || rule == RULE_NUL_BYTE || rule == RULE_RECORD_TOO_LONG;
        if (is_text && assembly->rule == RULE_NONE)
                assembly->rule = rule;
        if (!is_text && rule != RULE_NONE)
                typed_put_json_text(&state->json, exact);
        else if (!is_text)
                typed_put_json(&state->json, &state->batch.arena, at->type, &one, 0);
        pass(assembly, leaf, 1);
}

static void put_name(Assembly *assembly, Str name) {
        typed_put_json_text(&assembly->state->json, name);
        buf_append_byte(&assembly->state->json, ':');
}

static void put_struct(Assembly *assembly, const ParquetNode *node, size_t leaf) {
        Buf *json = &assembly->state->json;
        buf_append_byte(json, '{');
        for (size_t i = 0; i < node->child_count && !assembly->state->broken; i++) {
                if (i > 0)
                        buf_append_byte(json, ',');
                put_name(assembly, node->children[i]->name);
                put_value(assembly, node->children[i], leaf);
                leaf += count_leaves(node->children[i]);
        }
        buf_append_byte(json, '}');
}

/* A node that is there, whatever its own repetition. */
static void put_present(Assembly *assembly, const ParquetNode *node, size_t leaf);

/* The key is text, whatever its type. */
static void put_pair(Assembly *assembly, const ParquetNode *pair, size_t leaf) {
        Buf *json = &assembly->state->json;
        size_t start = json->size;
        put_value(assembly, pair->children[0], leaf);
        if (json->size > start && json->data[start] != '"') {
                Str bare = arena_str(&assembly->state->batch.arena, (Str){ json->data + start, json->size - start });
                json->size = start;
                typed_put_json_text(json, bare);
        }
        buf_append_byte(json, ':');
        put_value(assembly, pair->children[1], leaf + count_leaves(pair->children[0]));
}

/* The items of a repeated node, if it has any. */
static void put_items(Assembly *assembly, const ParquetNode *repeated, size_t leaf, bool is_map) {
        Buf *json = &assembly->state->json;
        const ParquetNode *list = repeated->parent;
        size_t count = count_leaves(repeated);
        bool is_wrapper = list && list->logical == PARQUET_LOGICAL_LIST && !repeated->is_leaf && repeated->child_count == 1 &&
                          !str_is(repeated->name, "array") && !str_ends_with(repeated->name, STR("_tuple"));
        uint8_t repetition = parquet_repetition_of(repeated);
        bool empty = definition_at(&assembly->state->leaves[leaf]) < parquet_definition_of(repeated), more = !empty;
        buf_append_byte(json, is_map ? '{' : '[');
        if (empty)
                pass(assembly, leaf, count);
        while (more && !assembly->state->broken) {
                if (is_map)
                        put_pair(assembly, repeated, leaf);
                else if (is_wrapper)
                        put_value(assembly, repeated->children[0], leaf);
                else
                        put_present(assembly, repeated, leaf);
                more = goes_on(assembly, leaf, count, repetition);
                if (more)
                        buf_append_byte(json, ',');
        }
        buf_append_byte(json, is_map ? '}' : ']');
}

static void put_present(Assembly *assembly, const ParquetNode *node, size_t leaf) {
        bool one_repeated = node->child_count == 1 && node->children[0]->repetition == PARQUET_REPEATED;
        bool is_map = node->logical == PARQUET_LOGICAL_MAP && one_repeated && node->children[0]->child_count == 2;
        if (node->is_leaf)
                put_scalar(assembly, leaf);
        else if (one_repeated && (is_map || node->logical == PARQUET_LOGICAL_LIST || node->logical == PARQUET_LOGICAL_MAP))
                put_items(assembly, node->children[0], leaf, is_map);
        else
                put_struct(assembly, node, leaf);
}

static void put_value(Assembly *assembly, const ParquetNode *node, size_t leaf) {
        const Leaf *at = &assembly->state->leaves[leaf];
        if (assembly->state->broken || at->entry >= at->values.entries) {
                assembly->state->broken = true;
                return;
        }
        if (node->repetition == PARQUET_REPEATED) {
                put_items(assembly, node, leaf, false);
        } else if (node->repetition == PARQUET_OPTIONAL && definition_at(at) < parquet_definition_of(node)) {
                pass(assembly, leaf, count_leaves(node));
                buf_append_cstr(&assembly->state->json, "null");
        } else {
                put_present(assembly, node, leaf);
        }
}

static void take_nested_row(ParquetState *state, const Field *field, size_t column, size_t row) {
        Vector *out = &state->batch.columns[column].values;
        Assembly assembly = { .state = state };
        buf_clear(&state->json);
        state->json.failed = false;
        state->json.limit = state->format.record_limit;
        put_value(&assembly, field->node, field->leaf);
        if (assembly.rule == RULE_NONE && state->json.failed)
                assembly.rule = RULE_RECORD_TOO_LONG;
        out->nulls[row] = true;
        if (assembly.rule != RULE_NONE) {
                typed_wrong(&state->batch, row, column, assembly.rule, STR(""));
        } else if (!str_is(buf_view(&state->json), "null")) {
                out->texts[row] = buf_dup(&state->json, &state->batch.arena);
                out->nulls[row] = false;
        }
}

static Status take_nested(ParquetState *state, const Field *field, size_t column, size_t rows, Error *err) {
        for (size_t i = field->leaf; i < field->leaf + field->leaf_count; i++)
                state->leaves[i].entry = state->leaves[i].value = 0;
        state->broken = false;
        for (size_t row = 0; row < rows && !state->broken; row++)
                take_nested_row(state, field, column, row);
        for (size_t i = field->leaf; i < field->leaf + field->leaf_count; i++)
                state->broken |= state->leaves[i].entry != state->leaves[i].values.entries;
        return state->broken ? error_reason(err, PARQUET_NESTED, reason_text(str_slice(field->node->name, 0, 60))) : STATUS_OK;
}

/* --- batches --- */

static const ParquetGroup *group_of(const ParquetState *state) {
        return &state->footer.groups[state->group];
}

static void start_group(ParquetState *state) {
        for (size_t i = 0; i < state->footer.leaf_count; i++)
                parquet_leaf_chunk(state->leaves[i].reader, &group_of(state)->chunks[i]);
}

/* As many rows as make a batch of a bearable size. */
static size_t rows_of_batch(const ParquetState *state) {
        const ParquetGroup *group = group_of(state);
        int64_t rows = group->rows - state->group_row, bytes = 1, entries = 1;
        for (size_t i = 0; i < state->footer.leaf_count; i++) {
                bytes += group->chunks[i].uncompressed / (group->rows + 1);
                if (group->chunks[i].values / (group->rows + 1) > entries)
                        entries = group->chunks[i].values / (group->rows + 1);
        }
        int64_t most = (int64_t)state->batch.row_max;
        most = BATCH_BYTES / bytes < most ? BATCH_BYTES / bytes : most;
        most = BATCH_ENTRIES / entries < most ? BATCH_ENTRIES / entries : most;
        most = most < 1 ? 1 : most;
        return (size_t)(rows < most ? rows : most);
}

static Status read_rows(ParquetState *state, size_t rows, Error *err) {
        typed_rows(&state->batch, rows);
        for (size_t i = 0; i < state->footer.leaf_count; i++)
                TRY(parquet_leaf_read(state->leaves[i].reader, rows, &state->leaves[i].values, err));
        for (size_t i = 0; i < state->fields.count; i++) {
                const Field *field = &state->fields.items[i];
                if (field->nested)
                        TRY(take_nested(state, field, i, rows, err));
                else
                        take_flat(state, &state->leaves[field->leaf], i, rows);
        }
        state->group_row += (int64_t)rows;
        return STATUS_OK;
}

/* Values of the last batch point into the pages of its group, so the next one begins no sooner than it is wanted. */
static void pass_group(ParquetState *state) {
        while (state->group < state->footer.group_count && state->group_row == group_of(state)->rows) {
                for (size_t i = 0; i < state->footer.leaf_count; i++)
                        state->bytes_read += (uint64_t)group_of(state)->chunks[i].compressed;
                state->group++;
                state->group_row = 0;
        }
        if (state->group < state->footer.group_count && state->group_row == 0)
                start_group(state);
}

/* --- as a kind of reader --- */

static void *make(void) {
        ParquetState *state = calloc(1, sizeof(*state));
        if (!state)
                out_of_memory();
        return state;
}

static void release(void *opaque) {
        ParquetState *state = opaque;
        for (size_t i = 0; i < state->readers.count; i++)
                parquet_leaf_free(state->readers.items[i]);
        arena_deinit(&state->arena);
        arena_deinit(&state->readers_arena);
        buf_deinit(&state->json);
        typed_deinit(&state->batch);
        free(state);
}

static Status start(void *opaque, const ReaderOptions *options, Source source, Error *err) {
        ParquetState *state = opaque;
        arena_reset(&state->arena);
        memset(&state->fields, 0, sizeof(state->fields));
        memset(&state->columns, 0, sizeof(state->columns));
        state->footer = (ParquetFooter){ 0 };
        typed_start_file(&state->batch, NULL, 0);
        state->group = 0;
        state->group_row = 0;
        state->bytes_read = 0;
        state->options = *options;
        state->format = *options->format;
        state->source = source;
        TRY(read_footer(state, err));
        start_leaves(state);
        return plan_fields(state, err);
}

static Status next(void *opaque, RecordBatch *out, bool *out_end, Error *err) {
        ParquetState *state = opaque;
        typed_start_batch(&state->batch);
        if (state->fields.count > 0)
                pass_group(state);
        if (state->group < state->footer.group_count && state->fields.count > 0)
                TRY(read_rows(state, rows_of_batch(state), err));
        state->batch.counts.bytes = state->source.size;
        return typed_finish(&state->batch, !state->options.values, out, out_end, err);
}

static void header(const void *opaque, Arena *arena, Str **out, size_t *out_count) {
        const ParquetState *state = opaque;
        *out_count = state->columns.count;
        *out = ARENA_ARRAY(arena, Str, *out_count + 1);
        for (size_t i = 0; i < *out_count; i++)
                (*out)[i] = arena_str(arena, state->columns.items[i].key);
}

static size_t width(const void *opaque) {
        const ParquetState *state = opaque;
        return state->columns.count;
}

static const RecordCounts *counts(const void *opaque) {
        const ParquetState *state = opaque;
        return &state->batch.counts;
}

static uint64_t read_raw(const void *opaque) {
        const ParquetState *state = opaque;
        return state->bytes_read;
}

static Str key(const void *opaque, size_t field) {
        const ParquetState *state = opaque;
        return state->columns.items[field].key;
}

static const TypedColumn *column(const void *opaque, size_t field) {
        const ParquetState *state = opaque;
        return &state->batch.columns[field];
}

static Status text(void *opaque, RecordBatch *batch, Error *err) {
        ParquetState *state = opaque;
        return typed_text(&state->batch, batch, err);
}

static int64_t rows(const void *opaque) {
        const ParquetState *state = opaque;
        return state->footer.rows;
}

static int64_t nulls(const void *opaque, size_t index) {
        const ParquetState *state = opaque;
        const Field *field = &state->fields.items[index];
        int64_t sum = 0;
        for (size_t g = 0; g < state->footer.group_count && sum >= 0; g++) {
                int64_t one = state->footer.groups[g].chunks[field->leaf].nulls;
                sum = field->nested || one < 0 ? -1 : sum + one;
        }
        return sum;
}

/* --- pages as they are --- */

bool parquet_reading(const RecordReader *reader, ParquetReading *out) {
        const ParquetState *state = reader_state(reader, &parquet_kind);
        if (!state)
                return false;
        bool inside = state->group < state->footer.group_count;
        *out = (ParquetReading){ &state->footer, state->group, inside && state->group_row == group_of(state)->rows };
        return true;
}

bool parquet_field_reading(const RecordReader *reader, size_t field, ParquetFieldReading *out) {
        const ParquetState *state = reader_state(reader, &parquet_kind);
        if (!state || state->fields.items[field].nested)
                return false;
        const Leaf *leaf = &state->leaves[state->fields.items[field].leaf];
        *out = (ParquetFieldReading){ state->fields.items[field].node, &leaf->values, parquet_leaf_seen(leaf->reader) };
        return true;
}

const ReaderKind parquet_kind = { make, release, start, header, width, next, counts, read_raw, key, column, text, rows, nulls };
