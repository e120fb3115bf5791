/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tagged.h"

#include "frame/fixed_cut.h"
#include "intake/discover.h"

#define PATTERNS_MOST (1u << 22) /* cells of the table; two patterns beyond count as meeting */

static size_t find_column(const Source *source, Str name) {
        size_t i = 0;
        while (i < source->column_count && !str_equal_nocase(source->columns[i].name, name))
                i++;
        return i;
}

static bool carries(const Source *source, size_t column, Str tag) {
        return column < source->column_count && str_is_in(tag, source->column_texts[column].tags, source->column_texts[column].tag_count);
}

static bool all_carry(const Source *source, Str tag) {
        for (size_t i = 0; i < source->column_count; i++)
                if (!carries(source, i, tag))
                        return false;
        return source->evolve == EVOLVE_FREEZE;
}

/* ---- what is said ---- */

/* The line on which a key of the text stands; 0 where it is unsaid. */
static int line_of(Str text, const char *key) {
        Str line, rest = text, name, value;
        bool more = text.size > 0;
        for (int number = 1; more; number++) {
                more = str_cut(rest, '\n', &line, &rest);
                if (str_cut(line, ':', &name, &value) && str_is(name, key))
                        return number;
        }
        return 0;
}

typedef struct Guarded {
        const Source *is; /* as applied */
        size_t column;
        Str tag;
        Problems *out;
} Guarded;

#define SHOWN(g) STR_ARG((g)->is->columns[(g)->column].name), STR_ARG((g)->tag)

static void place(Error *err, const Source *at, int line, const char *hint) {
        (void)error_place_line(err, at->path, at->text, line, line ? 1 : 0);
        error_hint(err, "%s", hint);
}

/* ---- how bytes become fields ---- */

static bool lists_differ(StrList a, StrList b) {
        bool differ = a.count != b.count;
        for (size_t i = 0; i < a.count && !differ; i++)
                differ = !str_equal(a.items[i], b.items[i]);
        return differ;
}

/* The first key that says otherwise where records, fields and their names are; NULL if none does. */
static const char *changed_cut(const Source *was, const Source *is) {
        const Format *a = &was->format, *b = &is->format;
        const struct {
                const char *key;
                bool changed;
        } keys[] = {
                { "format", a->kind != b->kind || a->compression != b->compression },
                { "encoding", !str_equal_nocase(a->encoding, b->encoding) },
                { "delimiter", a->delimiter != b->delimiter },
                { "quote", a->quote != b->quote },
                { "escape", a->escape != b->escape },
                { "escapes", a->escapes != b->escapes },
                { "header", a->header != b->header },
                { "skip", a->skip != b->skip },
                { "comment", !str_equal(a->comment, b->comment) },
                { "footer", !str_equal(a->footer, b->footer) },
                { "records", !str_equal(a->records, b->records) },
                { "sheet", lists_differ(a->sheets, b->sheets) },
                { "range", !str_equal_nocase(a->range, b->range) },
        };
        for (size_t i = 0; i < COUNT_OF(keys); i++)
                if (keys[i].changed)
                        return keys[i].key;
        return NULL;
}

static bool lost_pattern(const Source *was, const Source *is) {
        for (size_t i = 0; i < was->from_count; i++)
                if (!str_is_in(was->from[i], is->from, is->from_count))
                        return true;
        return false;
}

static bool check_cut(const Guarded *g, const Source *next) {
        const char *key = changed_cut(g->is, next);
        if (!key && lost_pattern(g->is, next))
                key = "from";
        if (!key)
                return true;
        Error *err = problems_add(g->out, STATUS_DENIED, "`%s` decides what goes into column %.*s with the tag '%.*s', and policies.yml rules on it: only an administrator may change it",
                                  key, SHOWN(g));
        place(err, next, line_of(next->text, key), "keep it, or ask an administrator to apply this");
        return false;
}

/* ---- which field a column reads ---- */

