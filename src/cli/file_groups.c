/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file_groups.h"

#include "base/file.h"
#include "base/vec.h"
#include "cli/one_feed.h"

/* ---- types ---- */

static bool is_integer(Type type) {
        return type.kind == TYPE_INT || type.kind == TYPE_BIGINT;
}

/* Digits before and after the point. */
static void digits_of(Type type, int *whole, int *fraction) {
        *fraction = type.kind == TYPE_DECIMAL ? type.scale : 0;
        *whole = type.kind == TYPE_INT ? 10 : type.kind == TYPE_BIGINT ? 19 : type.precision - type.scale;
}

bool types_unify(Type a, Type b, Type *out) {
        if (type_equal(a, b)) {
                *out = a;
                return true;
        }
        bool a_is_json = type_is_nested(a) || a.kind == TYPE_TEXT, b_is_json = type_is_nested(b) || b.kind == TYPE_TEXT;
        if (a_is_json && b_is_json) { /* lists of different things are JSON text */
                *out = (Type){ .kind = TYPE_TEXT };
                return true;
        }
        bool a_is_number = is_integer(a) || a.kind == TYPE_DECIMAL || a.kind == TYPE_DOUBLE;
        bool b_is_number = is_integer(b) || b.kind == TYPE_DECIMAL || b.kind == TYPE_DOUBLE;
        if (!a_is_number || !b_is_number)
                return false;
        if (a.kind == TYPE_DOUBLE || b.kind == TYPE_DOUBLE) {
                *out = (Type){ .kind = TYPE_DOUBLE };
                return true;
        }
        if (is_integer(a) && is_integer(b)) {
                *out = (Type){ .kind = TYPE_BIGINT };
                return true;
        }
        int whole_a, fraction_a, whole_b, fraction_b;
        digits_of(a, &whole_a, &fraction_a);
        digits_of(b, &whole_b, &fraction_b);
        int fraction = fraction_a > fraction_b ? fraction_a : fraction_b;
        int whole = whole_a > whole_b ? whole_a : whole_b;
        if (whole + fraction > 38)
                return false;
        *out = (Type){ .kind = TYPE_DECIMAL, .precision = whole + fraction, .scale = fraction };
        return true;
}

/* ---- names ---- */

/* What a name says of the format or the packing, with its dot; in whatever order they stand. */
static Str ending_of(Str name) {
        static const char *const endings[] = { ".gz",  ".bz2", ".xz",    ".zst", ".zstd", ".zip", ".tar",  ".tgz",   ".csv",    ".tsv",     ".tab",
                                               ".txt", ".dat", ".psv",   ".prn", ".log",  ".xls", ".xlsx", ".xlsm",  ".json",   ".jsonl",   ".ndjson",
                                               ".jl",  ".pq",  ".avro",  ".asc", ".fwf",  ".parquet" };
        for (size_t i = 0; i < COUNT_OF(endings); i++) {
                Str ending = str_of(endings[i]);
                if (name.size > ending.size && str_equal_nocase(str_slice(name, name.size - ending.size, name.size), ending))
                        return ending;
        }
        return STR("");
}

static Str without_endings(Str name) {
        for (Str ending = ending_of(name); ending.size; ending = ending_of(name))
                name.size -= ending.size;
        return name;
}

/* "orders_2024-05-01" -> "orders" */
static Str name_of_file(Arena *arena, const char *path) {
        Str base = without_endings(str_of(path_base(path)));
        size_t end = base.size;
        while (end > 0 && char_is_one_of(base.data[end - 1], "0123456789-_. "))
                end--;
        return arena_str(arena, end ? str_slice(base, 0, end) : base);
}

