/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader keeps a window of the decoded file in a buffer and takes one step after the other in it: a line, or a
 * piece of a document's frame with the record behind it. A step that meets the end of the window changes nothing, and
 * is taken again when more bytes are there. The values of a record are noted by column as they are met; when its end
 * is known they are written out in the order of columns. A record that brings new columns ends the batch before it,
 * since the rows of a batch have one width, and is read again with the next.
 */
#include "frame/json_reader.h"

#include "base/reason.h"
#include "frame/builder.h"
#include "frame/json_text.h"
#include "frame/json_tree.h"
#include "frame/window.h"

#define LEVELS_MAX (JSON_DEPTH_MAX)

typedef enum SlotKind { SLOT_BARE, SLOT_STRING, SLOT_ESCAPED, SLOT_NESTED } SlotKind;

/* What a record has for a column. */
typedef struct Slot {
        uint64_t serial; /* of the record that it was noted for */
        SlotKind kind;
        Str text;
} Slot;

/* An object or list of a document that holds the records, or holds what holds them. */
typedef struct Level {
        bool list, records, any; /* any: an item was passed */
        size_t passed;           /* keys of the path */
} Level;

typedef enum Step { STEP_ON, STEP_MORE, STEP_FULL, STEP_END, STEP_FAILED } Step;

typedef struct JsonReader {
        Format format;
        ReaderOptions options;
        bool lines;
        Arena arena; /* of one file */
        StrList path;

        Window window;

        JsonText json;
        JsonTree tree;
        uint64_t serial;
        Slot *slots;
        VEC(JsonNode *) nulls; /* of the record that is read */
        bool too_wide;

        bool line_has_value;
        bool skipping; /* inside a line that is too long to keep; `long_line` is its record */
        BadRecord long_line;
        Buf long_raw;

        Level levels[LEVELS_MAX];
        size_t level_count;
        int64_t tops; /* values of the outermost level that were begun */
        bool objects; /* these are objects, one after the other */
        bool found;   /* the records were */

        BatchBuilder batch;
} JsonReader;

static JsonReader *new_reader(bool lines) {
        JsonReader *reader = calloc(1, sizeof(*reader));
        if (!reader)
                out_of_memory();
        window_init(&reader->window);
        reader->lines = lines;
        reader->slots = calloc(FORMAT_COLUMNS_MAX, sizeof(*reader->slots));
        if (!reader->slots)
                out_of_memory();
        return reader;
}

static void *make_document(void) {
        return new_reader(false);
}

static void *make_lines(void) {
        return new_reader(true);
}

static void free_reader(void *state) {
        JsonReader *reader = state;
        window_deinit(&reader->window);
        builder_deinit(&reader->batch);
        arena_deinit(&reader->arena);
        json_text_deinit(&reader->json);
        json_tree_deinit(&reader->tree);
        buf_deinit(&reader->long_raw);
        free(reader->slots);
        free(reader);
}

static void begin_text(JsonReader *reader) {
        JsonText *json = &reader->json;
        json->text = reader->window.buffer;
        json->at = reader->window.at;
        json->size = reader->window.size;
        json->whole = reader->window.ended && !reader->options.sample;
        json->one_line = reader->lines;
        json->flaw = JSON_FAULT_NONE;
        json->high = false;
}

/* --- a record's values --- */

static void note_value(JsonReader *reader, JsonNode *node, SlotKind kind, Str text) {
        size_t column = json_tree_column(&reader->tree, node);
        if (column == JSON_NO_COLUMN)
                reader->too_wide = true;
        else
                reader->slots[column] = (Slot){ reader->serial, kind, text };
}

static bool read_text(JsonReader *reader, JsonNode *node) {
        JsonString string;
        if (!json_text_string(&reader->json, &string))
                return false;
        note_value(reader, node, string.escaped ? SLOT_ESCAPED : SLOT_STRING, string.inside);
        return true;
}

