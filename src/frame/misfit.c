/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/misfit.h"

#include "frame/json_text.h"

static Str plain(Str text, Arena *arena) {
        char *copy = arena_alloc(arena, text.size + 1);
        for (size_t i = 0; i < text.size; i++)
                copy[i] = (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : text.data[i];
        return (Str){ copy, text.size };
}

void misfit_place(const BadRecord *bad, int64_t *out_width, int64_t *out_wanted) {
        bool placed = bad->wrong_at != BAD_RECORD_NOWHERE;
        *out_width = placed ? (int64_t)bad->wrong_at : 0;
        *out_wanted = !placed;
}

Str misfit_words(const Misfit *misfit, Arena *arena) {
        const char *words = rule_words(misfit->rule);
        if (misfit->rule == RULE_WRONG_WIDTH)
                return arena_strf(arena, "the record has %lld fields where %lld belong", (long long)misfit->width, (long long)misfit->wanted);
        if ((misfit->rule == RULE_INVALID_UTF8 || misfit->rule == RULE_INVALID_BYTES) && misfit->wanted == 0)
                return arena_strf(arena, "%.*s %s, the first at byte %lld of the delivery", STR_ARG(misfit->column ? misfit->column->name : STR("the record")),
                                  words, (long long)misfit->width);
        if (misfit->rule == RULE_TEXT_OUTSIDE && misfit->wanted > 0)
                return arena_strf(arena, "the line %s: at character %lld, and the column before ends at %lld; where columns are cut too short, correct `at`", words,
                                  (long long)misfit->width, (long long)misfit->wanted);
        if (misfit->rule == RULE_TEXT_OUTSIDE)
                return arena_strf(arena, "the line %s: at character %lld, before the first column; correct `at`, or put the place into `ignore`", words,
                                  (long long)misfit->width);
        if (misfit->rule == RULE_WRONG_LENGTH)
                return arena_strf(arena, "the line %s: it has %lld characters, and the columns end at %lld", words, (long long)misfit->width,
                                  (long long)misfit->wanted);
        if (misfit->rule == RULE_BAD_JSON && misfit->column && misfit->wanted > 0 && misfit->wanted < JSON_FAULT_COUNT)
                return arena_strf(arena, "%.*s %s: %s, at byte %lld of the field", STR_ARG(misfit->column->name), words,
                                  json_fault_words((JsonFault)misfit->wanted), (long long)misfit->width);
        if (misfit->rule == RULE_BAD_JSON && misfit->wanted > 0 && misfit->wanted < JSON_FAULT_COUNT)
                return arena_strf(arena, "the record %s: %s, at its byte %lld", words, json_fault_words((JsonFault)misfit->wanted),
                                  (long long)misfit->width);
        if (!misfit->column)
                return arena_strf(arena, "the %s %s", misfit->rule == RULE_BAD_QUOTE ? "line" : "record", words);
        const SourceColumn *column = misfit->column;
        if (misfit->rule == RULE_REQUIRED_MISSING)
                return arena_strf(arena, "%.*s %s", STR_ARG(column->name), words);
        Str type = type_print(arena, column->type), field = plain(misfit->field, arena);
        bool says_type = (misfit->rule == RULE_OUT_OF_RANGE || misfit->rule == RULE_TOO_MANY_DIGITS) && !type_is_nested(column->type);
        return arena_strf(arena, "%.*s%.*s: '%.*s' %s%s%.*s%s", STR_ARG(column->name), STR_ARG(plain(misfit->path, arena)), STR_ARG(field), words, says_type ? " (" : "",
                          says_type ? (int)type.size : 0, type.data, says_type ? ")" : "");
}