/* "Sheet1", "Tabelle2", "2024": what a program or a calendar called it says nothing of what is in it. */
static bool is_plain_sheet_name(Str name) {
        static const char *const words[] = { "sheet", "tabelle", "feuil", "feuille", "hoja", "foglio", "blad", "ark", "planilha" };
        size_t end = name.size;
        while (end > 0 && char_is_one_of(name.data[end - 1], "0123456789-_. "))
                end--;
        Str word = str_slice(name, 0, end);
        for (size_t i = 0; i < COUNT_OF(words); i++)
                if (str_equal_nocase(word, str_of(words[i])))
                        return true;
        return word.size == 0;
}

static Str name_of(Arena *arena, const SniffedFile *file) {
        return file->sheet.size == 0 || is_plain_sheet_name(file->sheet) ? name_of_file(arena, file->path) : file->sheet;
}

/* ---- groups ---- */

static bool has_sheet(const FileGroup *group, Str sheet) {
        for (size_t i = 0; i < group->file_count; i++)
                if (str_equal(group->files[i]->sheet, sheet))
                        return true;
        return false;
}

/* A source names its sheets for all of its files, so another workbook joins by sheets of the same names only. */
static bool fits_sheets(const FileGroup *group, const SniffedFile *file) {
        bool one_file = true;
        for (size_t i = 0; i < group->file_count; i++)
                one_file &= strcmp(group->files[i]->path, file->path) == 0;
        return one_file || has_sheet(group, file->sheet);
}

/* All sheets of the group, each once; several are named by the workbook, not by what their header is. */
static void take_sheets(FileGroup *group, Arena *arena) {
        StrList *sheets = &group->sniffed.format.sheets;
        *sheets = (StrList){ ARENA_ARRAY(arena, Str, group->file_count), 0 };
        for (size_t i = 0; i < group->file_count; i++) {
                bool known = group->files[i]->sheet.size == 0;
                for (size_t k = 0; k < sheets->count && !known; k++)
                        known = str_equal(sheets->items[k], group->files[i]->sheet);
                if (!known)
                        sheets->items[sheets->count++] = group->files[i]->sheet;
        }
        if (sheets->count > 1)
                group->name = name_of_file(arena, group->files[0]->path);
}

static bool same_list(StrList a, StrList b) {
        if (a.count != b.count)
                return false;
        for (size_t i = 0; i < a.count; i++)
                if (!str_equal(a.items[i], b.items[i]))
                        return false;
        return true;
}

static bool same_dialect(const Format *a, const Format *b) {
        return a->kind == b->kind && a->delimiter == b->delimiter && a->quote == b->quote && a->escape == b->escape && a->escapes == b->escapes && a->header == b->header &&
               a->decimal == b->decimal && a->thousands == b->thousands && a->skip == b->skip && str_equal(a->comment, b->comment) &&
               str_equal(a->range, b->range) && str_equal(a->records, b->records) && same_list(a->dates, b->dates);
}

/* A column without a single value fits any type. */
static bool is_empty_column(const SniffResult *r, const SniffColumn *column) {
        return column->nulls >= r->accepted;
}

static bool unify_column(const SniffResult *into, SniffColumn *a, const SniffResult *other, const SniffColumn *b, bool dry) {
        Type type;
        if (is_empty_column(other, b))
                return true;
        if (is_empty_column(into, a))
                type = b->column.type;
        else if (!types_unify(a->column.type, b->column.type, &type))
                return false;
        if (!dry) {
                a->column.type = type;
                a->nulls += b->nulls;
                if (!a->example.size)
                        a->example = b->example;
        }
        return true;
}

static bool is_keyed(const Format *format) {
        return format_is_keyed(format->kind);
}

static Str key_of(const SniffColumn *column) {
        return source_column_in_file(&column->column);
}

static bool has_names(const SniffResult *result) {
        return is_keyed(&result->format) || (result->format.header && result->format.kind != FORMAT_FIXED);
}

static bool same_key(Str a, Str b, bool keyed) {
        return keyed ? str_equal(a, b) : str_equal_nocase(a, b);
}