static bool read_bare(JsonReader *reader, JsonNode *node) {
        JsonText *json = &reader->json;
        char c = json->text[json->at];
        Str text;
        if (!(c == '-' || (c >= '0' && c <= '9') ? json_text_number(json, &text) : json_text_word(json, &text)))
                return false;
        if (c == 'n')
                vec_push(&reader->arena, &reader->nulls, node);
        else
                note_value(reader, node, SLOT_BARE, text);
        return true;
}

static bool read_nested(JsonReader *reader, JsonNode *node, size_t depth) {
        Str text;
        if (!json_text_value(&reader->json, depth, &text))
                return false;
        note_value(reader, node, SLOT_NESTED, text);
        return true;
}

static bool read_object(JsonReader *reader, JsonNode *object);

/* depth: how many values it lies in */
static bool read_value(JsonReader *reader, JsonNode *node, size_t depth) {
        char c = reader->json.text[reader->json.at];
        if (c == '"')
                return read_text(reader, node);
        if (c == '{' && !node->whole)
                return read_object(reader, node);
        return c == '{' || c == '[' ? read_nested(reader, node, depth) : read_bare(reader, node);
}

/* The node of a key, which may be new. NULL: there are too many, or it cannot be a name. */
static JsonNode *find_key(JsonReader *reader, JsonNode *object, JsonString key) {
        CLEANUP(freep) char *text = NULL;
        if (key.escaped) {
                text = malloc(key.inside.size + 1);
                if (!text)
                        out_of_memory();
                key.inside = (Str){ text, json_unescape(key.inside, text) };
        }
        if (reader->json.high && !utf8_valid(key.inside))
                return NULL; /* the record is bad for it */
        JsonNode *node = json_tree_key(&reader->tree, object, key.inside);
        reader->too_wide |= node == NULL;
        return node;
}

static bool read_member(JsonReader *reader, JsonNode *object) {
        JsonText *json = &reader->json;
        JsonString key;
        Str unused;
        size_t start = json->at;
        if (!json_text_key(json, &key))
                return false;
        JsonNode *node = find_key(reader, object, key);
        if (!node)
                return json_text_value(json, object->depth, &unused);
        if (node->seen == reader->serial)
                json_text_flaw(json, JSON_FAULT_DUPLICATE_KEY, start);
        node->seen = reader->serial;
        return read_value(reader, node, node->depth);
}

static bool read_object(JsonReader *reader, JsonNode *object) {
        JsonText *json = &reader->json;
        object->expected = object->first;
        json->at++;
        json_text_blank(json);
        if (json->text[json->at] == '}') {
                json->at++;
                if (object->parent)
                        vec_push(&reader->arena, &reader->nulls, object);
                return true;
        }
        for (bool end = false; !end;)
                if (!read_member(reader, object) || !json_text_next(json, '}', &end))
                        return false;
        return true;
}

/* The value at `at`; false at a fault of grammar. */
static bool read_record(JsonReader *reader) {
        JsonText *json = &reader->json;
        Str unused;
        json->flaw = JSON_FAULT_NONE;
        json->high = false;
        reader->serial++;
        reader->nulls.count = 0;
        if (reader->options.places_only)
                return json_text_value(json, 0, &unused);
        if (json->text[json->at] == '{')
                return read_object(reader, reader->tree.root);
        JsonNode *node = json_tree_key(&reader->tree, reader->tree.root, STR("value"));
        reader->too_wide |= node == NULL;
        return node ? read_value(reader, node, 0) : json_text_value(json, 0, &unused);
}

/* --- rows --- */

/* In quotes, with quotes doubled. What the string means is made behind where it goes, and moves there. */
static void put_escaped(Buf *out, Str inside) {
        char *into = buf_reserve(out, inside.size * 2 + 2), *from = into + 1 + inside.size;
        size_t means = json_unescape(inside, from), size = 0;
        into[size++] = '"';
        for (size_t i = 0; i < means; i++) {
                char c = from[i];
                if (c == '"')
                        into[size++] = c;
                into[size++] = c;
        }
        into[size++] = '"';
        buf_added(out, size);
}

