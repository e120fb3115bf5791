/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/one_feed.h"

#include "base/file.h"
#include "frame/encoding.h"

typedef struct Feed {
        Arena *arena;
        FileGroup *group;
        SniffResult *result;         /* the group's */
        const SniffColumn **columns; /* file * column_count + column; NULL: the file has no such column, or it is empty */
        bool *settled;               /* columns of which a doubt says already what became of them */
} Feed;

static Str name_of(const FileGroup *group, size_t file) {
        return str_of(path_base(group->files[file]->shown));
}

/* ---- what is said of a whole file ---- */

static bool encoding_keeps_ascii(Str name) {
        Str ascii = STR("\t\n !\"#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[\\]^_`abcxyz{|}~");
        const Encoding *encoding = encoding_find(name);
        char out[64 * ENCODING_GROWTH];
        size_t size = 0;
        if (!encoding)
                return false;
        encoding_decode(encoding, ascii, true, out, &size);
        return str_equal((Str){ out, size }, ascii);
}

bool one_feed_same_letters(const SniffResult *a, const SniffResult *b) {
        Str one = a->format.encoding, other = b->format.encoding;
        return str_equal(one, other) || (a->ascii && encoding_keeps_ascii(other)) || (b->ascii && encoding_keeps_ascii(one));
}

/* Of fixed width the places are all there is to find a column by. */
static bool same_places(const SniffResult *a, const SniffResult *b) {
        for (size_t i = 0; i < a->column_count && i < b->column_count; i++)
                if (!str_equal(a->columns[i].column.from, b->columns[i].column.from))
                        return false;
        return a->column_count == b->column_count;
}

static Str mark_words(Arena *arena, char mark) {
        return mark == 0 ? STR("none") : mark == '\t' ? STR("a tab") : mark == ' ' ? STR("a blank") : arena_strf(arena, "'%c'", mark);
}

static Str text_words(Str text) {
        return text.size > 0 ? text : STR("none");
}

typedef struct Difference {
        const char *what;
        Str one, other;
} Difference;

/* The first thing that the two say differently; false: there is none. */
static bool find_difference(const SniffResult *x, const SniffResult *y, Arena *arena, Difference *out) {
        const Format *a = &x->format, *b = &y->format;
        bool cells = a->kind == FORMAT_XLSX || format_is_keyed(a->kind); /* marks are those of texts */
        Str utf8 = STR("utf-8");
        const struct {
                bool differs;
                Difference difference;
        } all[] = {
                { a->kind != b->kind, { "the format", str_of(format_kind_names[a->kind]), str_of(format_kind_names[b->kind]) } },
                { !one_feed_same_letters(x, y),
                  { "the encoding", a->encoding.size ? a->encoding : utf8, b->encoding.size ? b->encoding : utf8 } },
                { a->delimiter != b->delimiter, { "the delimiter", mark_words(arena, a->delimiter), mark_words(arena, b->delimiter) } },
                { a->quote != b->quote, { "the quote", mark_words(arena, a->quote), mark_words(arena, b->quote) } },
                { a->escape != b->escape, { "the escape character", mark_words(arena, a->escape), mark_words(arena, b->escape) } },
                { a->escapes != b->escapes, { "what escapes mean outside of quotes", a->escapes ? STR("said") : STR("not said"), b->escapes ? STR("said") : STR("not said") } },
                { a->header != b->header, { "the header", a->header ? STR("the first record") : STR("missing"), b->header ? STR("the first record") : STR("missing") } },
                { a->skip != b->skip, { "the number of lines before the table", arena_strf(arena, "%u", a->skip), arena_strf(arena, "%u", b->skip) } },
                { !str_equal(a->comment, b->comment), { "what begins a comment", text_words(a->comment), text_words(b->comment) } },
                { !str_equal(a->range, b->range), { "the range of the sheet", text_words(a->range), text_words(b->range) } },
                { !str_equal(a->records, b->records), { "where the records lie", text_words(a->records), text_words(b->records) } },
                { a->kind == FORMAT_FIXED && !same_places(x, y), { "the place of a column", STR("one"), STR("another") } },
                { cells && a->decimal != b->decimal, { "the decimal point", mark_words(arena, a->decimal), mark_words(arena, b->decimal) } },
        };
        for (size_t i = 0; i < COUNT_OF(all); i++) {
                if (!all[i].differs)
                        continue;
                *out = all[i].difference;
                return true;
        }
        return false;
}

Status one_feed_check(const FileGroup *group, const SniffedFile *file, Arena *arena, Error *err) {
        Difference found;
        size_t i = 0;
        if (!find_difference(&group->sniffed, &file->sniffed, arena, &found))
                return STATUS_OK;
        while (i + 1 < group->file_count && !find_difference(&group->files[i]->sniffed, &file->sniffed, arena, &found))
                i++;
        error_set(err, STATUS_USAGE, "one source cannot read %s and %s: %s is %.*s in the one and %.*s in the other", path_base(group->files[i]->shown),
                  path_base(file->shown), found.what, STR_ARG(found.one), STR_ARG(found.other));
        return error_hint(err, "leave --one out: each kind of file gets a source, and a model puts them together with union all");
}