/* Where the group has a column of another file: by its key or its name, as files are read; without a header by its place. */
size_t group_column(const SniffResult *into, const SniffResult *other, size_t index) {
        bool keyed = is_keyed(&into->format);
        if (keyed != is_keyed(&other->format) || !has_names(into) || !has_names(other))
                return index;
        Str key = key_of(&other->columns[index]);
        for (size_t n = 0; n <= into->column_count; n++) {
                size_t i = n == 0 ? index : n - 1; /* most often it is where it was */
                if (i < into->column_count && same_key(key_of(&into->columns[i]), key, keyed))
                        return i;
        }
        return SIZE_MAX;
}

static bool fits_column(SniffResult *into, size_t place, const SniffResult *other, size_t index) {
        SniffColumn *a = &into->columns[place];
        const SniffColumn *b = &other->columns[index];
        bool same_place = into->format.kind != FORMAT_FIXED || str_equal(a->column.from, b->column.from);
        return same_place && same_key(a->column.name, b->column.name, is_keyed(&into->format)) && same_list(a->column.dates, b->column.dates) &&
               unify_column(into, a, other, b, true);
}

/* Without a header nothing but the name says what the columns are, so there the names must be alike too. */
static bool fits_group(FileGroup *group, const SniffedFile *file, Str name) {
        SniffResult *a = &group->sniffed;
        const SniffResult *b = &file->sniffed;
        if (!same_dialect(&a->format, &b->format) || !one_feed_same_letters(a, b) || !fits_sheets(group, file) || a->column_count != b->column_count)
                return false;
        if (!a->format.header && !str_equal(group->name, name))
                return false;
        for (size_t i = 0; i < b->column_count; i++) {
                size_t place = group_column(a, b, i);
                if (place >= a->column_count || !fits_column(a, place, b, i))
                        return false;
        }
        return true;
}

static bool has_name(const SniffResult *result, Str name) {
        for (size_t i = 0; i < result->column_count; i++)
                if (str_equal_nocase(result->columns[i].column.name, name))
                        return true;
        return false;
}

/* What only some of the files have is NULL in the others. The rows of the preview are those of the first file. */
static void add_column(SniffResult *into, const SniffColumn *column, Arena *arena) {
        size_t width = into->column_count;
        SniffColumn *columns = ARENA_ARRAY(arena, SniffColumn, width + 1), *added = &columns[width];
        Str *preview = ARENA_ARRAY(arena, Str, into->preview_count * (width + 1) + 1);
        for (size_t i = 0; i < width; i++)
                columns[i] = into->columns[i];
        for (size_t i = 0; i < into->preview_count * width; i++)
                preview[i / width * (width + 1) + i % width] = into->preview[i];
        *added = *column;
        added->nulls += into->accepted;
        for (int n = 2; has_name(into, added->column.name); n++) {
                added->column.from = key_of(column);
                added->column.name = arena_strf(arena, "%.*s_%d", STR_ARG(column->column.name), n);
        }
        into->columns = columns;
        into->preview = preview;
        into->column_count++;
}

/* --one: columns that do not fit together become text. */
static void join_anyway(FileGroup *group, const SniffedFile *file, Arena *arena) {
        SniffResult *a = &group->sniffed;
        const SniffResult *b = &file->sniffed;
        for (size_t i = 0; i < b->column_count; i++) {
                size_t place = group_column(a, b, i);
                if (place == SIZE_MAX)
                        add_column(a, &b->columns[i], arena);
                else if (place < a->column_count && !unify_column(a, &a->columns[place], b, &b->columns[i], false))
                        a->columns[place].column.type = (Type){ .kind = TYPE_TEXT };
        }
}

/* Totals that only some of the files have are none of the records in any of them. */
static void add_footer(Arena *arena, Format *into, Str footer) {
        if (into->footer.size == 0)
                into->footer = footer;
        else if (footer.size > 0 && str_find(into->footer, footer) == into->footer.size)
                into->footer = arena_strf(arena, "%.*s|%.*s", STR_ARG(into->footer), STR_ARG(footer));
}

