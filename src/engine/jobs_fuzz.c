/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs and their results as bytes, both ways: what a worker reads from lode and what lode reads from a worker, which it
 * does not trust. What is read is written as bytes that read the same. The first byte chooses which.
 */
#include "engine/locate_message.h"
#include "engine/review_message.h"
#include "engine/rows.h"
#include "engine/stage_message.h"
#include "engine/trial_message.h"
#include "engine/unpack_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the bytes and writes what it read; false: refused. */
#define BOTH_WAYS(name, Kind)                                             \
        static bool name##_again(Str bytes, Arena *arena, Buf *out) {     \
                Error err = { 0 };                                        \
                Kind value;                                               \
                if (name##_read(bytes, arena, &value, &err) != STATUS_OK) \
                        return false;                                     \
                name##_write(out, &value);                                \
                return true;                                              \
        }
BOTH_WAYS(stage_spec, StageSpec)
BOTH_WAYS(sniff_spec, SniffSpec)
BOTH_WAYS(sniff_result, SniffResult)
BOTH_WAYS(locate_spec, LocateSpec)
BOTH_WAYS(locate_result, LocateResult)
BOTH_WAYS(execute_spec, ExecuteSpec)
BOTH_WAYS(review_spec, ReviewSpec)
BOTH_WAYS(trial_spec, TrialSpec)
BOTH_WAYS(trial_result, TrialResult)
BOTH_WAYS(archive, Archive)

static bool stage_result_again(Str bytes, Arena *arena, Buf *out) {
        SourceColumn columns[2] = { { .name = STR("id"), .type = { .kind = TYPE_BIGINT } }, { .name = STR("name"), .type = { .kind = TYPE_TEXT } } };
        StageSpec spec = { .format = format_default(), .columns = columns, .column_count = COUNT_OF(columns) };
        Error err = { 0 };
        StageResult result;
        if (stage_result_read(bytes, &spec, arena, &result, &err) != STATUS_OK)
                return false;
        stage_result_write(out, &result);
        return true;
}

static bool review_entries_again(Str bytes, Arena *arena, Buf *out) {
        Error err = { 0 };
        Cursor cursor = cursor_of(bytes);
        while (cursor_left(&cursor) > 0) {
                ReviewEntry entry;
                if (review_entry_read(&cursor, 2, arena, &entry, &err) != STATUS_OK)
                        return false;
                review_entry_write(out, &entry);
        }
        return true;
}

static bool failure_again(Str bytes, Arena *arena, Buf *out) {
        Error err = { 0 };
        Failure failure;
        Cursor cursor = cursor_of(bytes);
        if (failure_read(&cursor, arena, &failure, &err) != STATUS_OK)
                return false;
        if (failure_to_error(&failure, STR("select a from b"), true, &err) == STATUS_OK)
                panic("a failure that is none");
        for (const char *at = err.message; *at; at++)
                if ((unsigned char)*at < 0x20 || *at == 0x7f)
                        panic("a control character of a worker's reaches a message");
        failure_write(out, &failure);
        return true;
}

static bool (*const KINDS[])(Str bytes, Arena *arena, Buf *out) = {
        stage_spec_again,    stage_result_again, sniff_spec_again, sniff_result_again, locate_spec_again,
        locate_result_again, execute_spec_again, failure_again, trial_spec_again, trial_result_again, review_spec_again, review_entries_again, archive_again,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(buf_deinit) Buf first = { 0 };
        CLEANUP(buf_deinit) Buf second = { 0 };
        if (size < 1)
                return 0;
        size_t kind = data[0] % COUNT_OF(KINDS);
        if (!KINDS[kind]((Str){ (const char *)data + 1, size - 1 }, &arena, &first))
                return 0;
        if (!KINDS[kind](buf_view(&first), &arena, &second) || !str_equal(buf_view(&first), buf_view(&second)))
                panic("what was read and written (%zu) does not read the same", kind);
        return 0;
}
