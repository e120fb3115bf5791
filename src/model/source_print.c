/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints a source as a person would have written it. Values are quoted only where YAML would read them otherwise;
 * keys stand in the manual's order, with an empty line between where the files are, how they are read, what becomes
 * of them, and the columns.
 */
#include "base/time.h"
#include "frame/encoding.h"
#include "model/source_load.h"

/* Whether plain text would not come back as it is. */
static bool needs_quotes(Str text, bool in_list) {
        if (text.size == 0 || text.data[0] == ' ' || text.data[text.size - 1] == ' ' || text.data[text.size - 1] == ':')
                return true;
        if (char_is_one_of(text.data[0], "!&*-?|>@`%{}[]\"'#,~=:"))
                return true;
        for (size_t i = 0; i < text.size; i++) {
                unsigned char c = (unsigned char)text.data[i];
                if (c < 0x20 || c == 0x7f || c == '"' || c == '\'' || c == '\\' || c == '#')
                        return true;
                if (c == ':' && (i + 1 == text.size || text.data[i + 1] == ' ' || in_list))
                        return true;
                if (in_list && char_is_one_of(c, ",[]{}"))
                        return true;
        }
        return false;
}

static void put_quoted(Buf *out, Str text) {
        buf_append_byte(out, '"');
        for (size_t i = 0; i < text.size; i++) {
                unsigned char c = (unsigned char)text.data[i];
                if (c == '"' || c == '\\')
                        buf_printf(out, "\\%c", c);
                else if (c == '\t')
                        buf_append_cstr(out, "\\t");
                else if (c < 0x20 || c == 0x7f)
                        buf_printf(out, "\\x%02x", c);
                else
                        buf_append_byte(out, (char)c);
        }
        buf_append_byte(out, '"');
}

static void put_text(Buf *out, Str text, bool in_list) {
        if (needs_quotes(text, in_list))
                put_quoted(out, text);
        else
                buf_append(out, text);
}

static void put_line(Buf *out, const char *key, Str text) {
        buf_printf(out, "%s: ", key);
        put_text(out, text, false);
        buf_append_byte(out, '\n');
}