static void add_doubts(Arena *arena, SniffResult *into, const SniffResult *other) {
        add_footer(arena, &into->format, other->format.footer);
        Doubt *all = ARENA_ARRAY(arena, Doubt, into->doubt_count + other->doubt_count);
        size_t count = 0;
        for (size_t i = 0; i < into->doubt_count; i++)
                all[count++] = into->doubts[i];
        for (size_t i = 0; i < other->doubt_count; i++) {
                bool known = false;
                for (size_t j = 0; j < count && !known; j++)
                        known = str_equal(all[j].column, other->doubts[i].column) && str_equal(all[j].what, other->doubts[i].what);
                if (!known)
                        all[count++] = other->doubts[i];
        }
        into->doubts = all;
        into->doubt_count = count;
}

static FileGroup *begin_group(FileGroup *groups, size_t *count, SniffedFile *file, size_t file_count, Arena *arena) {
        FileGroup *group = &groups[(*count)++];
        group->files = ARENA_ARRAY(arena, SniffedFile *, file_count);
        group->sniffed = file->sniffed;
        group->sniffed.columns = ARENA_ARRAY(arena, SniffColumn, file->sniffed.column_count);
        memcpy(group->sniffed.columns, file->sniffed.columns, file->sniffed.column_count * sizeof(SniffColumn));
        return group;
}

static void join_file(FileGroup *group, const SniffedFile *file, Arena *arena) {
        SniffResult *all = &group->sniffed;
        join_anyway(group, file, arena);
        add_doubts(arena, all, &file->sniffed);
        all->accepted += file->sniffed.accepted;
        if (all->ascii)
                all->format.encoding = file->sniffed.format.encoding;
        all->ascii &= file->sniffed.ascii;
}

/* ---- files that say the same of the same keys ---- */

/* 2025-01-31, 20250131, 2025_01: a year and a month at least. */
static bool has_date(Str name) {
        for (size_t i = 0; i + 6 <= name.size; i++) {
                if (!str_starts_with(str_slice(name, i, name.size), STR("20")) && !str_starts_with(str_slice(name, i, name.size), STR("19")))
                        continue;
                size_t digits = 0;
                for (size_t k = i; k < name.size && char_is_one_of(name.data[k], "0123456789-_."); k++)
                        digits += name.data[k] >= '0' && name.data[k] <= '9';
                if (digits >= 6)
                        return true;
        }
        return false;
}

static Str shown_value(const SniffResult *r, size_t row, size_t column) {
        return r->preview[row * r->column_count + column];
}

/* The first column of which no two rows looked at have the same value, as a key has; the count of columns if there is none. */
static size_t find_key(const SniffResult *r) {
        for (size_t column = 0; column < r->column_count; column++) {
                TypeKind kind = r->columns[column].column.type.kind;
                bool is_key = kind == TYPE_TEXT || kind == TYPE_INT || kind == TYPE_BIGINT || kind == TYPE_UUID;
                for (size_t i = 0; i < r->preview_count && is_key; i++) {
                        is_key = shown_value(r, i, column).size > 0;
                        for (size_t k = 0; k < i && is_key; k++)
                                is_key = !str_equal(shown_value(r, i, column), shown_value(r, k, column));
                }
                if (is_key)
                        return column;
        }
        return r->column_count;
}

#define REPEATS_ROWS_MIN 3

/* Whether all rows that were looked at have the keys of the other file's, and another column that tells them apart the same
 * values: a number of lines alone begins anew in each file. */
