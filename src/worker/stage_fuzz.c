/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conservation: whatever the bytes, the dialect and the fixes, records = accepted + quarantined + skipped, the files hold as
 * many rows as that says, every byte was read, and a review of the same delivery says the same of it. The first bytes choose
 * the dialect and where a fix is.
 */
#include "worker/stage.h"

#include "base/hash.h"
#include "worker/memory_file.h"
#include "worker/review.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static SourceColumn columns[] = {
        { .name = STR("a"), .type = { .kind = TYPE_INT }, .required = true, .field_id = 1 },
        { .name = STR("b"), .type = { .kind = TYPE_DECIMAL, .precision = 9, .scale = 2 }, .field_id = 2 },
        { .name = STR("c"), .type = { .kind = TYPE_TEXT }, .field_id = 3 },
        { .name = STR("d"), .type = { .kind = TYPE_DATE }, .field_id = 4 },
};

static void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

static void check_counts(const StageSpec *spec, const StageResult *r, size_t size) {
        const int64_t keyed = r->quarantined - r->keyless;
        require(r->witnesses == (spec->witness_field_id ? keyed + (r->keyless > 0) : 0), "not each key of quarantine has a witness");
        require(r->records == r->accepted + r->quarantined + r->skipped, "records are lost");
        require(r->skipped == r->headers + r->blanks + r->comments + r->preamble + r->footers + r->dropped, "what was skipped does not add up");
        require(r->data.rows == r->accepted + r->witnesses, "the table has another number of rows");
        require(r->quarantine.rows == r->quarantined + r->fixed + r->dropped, "the quarantine has another number of rows");
        require(r->bytes == (int64_t)size, "not every byte was read");
        int64_t struck = 0;
        for (size_t i = 0; i < r->rule_count; i++)
                struck += r->rules[i].count;
        require(struck == r->quarantined, "the rules struck another number of records");
}

static void check_review(const StageSpec *stage, Str text, const StageResult *staged, Arena *arena) {
        ReviewSpec spec = { .format = stage->format, .columns = columns, .column_count = COUNT_OF(columns) };
        CLEANUP(close_fdp) int in = memory_file(text);
        CLEANUP(close_fdp) int out = memory_file(STR(""));
        ReviewResult r;
        Error err;
        Str bytes;
        require(review_run(&spec, in, out, arena, &r, &err) == STATUS_OK, "a review fails where staging did not");
        require(r.records == staged->records && r.same + r.changed == staged->accepted && r.quarantined == staged->quarantined,
                "a review says otherwise than staging");
        lseek(out, 0, SEEK_SET);
        require(file_read_fd(out, "entries", 1u << 30, arena, &bytes, &err) == STATUS_OK, "no entries");
        Cursor cursor = cursor_of(bytes);
        int64_t last = 0, count = 0;
        for (ReviewEntry entry; cursor_left(&cursor) > 0; count++, last = entry.record) {
                require(review_entry_read(&cursor, COUNT_OF(columns), arena, &entry, &err) == STATUS_OK, "an entry that is none");
                require(entry.record > last, "a record's ordinal does not rise");
        }
        require(count == r.same + r.changed + r.quarantined, "another number of entries");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Stager *stager; /* warm from input to input, as in a worker */
        CLEANUP(arena_deinit) Arena arena = { 0 };
        if (size < 4)
                return 0;
        if (!stager)
                stager = stager_new();
        Format format = format_default();
        format.delimiter = ",;\t|"[data[0] & 3];
        format.quote = data[0] & 4 ? '"' : data[0] & 8 ? '\'' : 0;
        format.escape = format.quote && data[0] & 16 ? '\\' : 0;
        if (data[0] & 16 && !format.quote)
                format.escapes = data[1] & 16 ? ESCAPES_MYSQL : ESCAPES_POSTGRES;
        format.header = data[0] & 32;
        format.comment = data[0] & 64 ? STR("#") : STR("");
        format.footer = data[0] & 128 ? STR("^Total") : STR("");
        format.skip = data[1] & 1;
        format.compression = FORMAT_PLAIN;
        Str text = { (const char *)data + 4, size - 4 };
        Str line = str_slice(text, data[2], data[2] + (size_t)data[3] % 32), names[] = { STR("b") }, values[] = { STR("1.5") };
        size_t keys[] = { 0, 2 };
        StageFix fix = { .offset = data[2], .raw_hash = hash64_stable(line), .drop = data[1] & 2, .whole = data[1] & 4, .text = STR("1,2,x,2026-01-01"),
                         .columns = { names, 1 }, .values = { values, 1 }, .rule = STR("r"), .message = STR("m") };
        StageSpec spec = { .format = format, .columns = columns, .column_count = COUNT_OF(columns), .file_id = 1, .file_field_id = 11, .row_field_id = 12,
                           .fixes = &fix, .fix_count = data[1] & 8 ? 1 : 0, .extra_field_id = data[1] & 64 ? 13 : 0,
                           .witness_field_id = data[1] & 32 ? 14 : 0, .keys = keys, .key_count = COUNT_OF(keys) };
        CLEANUP(close_fdp) int in = memory_file(text);
        CLEANUP(close_fdp) int out = memory_file(STR(""));
        CLEANUP(close_fdp) int quarantine = memory_file(STR(""));
        StageResult result;
        Error err;
        if (stage_run(stager, &spec, (StageFiles){ in, out, quarantine }, (StageProgress){ NULL, NULL }, &arena, &result, &err) != STATUS_OK) {
                require(err.status != STATUS_INTERNAL, err.message);
                return 0;
        }
        check_counts(&spec, &result, text.size);
        if (spec.fix_count == 0)
                check_review(&spec, text, &result, &arena);
        return 0;
}
