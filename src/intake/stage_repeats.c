/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that come twice in one file or snapshot: said in the deliveries' messages. */
#include "engine/data_row.h"
#include "intake/fold.h"
#include "intake/staging.h"

typedef struct Repeats {
        Staging *s;
        int64_t delivery; /* whose words are written */
        size_t shown;
        Buf words;
} Repeats;

static Reading *reading_of(const Staging *s, int64_t delivery) {
        for (size_t i = 0; i < s->readings.count; i++)
                if (s->readings.items[i].report->delivery.id == delivery)
                        return &s->readings.items[i];
        return NULL;
}

static Str name_of(const Staging *s, int64_t delivery) {
        for (size_t i = 0; i < s->ledger_count; i++)
                if (s->ledger[i].id == delivery)
                        return s->ledger[i].name;
        return STR("another file");
}

static void end_words(Repeats *repeats) {
        Reading *reading = repeats->words.size ? reading_of(repeats->s, repeats->delivery) : NULL;
        if (!reading)
                return;
        Str before = reading->report->delivery.message;
        reading->report->delivery.message = arena_strf(repeats->s->arena, "%.*s%s%.*s", STR_ARG(before), before.size ? "; " : "",
                                                       STR_ARG(buf_view(&repeats->words)));
        buf_clear(&repeats->words);
}

static void put_record(const Repeats *repeats, Buf *words, int64_t row, int64_t file) {
        buf_printf(words, "record %lld", (long long)row);
        if (file != repeats->delivery)
                buf_printf(words, " of %.*s", STR_ARG(name_of(repeats->s, file)));
}

static Status take_repeat(void *context, Str data_row, Error *err) {
        Repeats *repeats = context;
        int64_t numbers[6];
        Str value;
        bool is_null, good;
        DataRow row;
        good = data_row_open(data_row, &row);
        for (size_t i = 0; i < COUNT_OF(numbers) && good; i++)
                good = data_row_next(&row, &value, &is_null) && str_to_int64(value, &numbers[i]);
        if (!good || !data_row_next(&row, &value, &is_null))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        if (numbers[0] != repeats->delivery)
                end_words(repeats);
        bool first = repeats->words.size == 0, one = numbers[5] == 1;
        repeats->delivery = numbers[0];
        repeats->shown = first ? 1 : repeats->shown + 1;
        if (first)
                buf_printf(&repeats->words, "%lld record%s a key that comes again %s, and of equals the last counts: ", (long long)numbers[5],
                           one ? " has" : "s have", feed_is_snapshots(repeats->s->feed) ? "in the same snapshot" : "in the same file");
        else
                buf_append_cstr(&repeats->words, ", ");
        put_record(repeats, &repeats->words, numbers[1], numbers[2]);
        buf_append_cstr(&repeats->words, " before ");
        put_record(repeats, &repeats->words, numbers[3], numbers[4]);
        buf_printf(&repeats->words, " (%.*s)", STR_ARG(value));
        if (repeats->shown == FOLD_REPEATS_MAX && numbers[5] > FOLD_REPEATS_MAX)
                buf_append_cstr(&repeats->words, ", ...");
        return STATUS_OK;
}

/* Which of two records counts must not be told by their place alone and nobody know of it. */
Status staging_tell_repeats(Staging *s, const FoldSpec *fold, Error *err) {
        int64_t *of = ARENA_ARRAY(s->arena, int64_t, s->readings.count + 1);
        size_t count = 0;
        for (size_t i = 0; i < s->readings.count; i++)
                if (s->readings.items[i].accepted)
                        of[count++] = s->readings.items[i].report->delivery.id;
        if (count == 0)
                return STATUS_OK;
        CLEANUP(buf_deinit) Buf sql = { 0 };
        Repeats repeats = { .s = s };
        int64_t rows;
        fold_repeats_print(&sql, fold, of, count, s->arena);
        Status status = worker_execute(s->worker, buf_view(&sql), take_repeat, &repeats, &rows, err);
        end_words(&repeats);
        buf_deinit(&repeats.words);
        return status;
}
