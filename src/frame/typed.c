/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/typed.h"

#include <math.h>

#include "base/json.h"
#include "base/reason.h"
#include "base/time.h"
#include "frame/json_tree.h"
#include "frame/scan.h"
#include "frame/typing_parts.h"

#define CELLS_MAX (256u << 10) /* of a full batch */
#define ROWS_MAX 8192u
#define ROWS_MIN 64u
#define TEXT_MAX (1u << 31)
#define SECONDS_OF_DAY 86400

/* --- room --- */

void typed_deinit(TypedBatch *batch) {
        for (size_t i = 0; i < batch->column_room; i++)
                vector_deinit(&batch->columns[i].values);
        free(batch->columns);
        arena_deinit(&batch->arena);
        buf_deinit(&batch->text);
        free(batch->starts);
        free(batch->ends);
        free(batch->records);
        free(batch->origins);
        *batch = (TypedBatch){ 0 };
}

static void *grown(void *old, size_t count, size_t size) {
        void *made = reallocarray(old, count ? count : 1, size);
        if (!made)
                out_of_memory();
        return made;
}

void typed_start_file(TypedBatch *batch, const TypedColumn *columns, size_t count) {
        if (count > batch->column_room) {
                batch->columns = grown(batch->columns, count, sizeof(*batch->columns));
                memset(batch->columns + batch->column_room, 0, (count - batch->column_room) * sizeof(*batch->columns));
                batch->column_room = count;
        }
        for (size_t i = 0; i < count; i++) {
                Vector values = batch->columns[i].values;
                batch->columns[i] = columns[i];
                batch->columns[i].values = values;
        }
        batch->width = count;
        size_t rows = CELLS_MAX / (count + 1);
        batch->row_max = rows > ROWS_MAX ? ROWS_MAX : rows < ROWS_MIN ? ROWS_MIN : rows;
        batch->counts = (RecordCounts){ 0 };
        typed_start_batch(batch);
}

void typed_start_batch(TypedBatch *batch) {
        arena_reset(&batch->arena);
        memset(&batch->wrong, 0, sizeof(batch->wrong));
        batch->rows = batch->bad_count = 0;
        batch->bad = NULL;
}

static void reserve_values(Vector *values, size_t rows) {
        if (rows <= values->room && values->int64s)
                return;
        size_t room = rows < 1024 ? 1024 : rows + rows / 2;
        values->int64s = grown(values->int64s, room, 16); /* wide enough for any type */
        values->nulls = grown(values->nulls, room, 1);
        values->room = room;
}

void typed_reserve(TypedBatch *batch, size_t rows) {
        for (size_t i = 0; i < batch->width; i++)
                reserve_values(&batch->columns[i].values, rows);
}

size_t typed_row(TypedBatch *batch) {
        size_t row = batch->rows++;
        typed_reserve(batch, batch->rows);
        for (size_t i = 0; i < batch->width; i++)
                batch->columns[i].values.nulls[row] = true;
        return row;
}

void typed_rows(TypedBatch *batch, size_t count) {
        typed_reserve(batch, batch->rows + count);
        batch->rows += count;
}

void typed_wrong(TypedBatch *batch, size_t row, size_t column, Rule rule, Str text) {
        vec_push(&batch->arena, &batch->wrong,
                 (TypedWrong){ (uint32_t)row, (uint32_t)column, rule, arena_str(&batch->arena, str_slice(text, 0, RECORD_RAW_MAX)) });
}

/* --- values --- */

Rule typed_date(int64_t days, Vector *out, size_t row) {
        if (days < DAYS_MIN || days > DAYS_MAX)
                return RULE_OUT_OF_RANGE;
        out->int64s[row] = days;
        out->nulls[row] = false;
        return RULE_NONE;
}

/* Microseconds of it; false where it has a part that is finer. */
static bool to_micros(int64_t value, int64_t per_second, int64_t *out) {
        if (per_second <= 1000000)
                return !__builtin_mul_overflow(value, 1000000 / per_second, out);
        int64_t finer = per_second / 1000000;
        *out = value / finer;
        return value % finer == 0;
}