/* A path of JSON, Avro or Parquet and one inside it, too. */
static bool paths_meet(Str a, Str b) {
        Str longer = a.size > b.size ? a : b, shorter = a.size > b.size ? b : a;
        return str_equal_nocase(str_slice(longer, 0, shorter.size), shorter) && (longer.size == shorter.size || longer.data[shorter.size] == '.');
}

static bool places_meet(Str a, Str b) {
        FixedCut left, right;
        return !fixed_cut_parse(a, &left) || !fixed_cut_parse(b, &right) || (left.from <= right.to && right.from <= left.to);
}

static bool fields_meet(FormatKind kind, Str a, Str b) {
        if (a.size == 0 || b.size == 0)
                return false;
        if (kind == FORMAT_FIXED)
                return places_meet(a, b);
        return kind == FORMAT_CSV || kind == FORMAT_XLSX ? str_equal_nocase(a, b) : paths_meet(a, b);
}

static bool columns_meet(FormatKind kind, const SourceColumn *a, const SourceColumn *b) {
        return fields_meet(kind, source_column_in_file(a), source_column_in_file(b)) || fields_meet(kind, a->was, source_column_in_file(b)) || fields_meet(kind, source_column_in_file(a), b->was) ||
               fields_meet(kind, a->was, b->was);
}

static bool same_reading(const SourceColumn *a, const SourceColumn *b) {
        return str_equal_nocase(source_column_in_file(a), source_column_in_file(b)) && str_equal_nocase(a->was, b->was);
}

/* All that the column read it still reads, and first: else that would be some other column's. */
static bool keeps_field(FormatKind kind, const SourceColumn *was, const SourceColumn *is) {
        FixedCut before, after;
        if (kind == FORMAT_FIXED && fixed_cut_parse(source_column_in_file(was), &before) && fixed_cut_parse(source_column_in_file(is), &after))
                return after.from <= before.from && before.to <= after.to;
        return str_equal_nocase(source_column_in_file(was), source_column_in_file(is)) && (was->was.size == 0 || str_equal_nocase(was->was, is->was));
}

static void deny_moved(const Guarded *g, const Source *next, int line) {
        Error *err = problems_add(g->out, STATUS_DENIED, "column %.*s would no longer take the field that has the tag '%.*s', and policies.yml rules on it: only an administrator may change that",
                                  SHOWN(g));
        place(err, next, line, "keep what it reads, or ask an administrator to apply this");
}

static void check_fields(const Guarded *g, const Source *next) {
        const SourceColumn *own = &g->is->columns[g->column];
        size_t kept = find_column(next, own->name);
        FormatKind kind = g->is->format.kind;
        if (kept < next->column_count && !keeps_field(kind, own, &next->columns[kept]))
                deny_moved(g, next, next->column_texts[kept].line);
        for (size_t i = 0; i < next->column_count; i++) {
                const SourceColumn *other = &next->columns[i];
                size_t before = find_column(g->is, other->name);
                bool is_new = before == g->is->column_count || !same_reading(other, &g->is->columns[before]) || carries(g->is, before, g->tag);
                if (i == kept || !is_new || carries(next, i, g->tag) || !columns_meet(kind, own, other))
                        continue;
                Error *err = problems_add(g->out, STATUS_DENIED, "column %.*s would read what column %.*s reads, without its tag '%.*s', and policies.yml rules on it: only an administrator may",
                                          STR_ARG(other->name), SHOWN(g));
                place(err, next, next->column_texts[i].line, arena_printf(g->out->arena, "write `tag %.*s` behind it too, or ask an administrator to apply this", STR_ARG(g->tag)));
        }
}

/* ---- files without a header: by place, or by column_N if all columns say that ---- */

static bool is_number(Str name) {
        Str digits = str_slice(name, 7, name.size);
        bool is = name.size > 7 && str_equal_nocase(str_slice(name, 0, 7), STR("column_"));
        for (size_t i = 0; i < digits.size && is; i++)
                is = digits.data[i] >= '0' && digits.data[i] <= '9';
        return is;
}