/* JSON text without the blanks between its values, in quotes, with quotes doubled. */
static void put_nested(Buf *out, Str text) {
        char *into = buf_reserve(out, text.size * 2 + 2);
        size_t size = 0;
        bool inside = false, escape = false;
        into[size++] = '"';
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (!inside && (c == ' ' || c == '\t' || c == '\n' || c == '\r'))
                        continue;
                if (c == '"') {
                        inside ^= !escape;
                        into[size++] = c;
                }
                escape = c == '\\' && !escape;
                into[size++] = c;
        }
        into[size++] = '"';
        buf_added(out, size);
}

static void put_slot(Buf *out, const Slot *slot) {
        switch (slot->kind) {
        case SLOT_BARE:
                buf_append(out, slot->text);
                return;
        case SLOT_STRING:
                buf_append(out, (Str){ slot->text.data - 1, slot->text.size + 2 });
                return;
        case SLOT_ESCAPED:
                put_escaped(out, slot->text);
                return;
        case SLOT_NESTED:
                put_nested(out, slot->text);
        }
}

static RecordOrigin origin_of(JsonReader *reader, size_t start, size_t end) {
        Window *window = &reader->window;
        return (RecordOrigin){ .offset = window_offset(window, start),
                               .length = window_raw_size(window, start, end),
                               .line = window_line(window, start),
                               .raw = { window->buffer + start, end - start } };
}

static void add_row(JsonReader *reader, size_t start, size_t end) {
        Buf *text = &reader->batch.text;
        uint32_t *ends = builder_row(&reader->batch);
        for (size_t i = 0; i < reader->batch.width; i++) {
                if (reader->slots[i].serial == reader->serial)
                        put_slot(text, &reader->slots[i]);
                ends[i] = (uint32_t)text->size;
                buf_append_byte(text, ',');
        }
        for (size_t i = 0; i < reader->nulls.count; i++)
                reader->nulls.items[i]->nulls = true;
        builder_end_row(&reader->batch, origin_of(reader, start, end));
}

static BadRecord *add_bad(JsonReader *reader, Rule rule, size_t start, size_t end) {
        return builder_bad(&reader->batch, rule, origin_of(reader, start, end));
}

/* With the place of the first byte that is no text. */
static void add_undecoded(JsonReader *reader, size_t start, size_t end) {
        const Window *window = &reader->window;
        size_t at = start + utf8_prefix((Str){ window->buffer + start, end - start }, SIZE_MAX);
        BadRecord *bad = add_bad(reader, input_sizes(window->input) ? RULE_INVALID_BYTES : RULE_INVALID_UTF8, start, end);
        bad->wrong_at = bad->offset + window_raw_size(window, start, at);
}

static void add_fault(JsonReader *reader, JsonFault fault, size_t at, size_t start, size_t end) {
        BadRecord *bad = add_bad(reader, fault == JSON_FAULT_NUL ? RULE_NUL_BYTE : RULE_BAD_JSON, start, end);
        bad->width = at - start + 1;
        bad->wanted = fault;
}

/* A value whose grammar holds. FULL: it belongs to the next batch. `columns`: how many there were before it. */
static Step take_value(JsonReader *reader, size_t start, size_t end, size_t columns) {
        const JsonText *json = &reader->json;
        Str raw = { reader->window.buffer + start, end - start };
        bool too_long = raw.size > reader->format.record_limit, undecoded = json->high && !utf8_valid(raw);
        if (too_long || undecoded || json->flaw != JSON_FAULT_NONE) {
                json_tree_forget(&reader->tree, columns);
                if (too_long)
                        add_bad(reader, RULE_RECORD_TOO_LONG, start, end);
                else if (undecoded)
                        add_undecoded(reader, start, end);
                else
                        add_fault(reader, json->flaw, json->flaw_at, start, end);
                return STEP_ON;
        }
        if (reader->tree.columns.count > reader->batch.width) {
                if (reader->batch.rows > 0)
                        return STEP_FULL;
                reader->batch.width = reader->tree.columns.count;
        }
        add_row(reader, start, end);
        return STEP_ON;
}