/* ---- doubts ---- */

static void add_doubt(Feed *feed, size_t column, Str what, Str assumed) {
        SniffResult *r = feed->result;
        Doubt *all = ARENA_ARRAY(feed->arena, Doubt, r->doubt_count + 1);
        for (size_t i = 0; i < r->doubt_count; i++)
                all[i] = r->doubts[i];
        all[r->doubt_count++] = (Doubt){ r->columns[column].column.name, what, assumed };
        r->doubts = all;
        feed->settled[column] = true;
}

/* What a file said of a reading that is no longer its own. */
static void drop_doubts(Feed *feed, size_t column) {
        SniffResult *r = feed->result;
        size_t kept = 0;
        for (size_t i = 0; i < r->doubt_count; i++) {
                Str what = r->doubts[i].what;
                if (!str_equal(r->doubts[i].column, r->columns[column].column.name) || str_find(what, STR("no value tells which")) == what.size)
                        r->doubts[kept++] = r->doubts[i];
        }
        r->doubt_count = kept;
}

static void keep_text(Feed *feed, size_t column, Str what, Str assumed) {
        drop_doubts(feed, column);
        feed->result->columns[column].column.type = (Type){ .kind = TYPE_TEXT };
        feed->result->columns[column].column.dates = (StrList){ NULL, 0 };
        feed->group->clashes++;
        add_doubt(feed, column, what, assumed);
}

/* ---- numbers ---- */

typedef struct Style {
        char decimal, thousands;
        size_t file; /* that tells it */
} Style;

static bool is_number(Type type) {
        return type.kind == TYPE_INT || type.kind == TYPE_BIGINT || type.kind == TYPE_DECIMAL || type.kind == TYPE_DOUBLE;
}

static bool is_styled(const SniffColumn *column) {
        return column && column->decimal && is_number(column->column.type);
}

static const SniffColumn *column_in(const Feed *feed, size_t file, size_t column) {
        return feed->columns[file * feed->result->column_count + column];
}

static bool is_style(const SniffColumn *column, Style style) {
        return column->decimal == style.decimal && (!column->thousands || column->thousands == style.thousands);
}

/* Of the first file that has one; of those of the same decimal point the first that says how thousands are set off. */
static bool find_style(const Feed *feed, bool unsure, Style *out) {
        size_t width = feed->result->column_count;
        *out = (Style){ 0 };
        for (size_t i = 0; i < feed->group->file_count * width; i++) {
                const SniffColumn *column = feed->columns[i];
                if (!is_styled(column) || column->unsure != unsure || !is_number(feed->result->columns[i % width].column.type))
                        continue;
                if (!out->decimal)
                        *out = (Style){ column->decimal, column->thousands, i / width };
                else if (column->decimal == out->decimal && !out->thousands)
                        out->thousands = column->thousands;
        }
        return out->decimal != 0;
}

static Str style_words(const Feed *feed, char decimal, char thousands) {
        if (!thousands)
                return arena_strf(feed->arena, "'%c' as the decimal point", decimal);
        return arena_strf(feed->arena, "'%c' as the decimal point and '%.*s' between thousands", decimal, STR_ARG(thousands_name(&thousands)));
}

/* A file that reads the column in the style, rather than the one that told it of another column. */
static size_t file_of_style(const Feed *feed, size_t column, Style style) {
        for (size_t i = 0; i < feed->group->file_count; i++) {
                const SniffColumn *here = column_in(feed, i, column);
                if (is_styled(here) && !here->unsure && is_style(here, style))
                        return i;
        }
        return style.file;
}

/* 1,234 that was thought to be over a thousand may now have decimals. */
static void take_style(Feed *feed, size_t column, size_t file, Style style) {
        Type decimal = { .kind = TYPE_DECIMAL, .precision = 18, .scale = 4 }, *type = &feed->result->columns[column].column.type;
        const SniffColumn *here = column_in(feed, file, column);
        char mark = here->thousands ? thousands_mark(here->thousands) : here->decimal;
        drop_doubts(feed, column);
        if (!types_unify(*type, decimal, type))
                *type = (Type){ .kind = TYPE_DOUBLE };
        add_doubt(feed, column,
                  arena_strf(feed->arena, "nothing in %.*s tells whether '%c' is the decimal point or sets off thousands", STR_ARG(name_of(feed->group, file)),
                             mark),
                  arena_strf(feed->arena, "%.*s, as in %.*s", STR_ARG(style_words(feed, style.decimal, style.thousands)),
                             STR_ARG(name_of(feed->group, file_of_style(feed, column, style)))));
}