static bool is_numbered(const SourceColumn *column) {
        return is_number(source_column_in_file(column)) || is_number(column->was);
}

static void check_places(const Guarded *g, const Source *next) {
        bool all_numbered = true, same = next->column_count >= g->is->column_count;
        for (size_t i = 0; i < g->is->column_count && same; i++) {
                const SourceColumn *was = &g->is->columns[i], *is = &next->columns[i];
                bool numbered = is_numbered(was);
                all_numbered &= numbered;
                same = numbered == is_numbered(is) && (!numbered || same_reading(was, is));
        }
        same = same && (!all_numbered || next->column_count == g->is->column_count);
        size_t kept = find_column(next, g->is->columns[g->column].name);
        if (same && kept == g->column)
                return;
        Error *err = problems_add(g->out, STATUS_DENIED, "files without a header are read by the order of the columns, which decides what goes into column %.*s with the tag '%.*s', and policies.yml "
                                  "rules on it: only an administrator may change it", SHOWN(g));
        place(err, next, line_of(next->text, "columns"), "keep the columns and their order, or ask an administrator to apply this");
}

static bool is_by_place(const Source *source) {
        return !source->format.header && (source->format.kind == FORMAT_CSV || source->format.kind == FORMAT_XLSX);
}

/* ---- `_valid_from` ---- */

static bool dates_rows(const Source *source, Str column) {
        bool ordered = source->order_by.count > 0 && str_equal_nocase(source->order_by.items[0], column);
        return source->load == LOAD_HISTORY && (ordered || (source->as_of.kind == AS_OF_COLUMN && str_equal_nocase(source->as_of.text, column)));
}

static void check_times(const Guarded *g, const Source *next) {
        Str column = g->is->columns[g->column].name;
        if (!dates_rows(next, column) || dates_rows(g->is, column))
                return;
        Error *err = problems_add(g->out, STATUS_DENIED, "`_valid_from` would be made of column %.*s without its tag '%.*s', and policies.yml rules on it: only an administrator may",
                                  SHOWN(g));
        place(err, next, line_of(next->text, "load"), "order by another column, or ask an administrator to apply this");
}

/* ---- other sources ---- */

static size_t token_size(Str pattern, size_t at) {
        size_t end = pattern.data[at] == '[' ? at + str_find_byte(str_slice(pattern, at, pattern.size), ']') : pattern.size;
        return end < pattern.size ? end - at + 1 : 1;
}

static bool letters_meet(char a, char b) {
        if (a == '[' || b == '[')
                return true;
        if (a == '?' || b == '?')
                return a != '/' && b != '/';
        return a == b;
}

/* From the ends: cell (i, j) says whether what is left of both fits one text. */
bool tagged_patterns_meet(Str a, Str b, Arena *arena) {
        size_t width = b.size + 1;
        if ((a.size + 1) * width > PATTERNS_MOST)
                return true;
        bool *meet = ARENA_ARRAY(arena, bool, (a.size + 1) * width);
        for (size_t i = a.size + 1; i-- > 0;) {
                for (size_t j = b.size + 1; j-- > 0;) {
                        char left = i < a.size ? a.data[i] : 0, right = j < b.size ? b.data[j] : 0;
                        bool *cell = &meet[i * width + j];
                        *cell = !left && !right;
                        if (left == '*')
                                *cell |= meet[(i + 1) * width + j] || (right && right != '/' && meet[i * width + j + token_size(b, j)]);
                        if (right == '*')
                                *cell |= meet[i * width + j + 1] || (left && left != '/' && meet[(i + token_size(a, i)) * width + j]);
                        if (left && right && left != '*' && right != '*' && letters_meet(left, right))
                                *cell |= meet[(i + token_size(a, i)) * width + j + token_size(b, j)];
                }
        }
        return meet[0];
}