Rule typed_moment(int64_t value, int64_t per_second, Vector *out, size_t row) {
        int64_t seconds = value / per_second - (value % per_second < 0), micros;
        if (seconds < (int64_t)DAYS_MIN * SECONDS_OF_DAY || seconds >= ((int64_t)DAYS_MAX + 1) * SECONDS_OF_DAY)
                return RULE_OUT_OF_RANGE;
        if (!to_micros(value, per_second, &micros))
                return RULE_TOO_MANY_DIGITS;
        out->int64s[row] = micros;
        out->nulls[row] = false;
        return RULE_NONE;
}

Rule typed_time(int64_t value, int64_t per_second, Vector *out, size_t row) {
        int64_t micros;
        if (value < 0 || value >= SECONDS_OF_DAY * per_second)
                return RULE_NOT_A_TIME;
        if (!to_micros(value, per_second, &micros))
                return RULE_TOO_MANY_DIGITS;
        out->int64s[row] = micros;
        out->nulls[row] = false;
        return RULE_NONE;
}

static bool fits_precision(Int128 value, int precision) {
        Int128 limit = typing_power(precision);
        return value < limit && value > -limit;
}

Rule typed_int128(Int128 unscaled, Type type, Vector *out, size_t row) {
        if (!fits_precision(unscaled, type.precision))
                return RULE_OUT_OF_RANGE;
        if (typing_is_wide(type))
                out->decimals[row] = unscaled;
        else
                out->int64s[row] = (int64_t)unscaled;
        out->nulls[row] = false;
        return RULE_NONE;
}

/* False if it has more than 16 bytes that matter. */
static bool read_int128(Str bytes, Int128 *out) {
        uint8_t sign = bytes.size > 0 && (bytes.data[0] & 0x80) ? 0xff : 0;
        while (bytes.size > 1 && (uint8_t)bytes.data[0] == sign && ((uint8_t)bytes.data[1] & 0x80) == (sign & 0x80))
                bytes = str_slice(bytes, 1, bytes.size);
        if (bytes.size > 16)
                return false;
        unsigned __int128 value = sign ? ~(unsigned __int128)0 : 0;
        for (size_t i = 0; i < bytes.size; i++)
                value = value << 8 | (uint8_t)bytes.data[i];
        *out = (Int128)value;
        return true;
}

Rule typed_decimal(Str bytes, Type type, Vector *out, size_t row) {
        Int128 value;
        if (!read_int128(bytes, &value))
                return RULE_OUT_OF_RANGE;
        return typed_int128(value, type, out, row);
}

Rule typed_text_value(Str text, size_t limit, Vector *out, size_t row) {
        if (text.size > limit)
                return RULE_RECORD_TOO_LONG;
        if (!utf8_valid(text))
                return RULE_INVALID_UTF8;
        if (memchr(text.data ? text.data : "", 0, text.size))
                return RULE_NUL_BYTE;
        out->texts[row] = (Str){ text.data ? text.data : "", text.size };
        out->nulls[row] = false;
        return RULE_NONE;
}

/* --- as text --- */