static Step too_wide(JsonReader *reader, size_t start, Error *err) {
        error_reason(err, JSON_KEYS, reason_number(window_line(&reader->window, start)), reason_number(FORMAT_COLUMNS_MAX));
        return STEP_FAILED;
}

/* --- lines --- */

/* A line that began at `start` is over the limit and its end is not in sight: what follows is dropped up to there. */
static void start_skipping(JsonReader *reader, size_t start) {
        size_t size = reader->window.size - start;
        buf_clear(&reader->long_raw);
        buf_append(&reader->long_raw, (Str){ reader->window.buffer + start, size < RECORD_RAW_MAX ? size : RECORD_RAW_MAX });
        reader->long_line = (BadRecord){ .rule = RULE_RECORD_TOO_LONG,
                                         .line = window_line(&reader->window, start),
                                         .offset = window_offset(&reader->window, start),
                                         .length = window_raw_size(&reader->window, start, reader->window.size) };
        window_claim(&reader->window, reader->window.size);
        reader->skipping = true;
}

static size_t line_end(const JsonReader *reader, size_t from) {
        const char *found = memchr(reader->window.buffer + from, '\n', reader->window.size - from);
        return found ? (size_t)(found - reader->window.buffer) : reader->window.size;
}

static Step skip_line(JsonReader *reader) {
        size_t end = line_end(reader, reader->window.at);
        reader->long_line.length += window_raw_size(&reader->window, reader->window.at, end);
        if (end == reader->window.size && !reader->window.ended) {
                window_claim(&reader->window, end);
                return STEP_MORE;
        }
        reader->skipping = false;
        BadRecord *bad = add_bad(reader, RULE_RECORD_TOO_LONG, reader->window.at, reader->window.at);
        reader->long_line.record = bad->record;
        *bad = reader->long_line;
        bad->raw = buf_view(&reader->long_raw);
        window_claim(&reader->window, end);
        reader->line_has_value = true;
        return STEP_ON;
}

static Step bad_line(JsonReader *reader, size_t start, size_t columns) {
        const JsonText *json = &reader->json;
        size_t end = line_end(reader, json->fault_at);
        if (end == reader->window.size && !reader->window.ended)
                return STEP_MORE;
        json_tree_forget(&reader->tree, columns);
        bool half = end > start && reader->window.buffer[end - 1] == '\r';
        add_fault(reader, json->fault, json->fault_at, start, end - half);
        window_claim(&reader->window, end);
        reader->line_has_value = true;
        return STEP_ON;
}

/* Behind a value of a line stands its end, or another object. */
static bool line_goes_on(JsonText *json) {
        json_text_blank(json);
        if (json->at >= json->size)
                return json->whole || json_text_fail(json, JSON_FAULT_MORE);
        return json->text[json->at] == '\n' || json->text[json->at] == '{' || json_text_fail(json, JSON_FAULT_EXTRA);
}

static Step end_line(JsonReader *reader, size_t at) {
        if (!reader->line_has_value) {
                reader->batch.counts.records++;
                reader->batch.counts.blanks++;
        }
        reader->line_has_value = false;
        window_claim(&reader->window, at + 1);
        return STEP_ON;
}

static Step step_lines(JsonReader *reader, Error *err) {
        if (reader->skipping)
                return skip_line(reader);
        JsonText *json = &reader->json;
        begin_text(reader);
        json_text_blank(json);
        size_t start = json->at, columns = reader->tree.columns.count;
        if (start >= reader->window.size)
                return reader->window.ended ? STEP_END : STEP_MORE;
        if (reader->window.buffer[start] == '\n')
                return end_line(reader, start);
        bool good = read_record(reader);
        size_t end = json->at;
        good = good && line_goes_on(json);
        if (!good && json->fault == JSON_FAULT_MORE) {
                if (reader->window.size - start > reader->format.record_limit)
                        start_skipping(reader, start);
                return reader->window.ended ? STEP_END : STEP_MORE;
        }
        if (reader->too_wide)
                return too_wide(reader, start, err);
        if (!good)
                return bad_line(reader, start, columns);
        Step step = take_value(reader, start, end, columns);
        if (step == STEP_ON) {
                window_claim(&reader->window, end);
                reader->line_has_value = true;
        }
        return step;
}