/* To the end of the line; what would end it earlier becomes a blank. */
static void put_comment(Buf *out, const char *before, Str text) {
        buf_append_cstr(out, before);
        for (size_t i = 0; i < text.size; i++)
                buf_append_byte(out, (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : text.data[i]);
        buf_append_byte(out, '\n');
}

/* One text plain, several as [a, b]. */
static void put_list(Buf *out, const char *key, const Str *items, size_t count) {
        if (count == 0)
                return;
        if (count == 1) {
                put_line(out, key, items[0]);
                return;
        }
        buf_printf(out, "%s: [", key);
        for (size_t i = 0; i < count; i++) {
                buf_append_cstr(out, i ? ", " : "");
                put_text(out, items[i], true);
        }
        buf_append_cstr(out, "]\n");
}

static void put_character(Buf *out, const char *key, char is, char usual) {
        if (is == usual)
                return;
        if (is == '\t' || is == 0)
                put_line(out, key, is ? STR("tab") : STR("none"));
        else if (is == ' ')
                put_line(out, key, STR("space"));
        else if ((unsigned char)is < ' ')
                buf_printf(out, "%s: \"\\x%02x\"\n", key, (unsigned char)is);
        else
                buf_printf(out, is == '"' || is == '\\' ? "%s: \"\\%c\"\n" : "%s: \"%c\"\n", key, is);
}

/* The largest unit that divides it. */
static void put_quantity(Buf *out, const char *key, int64_t value, const char *const *units, const int64_t *factors,
                         size_t count) {
        for (size_t i = 0; i < count; i++) {
                if (value % factors[i] != 0)
                        continue;
                buf_printf(out, "%s: %lld%s\n", key, (long long)(value / factors[i]), units[i]);
                return;
        }
}

static void put_size(Buf *out, const char *key, int64_t bytes) {
        static const char *const units[] = { " GB", " MB", " KB", " B" };
        static const int64_t factors[] = { 1000000000, 1000000, 1000, 1 };
        put_quantity(out, key, bytes, units, factors, COUNT_OF(factors));
}

static void put_duration(Buf *out, const char *key, int64_t us) {
        static const char *const units[] = { "d", "h", "m", "s", "ms" };
        static const int64_t factors[] = { 86400000000, 3600000000, 60000000, 1000000, 1000 };
        put_quantity(out, key, us, units, factors, COUNT_OF(factors));
}

static void put_reading(Buf *out, const Source *source, const Source *usual) {
        const Format *is = &source->format, *was = &usual->format;
        if (is->kind != was->kind)
                put_line(out, "format", str_of(format_kind_names[is->kind]));
        if (is->records.size > 0)
                put_line(out, "records", is->records);
        put_list(out, "sheet", is->sheets.items, is->sheets.count);
        if (is->range.size > 0)
                put_line(out, "range", is->range);
        put_character(out, "delimiter", is->delimiter, was->delimiter);
        put_character(out, "quote", is->quote, was->quote);
        put_character(out, "escape", is->escape, was->escape);
        if (is->escapes != was->escapes)
                put_line(out, "escapes", is->escapes == ESCAPES_MYSQL ? STR("mysql") : STR("postgres"));
        if (is->header != (was->header && is->kind != FORMAT_FIXED))
                put_line(out, "header", is->header ? STR("yes") : STR("no"));
        if (is->skip != was->skip)
                buf_printf(out, "skip: %u\n", is->skip);
        if (!encoding_is_utf8(encoding_find(is->encoding)))
                put_line(out, "encoding", is->encoding);
        if (is->comment.size > 0)
                put_line(out, "comment", is->comment);
        if (is->footer.size > 0)
                put_line(out, "footer", is->footer);
        put_character(out, "decimal", is->decimal, was->decimal);
        if (is->thousands == THOUSANDS_INDIAN && was->thousands != THOUSANDS_INDIAN)
                put_line(out, "thousands", STR("indian"));
        else
                put_character(out, "thousands", is->thousands, was->thousands);
        put_list(out, "currency", is->currency.items, is->currency.count);
        if (is->percent != was->percent)
                put_line(out, "percent", is->percent == PERCENT_NUMBER ? STR("number") : STR("fraction"));
        if (is->negatives != was->negatives)
                put_line(out, "negatives", is->negatives == NEGATIVES_BEHIND ? STR("behind") : STR("parentheses"));
        put_list(out, "dates", is->dates.items, is->dates.count);
        put_list(out, "nulls", is->nulls.items, is->nulls.count);
        put_list(out, "true", is->true_words.items, is->true_words.count);
        put_list(out, "false", is->false_words.items, is->false_words.count);
        if (is->record_limit != was->record_limit) {
                buf_append_cstr(out, "limits:\n");
                put_size(out, "  record", is->record_limit);
        }
}

static void put_tolerate(Buf *out, Tolerate tolerate) {
        if (!tolerate.set)
                return;
        if (tolerate.rows >= 0) {
                buf_printf(out, "tolerate: %lld\n", (long long)tolerate.rows);
                return;
        }
        char fraction[8];
        snprintf(fraction, sizeof(fraction), ".%04lld", (long long)(tolerate.per_million % 10000));
        size_t end = strlen(fraction);
        while (end > 1 && fraction[end - 1] == '0')
                end--;
        fraction[end > 1 ? end : 0] = 0;
        buf_printf(out, "tolerate: %lld%s%%\n", (long long)(tolerate.per_million / 10000), fraction);
}

static void put_deliveries(Arena *arena, Buf *out, const Source *source, const Source *usual) {
        static const char *const evolves[] = { "columns", "freeze", "rescue", "widen" };
        static const char *const redeliveries[] = { "reject", "replace", "append" };
        if (source->load != usual->load)
                buf_printf(out, "load: %s\n", source_load_name(source->load));
        put_list(out, "key", source->key.items, source->key.count);
        put_list(out, "order_by", source->order_by.items, source->order_by.count);
        if (source->gone.test != FEED_GONE_NEVER)
                put_line(out, "deleted_when", deleted_when_print(&source->gone, arena));
        if (source->absent != usual->absent)
                put_line(out, "absent", STR("keep"));
        if (source->as_of.kind != usual->as_of.kind)
                put_line(out, "as_of", as_of_print(&source->as_of, arena));
        if (source->evolve != usual->evolve)
                buf_printf(out, "evolve: %s\n", evolves[source->evolve]);
        if (source->redelivery != usual->redelivery)
                buf_printf(out, "redelivery: %s\n", redeliveries[source->redelivery]);
        put_tolerate(out, source->tolerate);
        if (source->settle_us != usual->settle_us)
                put_duration(out, "settle", source->settle_us);
        if (source->reread_bytes != usual->reread_bytes)
                put_size(out, "reread", source->reread_bytes);
}

/* nulls(NA | "n a"): in quotes what would end the word. */
static void put_words(Buf *out, const char *key, StrList words) {
        buf_printf(out, " %s(", key);
        for (size_t i = 0; i < words.count; i++) {
                Str word = words.items[i];
                char quote = str_find_byte(word, '"') < word.size ? '\'' : '"';
                bool bare = word.size > 0 && str_trim(word).size == word.size && !str_is(word, ",") && !str_is(word, ".");
                for (size_t k = 0; k < word.size; k++)
                        bare &= !char_is_one_of(word.data[k], "|()\"'");
                buf_append_cstr(out, i ? " | " : "");
                buf_printf(out, bare ? "%.*s" : quote == '"' ? "\"%.*s\"" : "'%.*s'", STR_ARG(word));
        }
        buf_append_byte(out, ')');
}

/* decimal(","), thousands(".") and currency(EUR | $), where the column has its own. */
static void put_number_style(Buf *out, const SourceColumn *column) {
        Str point = { &column->decimal, 1 }, mark = thousands_name(&column->thousands);
        if (column->decimal)
                put_words(out, "decimal", (StrList){ &point, 1 });
        if (column->has_thousands)
                put_words(out, "thousands", (StrList){ &mark, mark.size > 0 });
        if (column->has_currency)
                put_words(out, "currency", column->currency);
}

/* A name, in quotes that it does not hold itself where it needs them. */
static void put_name(Buf *out, Str name, bool needs_quotes) {
        const char *quote = !needs_quotes ? "" : str_find_byte(name, '"') < name.size ? "'" : "\"";
        buf_printf(out, "%s%.*s%s", quote, STR_ARG(name), quote);
}

static void column_value(Arena *arena, Buf *out, const SourceColumn *column, const ColumnText *text, bool fixed) {
        buf_append(out, column->zone.size ? STR("timestamp") : type_print(arena, column->type));
        for (size_t i = 0; i < column->dates.count; i++)
                buf_printf(out, "%s%.*s%s", i ? " | " : "(", STR_ARG(column->dates.items[i]), i + 1 == column->dates.count ? ")" : "");
        if (column->zone.size > 0)
                buf_printf(out, " %.*s", STR_ARG(column->zone));
        if (column->has_nulls)
                put_words(out, "nulls", column->nulls);
        put_number_style(out, column);
        if (column->required)
                buf_append_cstr(out, " required");
        if (text->unique)
                buf_append_cstr(out, " unique");
        for (size_t i = 0; i < text->tag_count; i++)
                buf_printf(out, " tag %.*s", STR_ARG(text->tags[i]));
        if (column->was.size > 0) {
                buf_append_cstr(out, " was ");
                put_name(out, column->was, char_is_one_of(column->was.data[0], "\"'") || str_find_byte(column->was, ' ') < column->was.size);
        }
        if (fixed) {
                buf_printf(out, " at %.*s", STR_ARG(column->from));
        } else if (column->from.size > 0 && !str_equal(column->from, column->name)) {
                buf_append_cstr(out, " from ");
                put_name(out, column->from, source_from_needs_quotes(column));
        }
}

static void put_columns(Arena *arena, Buf *out, const Source *source) {
        if (source->column_count == 0)
                return;
        buf_append_cstr(out, "\ncolumns:\n");
        for (size_t i = 0; i < source->column_count; i++) {
                CLEANUP(buf_deinit) Buf value = { 0 };
                column_value(arena, &value, &source->columns[i], &source->column_texts[i], source->format.kind == FORMAT_FIXED);
                buf_append_cstr(out, "  ");
                put_text(out, source->columns[i].name, false);
                buf_append_cstr(out, ": ");
                put_text(out, buf_view(&value), false);
                if (source->column_texts[i].note.size > 0)
                        put_comment(out, "    # ", source->column_texts[i].note);
                else
                        buf_append_byte(out, '\n');
        }
}

static void put_block(Buf *out, const Buf *block) {
        if (block->size == 0)
                return;
        buf_append_byte(out, '\n');
        buf_append(out, buf_view(block));
}

void source_print(const Source *source, Buf *out) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const Source *usual = source_new(&arena, source->zone, source->name);

        for (size_t i = 0; i < source->notes.count; i++)
                put_comment(out, "# ", source->notes.items[i]);
        if (source->about.size > 0)
                put_line(out, "about", source->about);
        put_list(out, "from", source->from, source->from_count);

        CLEANUP(buf_deinit) Buf reading = { 0 };
        put_reading(&reading, source, usual);
        put_block(out, &reading);
        CLEANUP(buf_deinit) Buf deliveries = { 0 };
        put_deliveries(&arena, &deliveries, source, usual);
        put_block(out, &deliveries);
        put_columns(&arena, out, source);
        put_list(out, "\nignore", source->ignore.items, source->ignore.count);
}

