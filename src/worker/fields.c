/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/fields.h"

#include "base/reason.h"
#include "frame/json_tree.h"

#define NAME_SHOWN_MAX 60 /* bytes of a name inside a message */

size_t fields_find(StrList header, Str name) {
        for (size_t i = 0; i < header.count; i++) {
                if (str_equal_nocase(header.items[i], name))
                        return i;
        }
        return NO_FIELD;
}

StrList fields_wanted(const Format *format, const SourceColumn *columns, size_t count, StrList ignore, Arena *arena) {
        StrList wanted = { ARENA_ARRAY(arena, Str, 2 * count + ignore.count + 1), 0 };
        bool keyed = format_is_keyed(format->kind);
        for (size_t i = 0; i < count; i++)
                wanted.items[wanted.count++] = source_column_in_file(&columns[i]);
        for (size_t i = 0; i < ignore.count; i++)
                wanted.items[wanted.count++] = ignore.items[i];
        for (size_t i = 0; i < count && keyed; i++)
                if (columns[i].was.size > 0)
                        wanted.items[wanted.count++] = columns[i].was;
        return wanted;
}

StrList fields_texts(const SourceColumn *columns, size_t count, Arena *arena) {
        StrList texts = { ARENA_ARRAY(arena, Str, 2 * count + 1), 0 };
        for (size_t i = 0; i < count; i++) {
                if (columns[i].type.kind != TYPE_TEXT)
                        continue;
                texts.items[texts.count++] = source_column_in_file(&columns[i]);
                if (columns[i].was.size > 0)
                        texts.items[texts.count++] = columns[i].was;
        }
        return texts;
}

static size_t find_all(StrList header, const SourceColumn *columns, size_t count, size_t *places) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
                places[i] = fields_find(header, source_column_in_file(&columns[i]));
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

/* --- fields that are found by key --- */

static Fields begin_keyed(const SourceColumn *columns, size_t count, Arena *arena) {
        Fields fields = { .places = ARENA_ARRAY(arena, size_t, count + 1), .own = ARENA_ARRAY(arena, bool, count + 1), .columns = columns, .column_count = count, .arena = arena };
        for (size_t i = 0; i < count; i++)
                fields.places[i] = NO_FIELD;
        map_init(&fields.taken, arena);
        return fields;
}

/*
 * The column that names the key; else one that says no key and has the name that the key gives; else one that was it. A key of
 * the record goes before keys inside each other that give the same name, wherever it stands. wanted: the name that the key
 * gives, name: the one that it has among those of the file.
 */
static size_t column_of_key(const Fields *fields, Str key, Str wanted, Str name) {
        size_t best = NO_FIELD;
        int rank = 0;
        bool own = json_path_is_key(key);
        for (size_t i = 0; i < fields->column_count; i++) {
                const SourceColumn *column = &fields->columns[i];
                const bool unsaid = column->from.size == 0, free = fields->places[i] == NO_FIELD;
                const bool was = column->was.size > 0 && (str_equal(column->was, key) || str_equal_nocase(column->was, wanted));
                int fits = !unsaid && str_equal(column->from, key)                                                       ? 4
                           : unsaid && str_equal_nocase(column->name, wanted) && (free || (own && !fields->own[i])) ? 3
                           : unsaid && free && str_equal_nocase(column->name, name)                                       ? 2
                           : was && free                                                                                   ? 1
                                                                                                                           : 0;
                if (fits <= rank)
                        continue;
                best = i;
                rank = fits;
        }
        if (best != NO_FIELD)
                fields->own[best] = own && rank >= 3;
        return best;
}

void fields_meet(Fields *fields, const RecordReader *reader, size_t width) {
        for (size_t i = fields->names.count; i < width; i++) {
                Str key = arena_str(fields->arena, reader_key(reader, i));
                Str wanted = json_path_name(key, fields->arena);
                Str name = name_claim(&fields->taken, fields->arena, wanted, i + 1);
                vec_push(fields->arena, &fields->keys, key);
                vec_push(fields->arena, &fields->names, name);
                size_t column = column_of_key(fields, key, wanted, name);
                if (column != NO_FIELD)
                        fields->places[column] = i;
        }
        fields->header = (StrList){ fields->names.items, fields->names.count };
}

Str fields_key(const Fields *fields, size_t field) {
        return fields->keys.items[field];
}

Status fields_check(const Fields *fields, Error *err) {
        bool found = fields->keys.count == 0;
        for (size_t i = 0; i < fields->column_count; i++)
                found |= fields->places[i] != NO_FIELD;
        if (found)
                return STATUS_OK;
        return error_reason(err, KEYS_STRANGE, reason_text(str_slice(fields->keys.items[0], 0, NAME_SHOWN_MAX)));
}

/* --- all --- */

Status fields_match(const RecordReader *reader, const SourceColumn *columns, size_t count, Arena *arena, Fields *out, Error *err) {
        if (reader_is_keyed(reader)) {
                *out = begin_keyed(columns, count, arena);
                return STATUS_OK;
        }
        Str *fields;
        size_t width;
        reader_header(reader, arena, &fields, &width);
        if (!fields)
                width = reader_width(reader);
        Fields matched = { .header = { ARENA_ARRAY(arena, Str, width + 1), width }, .places = ARENA_ARRAY(arena, size_t, count + 1) };
        names_of_header(fields, width, arena, matched.header.items, NULL);
        if (!fields)
                match_places(matched.header, columns, count, matched.places);
        else if (find_all(matched.header, columns, count, matched.places) == 0 && count > 0)
                return error_reason(err, HEADER_STRANGE, reason_text(str_slice(matched.header.items[0], 0, NAME_SHOWN_MAX)));
        *out = matched;
        return STATUS_OK;
}