static bool repeats_keys(const SniffResult *a, const SniffResult *b, size_t key) {
        if (a->column_count != b->column_count || a->preview_count < REPEATS_ROWS_MIN || a->preview_count != b->preview_count)
                return false;
        for (size_t i = 0; i < a->preview_count; i++)
                if (!str_equal(shown_value(a, i, key), shown_value(b, i, key)))
                        return false;
        for (size_t column = 0; column < a->column_count; column++) {
                bool same = column != key, differs = false;
                for (size_t i = 0; i < a->preview_count && same; i++) {
                        same = shown_value(a, i, column).size > 0 && str_equal(shown_value(a, i, column), shown_value(b, i, column));
                        differs |= !str_equal(shown_value(a, i, column), shown_value(a, 0, column));
                }
                if (same && differs)
                        return true;
        }
        return false;
}

/* By the first rows of each, which are there already: files with dates in their names that begin with the same keys. */
static void doubt_snapshots(Arena *arena, FileGroup *group) {
        const SniffResult *first = &group->files[0]->sniffed;
        size_t key = first->preview_count ? find_key(first) : first->column_count, pairs = 0;
        if (key == first->column_count)
                return;
        for (size_t i = 0; i < group->file_count; i++) {
                if (!has_date(str_of(group->files[i]->shown)))
                        return;
                pairs += i > 0 && repeats_keys(&group->files[i - 1]->sniffed, &group->files[i]->sniffed, key);
        }
        if (group->file_count < 2 || pairs * 2 < group->file_count - 1)
                return;
        Str name = group->sniffed.columns[key].column.name;
        Doubt doubt = { name,
                        arena_strf(arena, "%zu of %zu files begin with the keys of the one before, such as %.*s, as full snapshots do", pairs, group->file_count,
                                   STR_ARG(str_slice(shown_value(first, 0, key), 0, utf8_prefix(shown_value(first, 0, key), 40)))),
                        arena_strf(arena, "all rows are kept (load: append); if each file is the whole as it then was, load: replace keeps the newest, and load: merge or "
                                          "load: history with key: %.*s keep what became of each", STR_ARG(name)) };
        SniffResult with = { .doubts = &doubt, .doubt_count = 1 };
        add_doubts(arena, &group->sniffed, &with);
}

static bool has_doubt(const SniffResult *of, const Doubt *doubt) {
        for (size_t i = 0; i < of->doubt_count; i++)
                if (str_equal(of->doubts[i].column, doubt->column) && str_equal(of->doubts[i].what, doubt->what))
                        return true;
        return false;
}

/* Where only some of the files are in doubt, which. */
static void name_files(Arena *arena, FileGroup *group) {
        SniffResult *all = &group->sniffed;
        Doubt *named = ARENA_ARRAY(arena, Doubt, all->doubt_count + 1);
        for (size_t i = 0; i < all->doubt_count; i++) {
                const char *first = NULL;
                size_t count = 0;
                for (size_t k = 0; k < group->file_count; k++) {
                        if (!has_doubt(&group->files[k]->sniffed, &all->doubts[i]))
                                continue;
                        first = first ? first : group->files[k]->shown;
                        count++;
                }
                named[i] = all->doubts[i];
                if (count == 0 || count == group->file_count)
                        continue;
                const char *slash = strrchr(first, '/');
                const char *more = count == 1 ? "" : arena_printf(arena, " and %zu more", count - 1);
                named[i].what = arena_strf(arena, "%.*s, in %s%s", STR_ARG(named[i].what), slash ? slash + 1 : first, more);
        }
        all->doubts = named;
}

