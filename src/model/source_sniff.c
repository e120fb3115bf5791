/* SPDX-License-Identifier: Apache-2.0 */
#include "model/source.h"

static StrList list_copy(Arena *arena, StrList list) {
        StrList copy = { ARENA_ARRAY(arena, Str, list.count + 1), list.count };
        for (size_t i = 0; i < list.count; i++)
                copy.items[i] = arena_str(arena, list.items[i]);
        return copy;
}

static Format format_copy(Arena *arena, const Format *format) {
        Format copy = *format;
        copy.encoding = arena_str(arena, format->encoding);
        copy.comment = arena_str(arena, format->comment);
        copy.footer = arena_str(arena, format->footer);
        copy.sheets = list_copy(arena, format->sheets);
        copy.range = arena_str(arena, format->range);
        copy.records = arena_str(arena, format->records);
        copy.nulls = list_copy(arena, format->nulls);
        copy.currency = list_copy(arena, format->currency);
        copy.dates = list_copy(arena, format->dates);
        copy.true_words = list_copy(arena, format->true_words);
        copy.false_words = list_copy(arena, format->false_words);
        return copy;
}

static Str doubt_words(Arena *arena, const Doubt *doubt) {
        if (doubt->assumed.size == 0)
                return arena_str(arena, doubt->what);
        return arena_strf(arena, "%.*s; assumed: %.*s", STR_ARG(doubt->what), STR_ARG(doubt->assumed));
}

/* Behind its column, after what stands there already; at the top if it is about the file. */
static void take_doubt(Arena *arena, Source *source, const Doubt *doubt) {
        Str words = doubt_words(arena, doubt);
        for (size_t i = 0; i < source->column_count; i++) {
                if (doubt->column.size == 0 || !str_equal(source->columns[i].name, doubt->column))
                        continue;
                Str *note = &source->column_texts[i].note;
                *note = note->size ? arena_strf(arena, "%.*s. %.*s", STR_ARG(*note), STR_ARG(words)) : words;
                return;
        }
        source->notes.items[source->notes.count++] = words;
}

Source *source_of_sniff(Arena *arena, Str zone, Str name, Str from, const SniffResult *sniffed) {
        Source *source = source_new(arena, zone, name);
        source->from = ARENA_NEW(arena, Str);
        source->from[0] = arena_str(arena, from);
        source->from_count = 1;
        source->format = format_copy(arena, &sniffed->format);
        source->columns = ARENA_ARRAY(arena, SourceColumn, sniffed->column_count + 1);
        source->column_texts = ARENA_ARRAY(arena, ColumnText, sniffed->column_count + 1);
        for (size_t i = 0; i < sniffed->column_count; i++) {
                SourceColumn column = sniffed->columns[i].column;
                column.name = arena_str(arena, column.name);
                column.from = arena_str(arena, column.from);
                column.zone = arena_str(arena, column.zone);
                column.dates = list_copy(arena, column.dates);
                source->columns[source->column_count++] = column;
        }
        source->notes.items = ARENA_ARRAY(arena, Str, sniffed->doubt_count + 1);
        for (size_t i = 0; i < sniffed->doubt_count; i++)
                take_doubt(arena, source, &sniffed->doubts[i]);
        return source;
}