static void settle_column_numbers(Feed *feed, size_t column, Style style) {
        bool taken = false;
        for (size_t i = 0; i < feed->group->file_count; i++) {
                const SniffColumn *here = column_in(feed, i, column);
                if (!is_styled(here) || is_style(here, style))
                        continue;
                if (here->unsure && !taken)
                        take_style(feed, column, i, style);
                taken |= here->unsure;
                if (here->unsure)
                        continue;
                keep_text(feed, column,
                          arena_strf(feed->arena, "its numbers have %.*s in %.*s, and the numbers of %.*s have %.*s",
                                     STR_ARG(style_words(feed, here->decimal, here->thousands)), STR_ARG(name_of(feed->group, i)),
                                     STR_ARG(name_of(feed->group, file_of_style(feed, column, style))), STR_ARG(style_words(feed, style.decimal, style.thousands))),
                          STR("text, since a source has one 'decimal' and one 'thousands'; sources of their own read both"));
                return;
        }
}

static void settle_numbers(Feed *feed) {
        FormatKind kind = feed->result->format.kind;
        Style style;
        if ((kind != FORMAT_CSV && kind != FORMAT_FIXED) || (!find_style(feed, false, &style) && !find_style(feed, true, &style)))
                return;
        feed->result->format.decimal = style.decimal;
        feed->result->format.thousands = style.thousands;
        for (size_t i = 0; i < feed->result->column_count; i++)
                if (is_number(feed->result->columns[i].column.type))
                        settle_column_numbers(feed, i, style);
}

/* ---- dates ---- */

static bool is_date(Type type) {
        return type.kind == TYPE_DATE || type.kind == TYPE_TIMESTAMP || type.kind == TYPE_TIMESTAMPTZ;
}

static StrList patterns_of(const SniffColumn *column) {
        static Str iso[] = { { "yyyy-MM-dd", 10 } };
        return column->reads.count > 0 ? column->reads : (StrList){ iso, 1 };
}

static StrList list_join(Arena *arena, StrList a, StrList b) {
        StrList all = { ARENA_ARRAY(arena, Str, a.count + b.count + 1), 0 };
        for (size_t i = 0; i < a.count; i++)
                all.items[all.count++] = a.items[i];
        for (size_t i = 0; i < b.count; i++)
                if (!str_is_in(b.items[i], all.items, all.count))
                        all.items[all.count++] = b.items[i];
        return all;
}

static Str list_words(Arena *arena, StrList list) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < list.count; i++)
                buf_printf(&out, "%s%.*s", i ? ", " : "", STR_ARG(list.items[i]));
        return buf_dup(&out, arena);
}

static bool dates_clash(StrList dates) {
        Format format = format_default();
        Error ignored;
        format.dates = dates;
        return format_check_dates(&format, &ignored) != STATUS_OK;
}

typedef struct Dates {
        StrList patterns;
        size_t file; /* the first that reads the column */
        bool several, gave_way;
} Dates;

/* One more file's patterns; false: some text would be two days. */
static bool take_dates(Feed *feed, size_t column, size_t file, Dates *dates) {
        const SniffColumn *here = column_in(feed, file, column);
        StrList own = patterns_of(here), all = list_join(feed->arena, dates->patterns, own);
        if (dates->patterns.count == 0)
                dates->file = file;
        if (!dates_clash(all)) {
                dates->several |= dates->patterns.count > 0 && all.count > dates->patterns.count;
                dates->patterns = all;
                return true;
        }
        if (here->unsure) {
                bool again = dates->gave_way;
                dates->gave_way = true;
                if (again)
                        return true;
                drop_doubts(feed, column);
                add_doubt(feed, column,
                          arena_strf(feed->arena, "nothing in %.*s tells whether the day or the month is first", STR_ARG(name_of(feed->group, file))),
                          arena_strf(feed->arena, "%.*s, as in %.*s", STR_ARG(list_words(feed->arena, dates->patterns)), STR_ARG(name_of(feed->group, dates->file))));
                return true;
        }
        keep_text(feed, column,
                  arena_strf(feed->arena, "its dates are %.*s in %.*s and %.*s in %.*s, and one text would be two days",
                             STR_ARG(list_words(feed->arena, patterns_of(column_in(feed, dates->file, column)))), STR_ARG(name_of(feed->group, dates->file)),
                             STR_ARG(list_words(feed->arena, own)), STR_ARG(name_of(feed->group, file))),
                  STR("text; sources of their own read both"));
        return false;
}