Status group_files(SniffedFile *files, size_t count, Grouping how, Arena *arena, FileGroup **out, size_t *out_count, Error *err) {
        FileGroup *groups = ARENA_ARRAY(arena, FileGroup, count);
        size_t group_count = 0;
        for (size_t i = 0; i < count; i++) {
                FileGroup *group = NULL;
                Str name = name_of(arena, &files[i]);
                if (how == GROUP_ONE && group_count)
                        group = &groups[0];
                for (size_t j = 0; j < group_count && how == GROUP_BY_SHAPE && !group; j++)
                        if (fits_group(&groups[j], &files[i], name))
                                group = &groups[j];
                if (group) {
                        if (how == GROUP_ONE)
                                TRY(one_feed_check(group, &files[i], arena, err));
                        join_file(group, &files[i], arena);
                } else {
                        group = begin_group(groups, &group_count, &files[i], count, arena);
                        group->name = name;
                }
                group->files[group->file_count++] = &files[i];
                group->records += files[i].sniffed.records - files[i].sniffed.skipped;
        }
        for (size_t i = 0; i < group_count; i++) {
                take_sheets(&groups[i], arena);
                if (how == GROUP_ONE)
                        one_feed_settle(&groups[i], arena);
                name_files(arena, &groups[i]);
                doubt_snapshots(arena, &groups[i]);
        }
        *out = groups;
        *out_count = group_count;
        return STATUS_OK;
}

/* ---- patterns ---- */

typedef enum Star {
        STAR_NONE,  /* the name itself */
        STAR_APART, /* numbers, but not a digit or two inside a word, as in fbl3n */
        STAR_ALL,
} Star;

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static bool is_inside_word(Str name, size_t from, size_t to) {
        return to - from <= 2 && from > 0 && to < name.size && is_letter(name.data[from - 1]) && is_letter(name.data[to]);
}

/* Runs of digits, with the dashes and underscores between them, become one star; pattern characters are kept from
 * meaning anything by a class. */
static Str star_numbers(Arena *arena, Str name, Star star) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < name.size;) {
                char c = name.data[i];
                size_t end = i;
                while (end < name.size && char_is_one_of(name.data[end], end == i ? "0123456789" : "0123456789-_"))
                        end++;
                while (end > i && char_is_one_of(name.data[end - 1], "-_"))
                        end--;
                if (end > i && (star == STAR_NONE || (star == STAR_APART && is_inside_word(name, i, end)))) {
                        buf_append(&out, str_slice(name, i, end));
                        i = end;
                        continue;
                }
                if (end > i) {
                        buf_append_byte(&out, '*');
                        i = end;
                        continue;
                }
                if (char_is_one_of(c, "*?["))
                        buf_printf(&out, "[%c]", c);
                else
                        buf_append_byte(&out, c);
                i++;
        }
        return buf_dup(&out, arena);
}

static bool in_group(const FileGroup *group, const char *path) {
        for (size_t i = 0; i < group->file_count; i++)
                if (strcmp(group->files[i]->path, path) == 0)
                        return true;
        return false;
}

/* A file of the folder that the pattern catches and that is not of the group; NULL: none; empty: the folder cannot be looked at. */
static const char *caught_other(Arena *arena, const FileGroup *group, const char *folder, Str pattern) {
        DirEntry *entries;
        size_t count;
        Error ignored;
        if (dir_list(folder, arena, &entries, &count, &ignored) != STATUS_OK)
                return "";
        for (size_t i = 0; i < count; i++)
                if (entries[i].is_file && str_matches_glob(entries[i].name, pattern) &&
                    !in_group(group, path_join(arena, folder, entries[i].name.data)))
                        return entries[i].name.data;
        return NULL;
}

/* What stands inside words varies where the group's own names say so. */
static Star star_of_group(Arena *arena, const FileGroup *group, Str name) {
        Str apart = star_numbers(arena, name, STAR_APART), all = star_numbers(arena, name, STAR_ALL);
        for (size_t i = 0; i < group->file_count; i++) {
                Str other = str_of(path_base(group->files[i]->path));
                if (str_matches_glob(other, all) && !str_matches_glob(other, apart))
                        return STAR_ALL;
        }
        return STAR_APART;
}

#define LINE_MAX_LOOKED 4096

