/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/fields.h"

#include "base/reason.h"

#define NAME_SHOWN_MAX 60 /* bytes of a name inside a message */

size_t fields_find(StrList header, Str name) {
        for (size_t i = 0; i < header.count; i++) {
                if (str_equal_nocase(header.items[i], name))
                        return i;
        }
        return NO_FIELD;
}

static size_t find_all(StrList header, const SourceColumn *columns, size_t count, size_t *places) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
                places[i] = fields_find(header, columns[i].from.size > 0 ? columns[i].from : columns[i].name);
                if (places[i] == NO_FIELD && columns[i].was.size > 0)
                        places[i] = fields_find(header, columns[i].was);
                found += places[i] != NO_FIELD;
        }
        return found;
}

/* Without a header a column is found by column_N, if all columns say that, else by its place. */
static void match_places(StrList header, const SourceColumn *columns, size_t count, size_t *places) {
        if (find_all(header, columns, count, places) == count)
                return;
        for (size_t i = 0; i < count; i++)
                places[i] = i;
}

Status fields_match(const RecordReader *reader, const SourceColumn *columns, size_t count, Arena *arena, Fields *out, Error *err) {
        Str *fields;
        size_t width;
        reader_header(reader, arena, &fields, &width);
        if (!fields)
                width = reader_width(reader);
        Fields matched = { { ARENA_ARRAY(arena, Str, width + 1), width }, ARENA_ARRAY(arena, size_t, count + 1) };
        names_of_header(fields, width, arena, matched.header.items, NULL);
        if (!fields)
                match_places(matched.header, columns, count, matched.places);
        else if (find_all(matched.header, columns, count, matched.places) == 0 && count > 0)
                return error_reason(err, HEADER_STRANGE, reason_text(str_slice(matched.header.items[0], 0, NAME_SHOWN_MAX)));
        *out = matched;
        return STATUS_OK;
}