/* --- documents --- */

static Step broken(JsonReader *reader, Error *err) {
        const JsonText *json = &reader->json;
        if (json->fault == JSON_FAULT_MORE)
                return reader->window.ended ? STEP_END : STEP_MORE;
        int64_t line = window_line(&reader->window, json->fault_at);
        error_reason(err, JSON_BROKEN, reason_number(line), reason_number(window_column(&reader->window, json->fault_at)),
                     reason_text(str_of(json_fault_words(json->fault))));
        return STEP_FAILED;
}

static void push_level(JsonReader *reader, Level level) {
        reader->levels[reader->level_count++] = level;
        window_claim(&reader->window, reader->json.at + 1);
}

static Step take_record(JsonReader *reader, Error *err) {
        size_t start = reader->json.at, columns = reader->tree.columns.count;
        bool good = read_record(reader);
        if (!good)
                return broken(reader, err);
        if (reader->too_wide)
                return too_wide(reader, start, err);
        Step step = take_value(reader, start, reader->json.at, columns);
        if (step == STEP_ON)
                window_claim(&reader->window, reader->json.at);
        return step;
}

static Step skip_value(JsonReader *reader, Error *err) {
        Str unused;
        if (!json_text_value(&reader->json, reader->level_count, &unused))
                return broken(reader, err);
        window_claim(&reader->window, reader->json.at);
        return STEP_ON;
}

/* The value at `at`, to which so many keys of the path lead. */
static Step enter(JsonReader *reader, size_t passed, Error *err) {
        char c = reader->json.text[reader->json.at];
        bool there = passed == reader->path.count, inside = passed < reader->path.count;
        reader->found |= there;
        if (there && c != '[')
                return take_record(reader, err);
        if ((c != '[' && (c != '{' || !inside)) || reader->level_count == LEVELS_MAX)
                return skip_value(reader, err);
        push_level(reader, (Level){ .list = c == '[', .records = there, .passed = passed });
        return STEP_ON;
}

/* What stands at the outermost level: one value, or objects one after the other. */
static Step step_top(JsonReader *reader, Error *err) {
        JsonText *json = &reader->json;
        if (json->at >= json->size && json->whole && reader->tops == 0) {
                error_reason(err, FILE_EMPTY);
                return STEP_FAILED;
        }
        if (json->at >= json->size && (!json->whole || reader->tops > 0)) {
                if (!reader->window.ended)
                        return STEP_MORE;
                if (reader->path.count == 0 || reader->found || reader->options.sample)
                        return STEP_END;
                error_reason(err, JSON_NOTHING, reason_text(reader->format.records));
                return STEP_FAILED;
        }
        bool object = json->text[json->at] == '{';
        if (reader->tops > 0 && !(reader->objects && object)) {
                json_text_fail(json, JSON_FAULT_EXTRA);
                return broken(reader, err);
        }
        Step step = enter(reader, 0, err);
        if (step == STEP_ON) {
                reader->tops++;
                reader->objects = object && reader->path.count == 0;
        }
        return step;
}

static Step step_level(JsonReader *reader, Error *err) {
        JsonText *json = &reader->json;
        size_t index = reader->level_count - 1;
        Level *level = &reader->levels[index];
        char close = level->list ? ']' : '}';
        bool end = !level->any && json->text[json->at] == close;
        json->at += end;
        if (level->any && !json_text_next(json, close, &end))
                return broken(reader, err);
        if (end) {
                reader->level_count--;
                window_claim(&reader->window, json->at);
                return STEP_ON;
        }
        bool wanted = true;
        if (!level->list) {
                JsonString key;
                if (!json_text_key(json, &key))
                        return broken(reader, err);
                CLEANUP(buf_deinit) Buf text = { 0 };
                buf_added(&text, json_unescape(key.inside, buf_reserve(&text, key.inside.size + 1)));
                wanted = str_equal(buf_view(&text), reader->path.items[level->passed]);
        }
        Step step = !wanted          ? skip_value(reader, err)
                    : level->records ? take_record(reader, err)
                                     : enter(reader, level->passed + !level->list, err);
        if (step == STEP_ON)
                reader->levels[index].any = true;
        return step;
}