/* How much of a file there is of its first line, its end included; 0: none, or more than is looked at. */
static size_t first_line(const char *path, char *line) {
        CLEANUP(close_fdp) int fd = -1;
        Error ignored;
        ssize_t got = file_open(path, &fd, &ignored) == STATUS_OK ? pread(fd, line, LINE_MAX_LOOKED, 0) : 0;
        size_t end = got > 0 ? str_find_byte((Str){ line, (size_t)got }, '\n') : 0;
        return end > 0 && end < (size_t)got ? end + 1 : 0;
}

/* Whether both begin with the same line, as files of one header do. */
static bool begin_alike(const char *a, const char *b) {
        char one[LINE_MAX_LOOKED], two[LINE_MAX_LOOKED];
        size_t size = first_line(a, one);
        return size > 0 && first_line(b, two) == size && memcmp(one, two, size) == 0;
}

/* Later files of the feed are not found by an exact name, so it is said why it is one. */
static void doubt_exact(Arena *arena, FileGroup *group, Str pattern, const char *folder, const char *other) {
        bool alike = begin_alike(group->files[0]->path, path_join(arena, folder, other));
        Doubt doubt = { STR(""), arena_strf(arena, "from: %.*s would also take %s, which is not of these files%s", STR_ARG(pattern), other,
                                            alike ? " and begins with the same line" : ""),
                        alike ? arena_strf(arena, "these names alone; write %.*s in `from` if both are of one feed", STR_ARG(pattern))
                              : STR("these names alone; widen `from` for the files to come") };
        SniffResult with = { .doubts = &doubt, .doubt_count = 1 };
        add_doubts(arena, &group->sniffed, &with);
}

/* The folder as `from` names it. */
static Str shown_folder(Arena *arena, const char *project_root, Str zone, const char *folder) {
        Str ingress = arena_strf(arena, "%s/ingress/%.*s", project_root, STR_ARG(zone));
        Str root = str_of(project_root), text = str_of(folder);
        if (str_equal(text, ingress))
                return STR("ingress/");
        if (str_starts_with(text, arena_strf(arena, "%.*s/", STR_ARG(ingress))))
                return arena_strf(arena, "ingress/%.*s/", STR_ARG(str_slice(text, ingress.size + 1, text.size)));
        if (str_equal(text, root))
                return STR("");
        if (str_starts_with(text, arena_strf(arena, "%.*s/", STR_ARG(root))))
                return arena_strf(arena, "%.*s/", STR_ARG(str_slice(text, root.size + 1, text.size)));
        return arena_strf(arena, "%.*s/", STR_ARG(text));
}

static bool has_pattern(const FileGroup *group, Str pattern) {
        for (size_t i = 0; i < group->pattern_count; i++)
                if (str_equal(group->patterns[i], pattern))
                        return true;
        return false;
}

Str group_pattern(Arena *arena, const char *project_root, Str zone, FileGroup *group) {
        group->patterns = ARENA_ARRAY(arena, Str, group->file_count);
        group->pattern_count = 0;
        for (size_t i = 0; i < group->file_count; i++) {
                const char *folder = path_dir(arena, group->files[i]->path);
                Str base = str_of(path_base(group->files[i]->path));
                Str name = star_numbers(arena, base, star_of_group(arena, group, base)), exact = star_numbers(arena, base, STAR_NONE);
                const char *other = str_is(name, "*") || str_equal(name, exact) ? NULL : caught_other(arena, group, folder, name);
                if (other && *other)
                        doubt_exact(arena, group, name, folder, other);
                if (str_is(name, "*") || other)
                        name = exact;
                Str shown = star_numbers(arena, shown_folder(arena, project_root, zone, folder), STAR_NONE);
                Str pattern = arena_strf(arena, "%.*s%.*s", STR_ARG(shown), STR_ARG(name));
                if (!has_pattern(group, pattern))
                        group->patterns[group->pattern_count++] = pattern;
        }
        return group->patterns[0];
}