static bool lists_equal(StrList is, StrList was) {
        bool equal = is.count == was.count;
        for (size_t i = 0; i < is.count && equal; i++)
                equal = str_equal(is.items[i], was.items[i]);
        return equal;
}

static StrList changed_list(StrList is, StrList was) {
        return lists_equal(is, was) ? (StrList){ 0 } : is;
}

static bool columns_equal(const SourceColumn *is, const SourceColumn *was) {
        return type_equal(is->type, was->type) && is->required == was->required && lists_equal(is->dates, was->dates) && is->has_nulls == was->has_nulls &&
               lists_equal(is->nulls, was->nulls) && is->decimal == was->decimal && is->has_thousands == was->has_thousands && is->thousands == was->thousands &&
               is->has_currency == was->has_currency && lists_equal(is->currency, was->currency);
}

Str source_print_change(Arena *arena, const Source *is, const Source *was) {
        Source changed = *is;
        Format *format = &changed.format;
        format->sheets = changed_list(format->sheets, was->format.sheets);
        format->range = str_equal(format->range, was->format.range) ? STR_NONE : format->range;
        format->currency = changed_list(format->currency, was->format.currency);
        format->records = str_equal(format->records, was->format.records) ? STR_NONE : format->records;
        format->dates = changed_list(format->dates, was->format.dates);
        format->nulls = changed_list(format->nulls, was->format.nulls);
        format->true_words = changed_list(format->true_words, was->format.true_words);
        format->false_words = changed_list(format->false_words, was->format.false_words);
        format->comment = str_equal(format->comment, was->format.comment) ? STR_NONE : format->comment;
        format->footer = str_equal(format->footer, was->format.footer) ? STR_NONE : format->footer;
        format->encoding = str_equal(format->encoding, was->format.encoding) ? STR_NONE : format->encoding;
        format->header = format->header && !(format->kind == FORMAT_FIXED && was->format.header); /* not its usual, nor changed */
        CLEANUP(buf_deinit) Buf lines = { 0 };
        put_reading(&lines, &changed, was);
        for (size_t i = 0; i < is->column_count; i++) {
                if (columns_equal(&is->columns[i], &was->columns[i]))
                        continue;
                buf_printf(&lines, "%.*s: ", STR_ARG(is->columns[i].name));
                column_value(arena, &lines, &is->columns[i], &is->column_texts[i], is->format.kind == FORMAT_FIXED);
                buf_append_byte(&lines, '\n');
        }
        CLEANUP(buf_deinit) Buf joined = { 0 };
        for (size_t i = 0; i + 1 < lines.size; i++)
                buf_append(&joined, lines.data[i] == '\n' ? STR(", ") : (Str){ lines.data + i, 1 });
        return buf_dup(&joined, arena);
}