static Str print_parts(Arena *arena, int64_t seconds, int64_t fraction, int64_t per_second) {
        int digits = per_second == 1000 ? 3 : per_second == 1000000 ? 6 : 9;
        Str text = arena_strf(arena, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
        if (fraction == 0)
                return text;
        text = arena_strf(arena, "%.*s.%0*lld", STR_ARG(text), digits, (long long)fraction);
        while (text.data[text.size - 1] == '0')
                text.size--;
        return text;
}

Str typed_print_time(Arena *arena, int64_t value, int64_t per_second) {
        if (value < 0 || value >= SECONDS_OF_DAY * per_second)
                return arena_strf(arena, "%lld/%lld s", (long long)value, (long long)per_second);
        return print_parts(arena, value / per_second, value % per_second, per_second);
}

Str typed_print_moment(Arena *arena, int64_t value, int64_t per_second, bool utc) {
        int64_t fraction = value % per_second, seconds = value / per_second;
        if (fraction < 0) {
                fraction += per_second;
                seconds--;
        }
        int64_t days = seconds / SECONDS_OF_DAY - (seconds % SECONDS_OF_DAY < 0);
        if (days < DAYS_MIN || days > DAYS_MAX)
                return arena_strf(arena, "%lld/%lld s since 1970", (long long)value, (long long)per_second);
        Str time = print_parts(arena, seconds - days * SECONDS_OF_DAY, fraction, per_second);
        return arena_strf(arena, "%.*s %.*s%s", STR_ARG(date_print(arena, (int32_t)days)), STR_ARG(time), utc ? "+00" : "");
}

Str typed_print_decimal(Arena *arena, Str bytes, int scale) {
        Int128 value;
        if (!read_int128(bytes, &value) || scale < 0 || scale > 38)
                return arena_strf(arena, "%.*s", STR_ARG(typed_print_binary(arena, bytes)));
        return int128_print(arena, value, scale);
}

Str typed_print_binary(Arena *arena, Str bytes) {
        return typing_print(&(Typing){ .type = { .kind = TYPE_BINARY } }, (Value){ .text = bytes }, arena);
}

Str typed_print(Arena *arena, Type type, const Vector *values, size_t row) {
        Typing typing = { .type = type };
        Value value = { .int64 = 0 };
        switch (type.kind) {
        case TYPE_BOOLEAN:
                value.boolean = values->int64s[row] != 0;
                break;
        case TYPE_INT:
        case TYPE_DATE:
                value.int32 = (int32_t)values->int64s[row];
                break;
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                value.number = values->numbers[row];
                break;
        case TYPE_DECIMAL:
                value.decimal = typing_is_wide(type) ? values->decimals[row] : values->int64s[row];
                break;
        case TYPE_UUID:
                memcpy(value.uuid, values->uuids[row], sizeof(value.uuid));
                break;
        case TYPE_TEXT:
        case TYPE_BINARY:
                value.text = values->texts[row];
                break;
        default:
                value.int64 = values->int64s[row];
        }
        return typing_print(&typing, value, arena);
}

Str typed_print_duration(Arena *arena, int64_t value, int64_t per_second) {
        uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, seconds = size / (uint64_t)per_second, rest = size % (uint64_t)per_second;
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_cstr(&out, value < 0 ? "-PT" : "PT");
        if (seconds >= 3600)
                buf_printf(&out, "%lluH", (unsigned long long)(seconds / 3600));
        if (seconds / 60 % 60)
                buf_printf(&out, "%lluM", (unsigned long long)(seconds / 60 % 60));
        if (seconds % 60 || rest || seconds == 0) {
                char fraction[16] = "";
                int digits = per_second == 1000 ? 3 : per_second == 1000000 ? 6 : 9;
                size_t end = rest ? (size_t)snprintf(fraction, sizeof(fraction), ".%0*llu", digits, (unsigned long long)rest) : 0;
                while (end > 0 && fraction[end - 1] == '0')
                        fraction[--end] = 0;
                buf_printf(&out, "%llu%sS", (unsigned long long)(seconds % 60), fraction);
        }
        return buf_dup(&out, arena);
}

Str typed_print_interval(Arena *arena, Str bytes) {
        uint32_t parts[3];
        memcpy(parts, bytes.data, sizeof(parts));
        uint32_t months = le32toh(parts[0]), days = le32toh(parts[1]), millis = le32toh(parts[2]);
        return arena_strf(arena, "P%uM%uDT%u.%03uS", months, days, millis / 1000, millis % 1000);
}

void typed_put_json_text(Buf *out, Str text) {
        JsonWriter w = json_writer(out, false);
        json_put_str(&w, text);
}

void typed_put_json(Buf *out, Arena *arena, Type type, const Vector *values, size_t row) {
        bool bare = type.kind == TYPE_BOOLEAN || type.kind == TYPE_INT || type.kind == TYPE_BIGINT || type.kind == TYPE_DECIMAL;
        if (type.kind == TYPE_FLOAT || type.kind == TYPE_DOUBLE)
                bare = !values->nulls[row] && isfinite(values->numbers[row]);
        if (values->nulls[row])
                buf_append_cstr(out, "null");
        else if (bare)
                buf_append(out, typed_print(arena, type, values, row));
        else
                typed_put_json_text(out, typed_print(arena, type, values, row));
}

/* A text is in quotes, so that nobody takes it for a number or for NULL. */
static void put_field(TypedBatch *batch, Buf *out, const TypedColumn *column, size_t row) {
        if (column->values.nulls[row])
                return;
        Type type = column->type;
        if (type.kind == TYPE_TEXT)
                buf_append_quoted(out, column->values.texts[row], '"');
        else if (type.kind == TYPE_INT || type.kind == TYPE_BIGINT)
                buf_printf(out, "%lld", (long long)column->values.int64s[row]);
        else
                buf_append(out, typed_print(&batch->arena, type, &column->values, row));
}

static void reserve_rows(TypedBatch *batch) {
        if (batch->rows > batch->row_room || !batch->records) {
                batch->row_room = batch->rows + batch->rows / 2 + 64;
                batch->starts = grown(batch->starts, batch->row_room, sizeof(*batch->starts));
                batch->records = grown(batch->records, batch->row_room, sizeof(*batch->records));
                batch->origins = grown(batch->origins, batch->row_room, sizeof(*batch->origins));
        }
}

Status typed_text(TypedBatch *batch, RecordBatch *out, Error *err) {
        size_t cells = batch->rows * batch->width;
        if (cells > batch->cell_room || !batch->ends) {
                batch->cell_room = cells + cells / 2 + 64;
                batch->ends = grown(batch->ends, batch->cell_room, sizeof(*batch->ends));
        }
        buf_clear(&batch->text);
        for (size_t row = 0; row < batch->rows; row++) {
                batch->starts[row] = (uint32_t)batch->text.size;
                for (size_t i = 0; i < batch->width; i++) {
                        put_field(batch, &batch->text, &batch->columns[i], row);
                        batch->ends[row * batch->width + i] = (uint32_t)batch->text.size;
                        buf_append_byte(&batch->text, i + 1 < batch->width ? ',' : '\n');
                }
                if (batch->text.size > TEXT_MAX)
                        return error_reason(err, TYPED_TEXT, reason_number(batch->records[row]));
        }
        memset(buf_reserve(&batch->text, SCAN_PADDING), 0, SCAN_PADDING);
        out->text = batch->text.data;
        out->starts = batch->starts;
        out->ends = batch->ends;
        out->origins = batch->origins;
        for (size_t row = 0; row < batch->rows; row++)
                batch->origins[row] = (RecordOrigin){ .offset = (uint64_t)batch->records[row] - 1,
                                                      .line = batch->records[row],
                                                      .raw = record_text(out, row) };
        return STATUS_OK;
}

/* --- bad records --- */

/* The record as text, each wrong value as it stands in the file. */
static Str raw_of(TypedBatch *batch, size_t row, size_t first, size_t end) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < batch->width; i++) {
                const TypedWrong *wrong = NULL;
                for (size_t w = first; w < end && !wrong; w++)
                        wrong = batch->wrong.items[w].column == i ? &batch->wrong.items[w] : NULL;
                if (i > 0)
                        buf_append_byte(&out, ',');
                if (!wrong)
                        put_field(batch, &out, &batch->columns[i], row);
                else if (batch->columns[i].type.kind == TYPE_TEXT)
                        buf_append_quoted(&out, wrong->text, '"');
                else
                        buf_append(&out, wrong->text);
                if (out.size > RECORD_RAW_MAX)
                        break;
        }
        return str_slice(buf_dup(&out, &batch->arena), 0, RECORD_RAW_MAX);
}