static Step step_document(JsonReader *reader, Error *err) {
        begin_text(reader);
        json_text_blank(&reader->json);
        Step step = reader->level_count > 0 ? step_level(reader, err) : step_top(reader, err);
        if (step == STEP_MORE && reader->window.size - reader->window.at > reader->format.record_limit) {
                error_reason(err, JSON_LIMIT, reason_number(window_line(&reader->window, reader->window.at)),
                             reason_number(reader->format.record_limit));
                return STEP_FAILED;
        }
        return step;
}

/* --- as a kind of reader --- */

static StrList path_of(Str text, Arena *arena) {
        if (str_starts_with(text, STR("$")))
                text = str_slice(text, str_starts_with(text, STR("$.")) ? 2 : 1, text.size);
        return json_path_split(text, arena);
}

static Status start(void *state, const ReaderOptions *options, Source source, Error *err) {
        JsonReader *reader = state;
        reader->options = *options;
        reader->format = *options->format;
        reader->skipping = reader->line_has_value = reader->too_wide = false;
        reader->level_count = 0;
        reader->tops = 0;
        reader->objects = reader->found = false;
        builder_start_file(&reader->batch);
        arena_reset(&reader->arena);
        memset(&reader->nulls, 0, sizeof(reader->nulls));
        reader->path = path_of(reader->format.records, &reader->arena);
        json_tree_init(&reader->tree, options->names);
        return window_start(&reader->window, source, &reader->format, options->limit, err);
}

static Status take_steps(JsonReader *reader, Error *err) {
        while (!builder_is_full(&reader->batch)) {
                Step step = reader->lines ? step_lines(reader, err) : step_document(reader, err);
                bool empty = builder_is_empty(&reader->batch);
                if (step == STEP_FAILED)
                        return err->status;
                if (step == STEP_FULL || (step == STEP_MORE && !empty))
                        return STATUS_OK;
                if (step == STEP_MORE)
                        TRY(window_fill(&reader->window, err));
                if (step != STEP_END)
                        continue;
                if (empty && !json_tree_finish(&reader->tree))
                        return too_wide(reader, reader->window.at, err), err->status;
                return STATUS_OK;
        }
        return STATUS_OK;
}

static Status next(void *state, RecordBatch *out, bool *out_end, Error *err) {
        JsonReader *reader = state;
        builder_start_batch(&reader->batch, reader->tree.columns.count);
        TRY(take_steps(reader, err));
        builder_batch(&reader->batch, out, out_end);
        reader->batch.counts.bytes = input_read_decoded(reader->window.input);
        return STATUS_OK;
}

/* A record's keys are its header, and there may be more of them later. */
static void header(const void *state, Arena *arena, Str **out, size_t *out_count) {
        const JsonReader *reader = state;
        *out_count = reader->tree.columns.count;
        *out = ARENA_ARRAY(arena, Str, *out_count + 1);
        for (size_t i = 0; i < *out_count; i++)
                (*out)[i] = arena_str(arena, reader->tree.columns.items[i]->path);
}

static Str key(const void *state, size_t field) {
        const JsonReader *reader = state;
        return reader->tree.columns.items[field]->path;
}

static size_t width(const void *state) {
        const JsonReader *reader = state;
        return reader->tree.columns.count;
}

static const RecordCounts *counts(const void *state) {
        const JsonReader *reader = state;
        return &reader->batch.counts;
}

static uint64_t read_raw(const void *state) {
        const JsonReader *reader = state;
        return input_read_raw(reader->window.input);
}

const ReaderKind json_kind = { make_document, free_reader, start, header, width, next, counts, read_raw, key };
const ReaderKind jsonl_kind = { make_lines, free_reader, start, header, width, next, counts, read_raw, key };