static Str last_part(Str pattern) {
        Str head, rest = pattern;
        while (str_cut(rest, '/', &head, &rest) && rest.size > 0)
                pattern = rest;
        return pattern;
}

/* A file that two claim is nobody's, but for workbooks, of which each may read other sheets, packed ones too. */
static bool files_meet(const Source *a, const Source *b, Arena *arena) {
        bool books = a->format.kind == FORMAT_XLSX && b->format.kind == FORMAT_XLSX;
        for (size_t i = 0; i < a->from_count; i++) {
                for (size_t k = 0; k < b->from_count; k++) {
                        if (tagged_patterns_meet(a->from[i], b->from[k], arena))
                                return true;
                        if (books && (tagged_patterns_meet(last_part(a->from[i]), last_part(b->from[k]), arena) || discover_is_archive(a->from[i]) || discover_is_archive(b->from[k])))
                                return true;
                }
        }
        return false;
}

static const Source *find_source(Source *const *applied, size_t count, const Source *wanted) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(applied[i]->zone, wanted->zone) && str_equal(applied[i]->name, wanted->name))
                        return applied[i];
        return NULL;
}

static bool adds_pattern(const Source *was, const Source *is) {
        return lost_pattern(is, was);
}

static void check_others(const Guarded *g, const Zone *zone, Source *const *applied, size_t count) {
        for (size_t i = 0; i < zone->source_count; i++) {
                const Source *other = zone->sources[i], *before = find_source(applied, count, other);
                if (str_equal(other->name, g->is->name) || (before && !adds_pattern(before, other) && !changed_cut(before, other)) ||
                    !files_meet(g->is, other, g->out->arena))
                        continue;
                Error *err = problems_add(g->out, STATUS_DENIED, "source %.*s could claim files of source %.*s, whose column %.*s has the tag '%.*s' that policies.yml rules on: only an administrator may make it so",
                                          STR_ARG(other->name), STR_ARG(g->is->name), SHOWN(g));
                place(err, other, line_of(other->text, "from"), "name other files in `from`, or ask an administrator to apply this");
        }
}

/* ---- all ---- */

static void check_gone(const Guarded *g) {
        Error *err = problems_add(g->out, STATUS_DENIED, "this takes away source %.*s, and with it column %.*s with the tag '%.*s', and policies.yml rules on it: only an administrator may",
                                  STR_ARG(g->is->name), SHOWN(g));
        (void)error_place_line(err, g->is->path, STR_NONE, 0, 0);
        error_hint(err, "send it as it is applied, or ask an administrator to apply this");
}

static void check_guarded(const Guarded *g, const Project *next, Source *const *applied, size_t count) {
        const Source *own = project_source(next, g->is->zone, g->is->name);
        const Zone *zone = project_zone(next, g->is->zone);
        if (zone)
                check_others(g, zone, applied, count);
        if (!own) {
                check_gone(g);
                return;
        }
        if (str_equal(own->text, g->is->text))
                return;
        check_times(g, own);
        if (all_carry(own, g->tag) && !lost_pattern(g->is, own))
                return;
        if (!check_cut(g, own))
                return;
        if (is_by_place(own))
                check_places(g, own);
        else
                check_fields(g, own);
}

/* A tag counts once, however many policies rule on it. */
static bool is_ruled(const CentralPolicies *policies, Str tag) {
        for (size_t i = 0; i < policies->count; i++)
                if (str_equal(policies->items[i].tag, tag))
                        return true;
        return false;
}

void tagged_check(const CentralPolicies *policies, const Project *next, Source *const *applied, size_t count, Problems *out) {
        for (size_t i = 0; i < count; i++) {
                const Source *source = applied[i];
                for (size_t c = 0; c < source->column_count; c++) {
                        for (size_t t = 0; t < source->column_texts[c].tag_count; t++) {
                                Guarded guarded = { source, c, source->column_texts[c].tags[t], out };
                                if (is_ruled(policies, guarded.tag))
                                        check_guarded(&guarded, next, applied, count);
                        }
                }
        }
}