static void move_row(TypedBatch *batch, size_t from, size_t to) {
        for (size_t i = 0; i < batch->width && from != to; i++) {
                Vector *values = &batch->columns[i].values;
                TypeKind kind = batch->columns[i].type.kind;
                values->nulls[to] = values->nulls[from];
                if (kind == TYPE_UUID || kind == TYPE_TEXT || kind == TYPE_BINARY || typing_is_wide(batch->columns[i].type))
                        values->decimals[to] = values->decimals[from]; /* any 16 bytes */
                else
                        values->int64s[to] = values->int64s[from];
        }
}

static int compare_wrong(const void *a, const void *b) {
        const TypedWrong *x = a, *y = b;
        if (x->row != y->row)
                return x->row < y->row ? -1 : 1;
        return x->column < y->column ? -1 : x->column > y->column;
}

static void add_bad(TypedBatch *batch, size_t first, size_t end, int64_t record) {
        const TypedWrong *wrong = &batch->wrong.items[first];
        batch->bad[batch->bad_count++] = (BadRecord){ .rule = wrong->rule,
                                                      .record = record,
                                                      .line = record,
                                                      .offset = (uint64_t)record - 1,
                                                      .wrong_at = BAD_RECORD_NOWHERE,
                                                      .field = wrong->column,
                                                      .value = wrong->text,
                                                      .raw = raw_of(batch, wrong->row, first, end) };
}