static void doubt_several(Feed *feed, size_t column, const Dates *dates) {
        for (size_t i = 0; i < feed->group->file_count; i++) {
                const SniffColumn *first = column_in(feed, dates->file, column), *here = column_in(feed, i, column);
                if (!here || !is_date(here->column.type) || str_is_in(patterns_of(here).items[0], patterns_of(first).items, patterns_of(first).count) ||
                    dates_clash(list_join(feed->arena, patterns_of(first), patterns_of(here))))
                        continue;
                add_doubt(feed, column,
                          arena_strf(feed->arena, "its dates are %.*s in %.*s and %.*s in %.*s", STR_ARG(list_words(feed->arena, patterns_of(first))),
                                     STR_ARG(name_of(feed->group, dates->file)), STR_ARG(list_words(feed->arena, patterns_of(here))), STR_ARG(name_of(feed->group, i))),
                          STR("both are read; no text is two days"));
                return;
        }
}

/* Those that are sure first; those that are not follow them. */
static bool find_dates(Feed *feed, size_t column, Dates *out) {
        *out = (Dates){ .several = false };
        for (int unsure = 0; unsure <= 1; unsure++)
                for (size_t i = 0; i < feed->group->file_count; i++) {
                        const SniffColumn *here = column_in(feed, i, column);
                        if (here && is_date(here->column.type) && here->unsure == unsure && !take_dates(feed, column, i, out))
                                return false;
                }
        if (out->several)
                doubt_several(feed, column, out);
        return out->patterns.count > 0;
}

/* The source's patterns, or a column's own where they would clash with those. */
static void settle_dates(Feed *feed) {
        SniffResult *r = feed->result;
        StrList all = { NULL, 0 };
        for (size_t i = 0; i < r->column_count; i++) {
                Dates dates;
                if (!is_date(r->columns[i].column.type) || !find_dates(feed, i, &dates))
                        continue;
                StrList with = list_join(feed->arena, all, dates.patterns);
                bool clash = dates_clash(with);
                r->columns[i].column.dates = clash ? dates.patterns : (StrList){ NULL, 0 };
                all = clash ? all : with;
        }
        bool iso = all.count == 1 && str_is(all.items[0], "yyyy-MM-dd");
        r->format.dates = iso ? (StrList){ NULL, 0 } : all;
}

/* ---- the rest ---- */

/* A type that holds both is no doubt; text is. */
static void doubt_types(Feed *feed, size_t column) {
        const SniffColumn *first = NULL;
        size_t of = 0;
        if (feed->settled[column] || feed->result->columns[column].column.type.kind != TYPE_TEXT)
                return;
        for (size_t i = 0; i < feed->group->file_count; i++) {
                const SniffColumn *here = column_in(feed, i, column);
                if (!here || (first && type_equal(first->column.type, here->column.type)))
                        continue;
                if (first) {
                        add_doubt(feed, column,
                                  arena_strf(feed->arena, "it is %.*s in %.*s and %.*s in %.*s", STR_ARG(type_print(feed->arena, first->column.type)),
                                             STR_ARG(name_of(feed->group, of)), STR_ARG(type_print(feed->arena, here->column.type)), STR_ARG(name_of(feed->group, i))),
                                  STR("text"));
                        return;
                }
                first = here;
                of = i;
        }
}

static void settle_words(Feed *feed) {
        Format *format = &feed->result->format;
        for (size_t i = 1; i < feed->group->file_count; i++) {
                const Format *other = &feed->group->files[i]->sniffed.format;
                format->nulls = list_join(feed->arena, format->nulls, other->nulls);
                if (format->footer.size == 0)
                        format->footer = other->footer;
                else if (other->footer.size > 0 && str_find(format->footer, other->footer) == format->footer.size)
                        format->footer = arena_strf(feed->arena, "%.*s|%.*s", STR_ARG(format->footer), STR_ARG(other->footer));
        }
}

static void find_columns(Feed *feed) {
        SniffResult *r = feed->result;
        feed->columns = ARENA_ARRAY(feed->arena, const SniffColumn *, feed->group->file_count * r->column_count + 1);
        for (size_t i = 0; i < feed->group->file_count; i++) {
                const SniffResult *file = &feed->group->files[i]->sniffed;
                for (size_t k = 0; k < file->column_count; k++) {
                        size_t place = group_column(r, file, k);
                        if (place < r->column_count && file->columns[k].nulls < file->accepted)
                                feed->columns[i * r->column_count + place] = &file->columns[k];
                }
        }
}

void one_feed_settle(FileGroup *group, Arena *arena) {
        Feed feed = { .arena = arena, .group = group, .result = &group->sniffed };
        if (group->file_count < 2)
                return;
        feed.settled = ARENA_ARRAY(arena, bool, group->sniffed.column_count + 1);
        find_columns(&feed);
        settle_numbers(&feed);
        settle_dates(&feed);
        settle_words(&feed);
        for (size_t i = 0; i < group->sniffed.column_count; i++)
                doubt_types(&feed, i);
}