/* Takes the bad records out of the rows, and numbers all. */
static void part(TypedBatch *batch) {
        int64_t before = batch->counts.records;
        size_t kept = 0, next = 0;
        if (batch->wrong.count > 1)
                qsort(batch->wrong.items, batch->wrong.count, sizeof(*batch->wrong.items), compare_wrong);
        batch->bad = ARENA_ARRAY(&batch->arena, BadRecord, batch->wrong.count + 1);
        for (size_t row = 0; row < batch->rows; row++) {
                size_t first = next;
                while (next < batch->wrong.count && batch->wrong.items[next].row == row)
                        next++;
                int64_t record = before + (int64_t)row + 1;
                if (next > first) {
                        add_bad(batch, first, next, record);
                        continue;
                }
                if (kept != row)
                        move_row(batch, row, kept);
                batch->records[kept++] = record;
        }
        batch->counts.records += (int64_t)batch->rows;
        batch->counts.good += (int64_t)kept;
        batch->counts.bad += (int64_t)batch->bad_count;
        batch->rows = kept;
}

Status typed_finish(TypedBatch *batch, bool text, RecordBatch *out, bool *out_end, Error *err) {
        *out_end = batch->rows == 0;
        reserve_rows(batch);
        part(batch);
        *out = (RecordBatch){ .rows = batch->rows,
                              .width = batch->width,
                              .records = batch->records,
                              .quoted = true,
                              .bad = batch->bad,
                              .bad_count = batch->bad_count,
                              .typed = batch };
        return text ? typed_text(batch, out, err) : STATUS_OK;
}

/* --- which types go together --- */

bool typed_is_text(StrList texts, Str key) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str name = texts.count > 0 ? json_path_name(key, &arena) : key;
        for (size_t i = 0; i < texts.count; i++)
                if (str_equal(texts.items[i], key) || str_equal_nocase(texts.items[i], name))
                        return true;
        return false;
}

static bool is_number(Type type) {
        return type.kind == TYPE_INT || type.kind == TYPE_BIGINT || type.kind == TYPE_FLOAT || type.kind == TYPE_DOUBLE || type.kind == TYPE_DECIMAL;
}

bool typed_fits(Type from, Type to, bool has_zone) {
        if (from.kind == TYPE_TEXT || to.kind == TYPE_TEXT || from.kind == to.kind)
                return true;
        if (is_number(from))
                return is_number(to);
        bool local = from.kind == TYPE_DATE || from.kind == TYPE_TIMESTAMP;
        if (to.kind == TYPE_TIMESTAMPTZ)
                return local && has_zone;
        return local && (to.kind == TYPE_DATE || to.kind == TYPE_TIMESTAMP);
}
