/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/sniff_totals.h"


#include "base/expression.h"
#include "base/vec.h"

#define RULE_SIZE_MIN 3 /* of a drawn line */
#define RULE_SIZE_LONG 5 /* which is no mark for nothing */
#define TEXT_SIZE_MAX 64 /* longer texts are prose */
#define EXPRESSIONS_MAX 8
#define SPARSE_SHARE 20 /* a column is filled where at most one in so many records lacks it */
#define TOKENS_MAX 6
#define REMARKS_MAX 5

#define NO_LETTERS "[^[:alpha:]]*"

static const char *const total_words[] = {
        "total",      "totals",    "subtotal",  "sub-total", "sub total", "grand total",   "sum",         "summe",   "zwischensumme",
        "endsumme",   "gesamt",    "insgesamt", "gesamtsumme", "summa",   "somme",         "totale",      "totaal",  "subtotaal",
        "totalt",     "sous-total", "total g\u00e9n\u00e9ral", "suma",     "razem",         "celkem",      "yhteens\u00e4", "\u00f6sszesen",
        "toplam",     "itogo",     "\u0438\u0442\u043e\u0433\u043e", "\u0418\u0442\u043e\u0433\u043e", "\u0412\u0441\u0435\u0433\u043e", "\u5408\u8a08", "\u5c0f\u8a08",
        "\u603b\u8ba1", "\u5408\u8ba1", "\uc18c\uacc4", "\ud569\uacc4", "end of file", "eof",
};

static const char *const balance_words[] = {
        "opening balance",  "closing balance", "beginning balance", "ending balance", "starting balance", "balance brought forward",
        "balance carried forward", "brought forward", "carried forward", "balance forward", "balance", "anfangssaldo", "endsaldo",
        "schlusssaldo",     "saldovortrag",    "saldo",             "anfangsbestand", "endbestand",       "\u00fcbertrag",
        "\u00dcbertrag",    "uebertrag",       "solde",             "solde initial",  "solde final",      "saldo inicial",
        "saldo final",      "saldo iniziale",  "saldo finale",
};

/* Of "Page 2 of 3", "(12 rows affected)": the words that tell, and those that may stand beside them. */
static const char *const count_words[] = {
        "row", "rows", "record", "records", "line", "lines", "page", "pages", "seite", "seiten", "zeile", "zeilen", "datensatz", "datens\u00e4tze",
        "datensaetze", "eintr\u00e4ge", "ligne", "lignes", "enregistrements", "fila", "filas", "registro", "registros", "p\u00e1gina", "pagina",
        "righe", "strona", "strana", "entries",
};
static const char *const beside_words[] = { "of", "von", "de", "di", "van", "z", "in", "set", "selected", "affected", "returned", "total",
                                            "number", "anzahl", "count", "exported", "the" };

static bool is_letter(char c) {
        return (unsigned char)c >= 0x80 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool has_letters(Str text) {
        for (size_t i = 0; i < text.size; i++)
                if (is_letter(text.data[i]))
                        return true;
        return false;
}

/* Digits and what stands between them: a number or a date. */
static bool is_plain(Str text) {
        bool digits = false;
        for (size_t i = 0; i < text.size; i++)
                digits |= is_digit(text.data[i]);
        return digits && !has_letters(text);
}

static Str strip(Str text, const char *before, const char *after) {
        while (text.size > 0 && char_is_one_of(text.data[0], before))
                text = str_slice(text, 1, text.size);
        while (text.size > 0 && char_is_one_of(text.data[text.size - 1], after))
                text.size--;
        return text;
}

static bool begins_with(Str text, Str word) {
        return text.size >= word.size && str_equal_nocase(str_slice(text, 0, word.size), word);
}

static bool ends_with(Str text, Str word) {
        return text.size >= word.size && str_equal_nocase(str_slice(text, text.size - word.size, text.size), word);
}

/* The longest of the words that the text is, begins or ends with. */
static bool find_word(Str text, const char *const *words, size_t count, Str *out) {
        *out = STR("");
        for (size_t i = 0; i < count; i++) {
                Str word = str_of(words[i]);
                if (word.size <= out->size || text.size < word.size)
                        continue;
                bool whole = text.size == word.size;
                if (begins_with(text, word) && (whole || char_is_one_of(text.data[word.size], " :.")))
                        *out = str_slice(text, 0, word.size);
                else if (!whole && text.data[text.size - word.size - 1] == ' ' && ends_with(text, word))
                        *out = str_slice(text, text.size - word.size, text.size);
        }
        return out->size > 0;
}

static bool is_among(Str text, const char *const *words, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (str_equal_nocase(text, str_of(words[i])))
                        return true;
        return false;
}

/* A number, a word of counting, and nothing else but what may stand beside them. */
static bool is_count(Str text) {
        size_t numbers = 0, words = 0, tokens = 0;
        for (size_t i = 0; i < text.size;) {
                size_t start = i;
                while (i < text.size && (is_letter(text.data[i]) || is_digit(text.data[i])))
                        i++;
                Str token = str_slice(text, start, i);
                if (token.size == 0) {
                        if (!char_is_one_of(text.data[i++], " .,:/()-"))
                                return false;
                        continue;
                }
                bool number = is_plain(token), word = is_among(token, count_words, COUNT_OF(count_words));
                if (++tokens > TOKENS_MAX || (!number && !word && !is_among(token, beside_words, COUNT_OF(beside_words))))
                        return false;
                numbers += number;
                words += word;
        }
        return numbers > 0 && words > 0;
}

TotalKind total_kind(Str text, Str *out_word) {
        Str word, unused;
        out_word = out_word ? out_word : &unused;
        text = str_trim(text);
        *out_word = text;
        if (text.size == 0 || text.size > TEXT_SIZE_MAX || !utf8_valid(text)) /* whose word becomes an expression, which is text itself */
                return TOTAL_NONE;
        Str core = strip(text, "*=-( ", "*=-:.) ");
        if (core.size == 0)
                return text.data[0] == '*' && text.size <= 4 && strip(text, "*", "").size == 0 ? TOTAL_STARS : TOTAL_NONE;
        if (!has_letters(core))
                return TOTAL_NONE;
        if (is_count(core))
                return TOTAL_COUNT;
        if (find_word(core, balance_words, COUNT_OF(balance_words), &word)) {
                *out_word = word;
                return TOTAL_BALANCE;
        }
        if (!find_word(core, total_words, COUNT_OF(total_words), &word))
                return TOTAL_NONE;
        *out_word = word;
        return word.size == core.size ? TOTAL_WORD : TOTAL_OF;
}

/* --- the rows --- */

typedef struct Column {
        size_t filled, plain, values; /* of the records */
} Column;

typedef struct Finding {
        const TotalsTable *table;
        Arena *arena;
        Column *columns;
        bool *candidate;
        size_t records, last_record; /* rows that are no candidates, and the last of them */
        TotalsFound *out;
} Finding;

static Str unquoted(const TotalsTable *table, Str field) {
        field = str_trim(field);
        if (table->quote && field.size > 1 && field.data[0] == table->quote && field.data[field.size - 1] == table->quote)
                field = str_trim(str_slice(field, 1, field.size - 1));
        return field;
}

static Str field_at(const TotalsTable *table, size_t row, size_t column) {
        return unquoted(table, table->fields[row * table->width + column]);
}

/* The first field of a row that says something of the table. */
static TotalKind find_phrase(const TotalsTable *table, size_t row, size_t *out_column) {
        for (size_t i = 0; i < table->width; i++) {
                TotalKind kind = total_kind(field_at(table, row, i), NULL);
                *out_column = i;
                if (kind != TOTAL_NONE)
                        return kind;
        }
        return TOTAL_NONE;
}

static void count_record(Finding *finding, size_t row) {
        for (size_t i = 0; i < finding->table->width; i++) {
                Str text = field_at(finding->table, row, i);
                if (text.size == 0)
                        continue;
                finding->columns[i].filled++;
                finding->columns[i].plain += is_plain(text);
        }
        finding->records++;
        finding->last_record = row;
}

/* Of one of the marks alone, and so long; 0: it is no line. Markdown has a colon at the ends that a column is aligned to. */
static size_t rule_size(Str text, char *out_mark) {
        text = str_trim(text);
        if (text.size > 2 && text.data[0] == ':')
                text = str_slice(text, 1, text.size);
        if (text.size > 2 && text.data[text.size - 1] == ':')
                text.size--;
        if (text.size == 0 || !memchr("-=_", text.data[0], 3))
                return 0;
        for (size_t i = 1; i < text.size; i++)
                if (text.data[i] != text.data[0])
                        return 0;
        *out_mark = text.data[0];
        return text.size;
}

bool total_is_rule(Str text) {
        char mark;
        return rule_size(text, &mark) >= RULE_SIZE_MIN;
}

typedef struct Ruler {
        char mark;
        size_t size; /* of its longest part */
        bool colons; /* at the ends of parts */
} Ruler;

/* A line drawn below a header or above a total. Where all parts are short they may be marks for nothing, unless it is below the header. */
static bool is_ruler(const TotalsTable *table, size_t row, Ruler *out) {
        *out = (Ruler){ 0 };
        for (size_t i = 0; i < table->width; i++) {
                Str text = field_at(table, row, i);
                char mark = 0;
                size_t size = rule_size(text, &mark);
                if (text.size > 0 && (size == 0 || (out->mark && out->mark != mark)))
                        return false;
                out->mark = size ? mark : out->mark;
                out->colons |= str_find_byte(text, ':') < text.size;
                out->size = size > out->size ? size : out->size;
        }
        return out->size >= (row == table->first ? RULE_SIZE_MIN : RULE_SIZE_LONG);
}

/* No field but the first is filled. */
static bool is_remark(const TotalsTable *table, size_t row) {
        for (size_t i = 1; i < table->width; i++)
                if (field_at(table, row, i).size > 0)
                        return false;
        return true;
}

static size_t survey(Finding *finding) {
        const TotalsTable *table = finding->table;
        size_t candidates = 0, column, end = table->rows;
        Ruler ruler;
        finding->candidate = ARENA_ARRAY(finding->arena, bool, table->rows + 1);
        finding->columns = ARENA_ARRAY(finding->arena, Column, table->width + 1);
        for (size_t row = table->first; row < table->rows; row++) {
                finding->candidate[row] = find_phrase(table, row, &column) != TOTAL_NONE || is_ruler(table, row, &ruler);
                candidates += finding->candidate[row];
        }
        while (table->whole && end > table->first && table->rows - end < REMARKS_MAX && (finding->candidate[end - 1] || is_remark(table, end - 1)))
                end--; /* words below a total are no records either */
        for (size_t row = table->first; row < end; row++)
                if (!finding->candidate[row])
                        count_record(finding, row);
        return candidates;
}

/* What a row has beside its phrase, and how it differs from the records. */
typedef struct Look {
        size_t texts, numbers;
        bool missing, misfit;
} Look;

static Look look_at(const Finding *finding, size_t row, size_t phrase) {
        Look look = { 0 };
        for (size_t i = 0; i < finding->table->width; i++) {
                const Column *column = &finding->columns[i];
                Str text = field_at(finding->table, row, i);
                if (i == phrase) {
                        look.misfit = column->filled > 0 && column->plain == column->filled;
                        continue;
                }
                bool filled = (finding->records - column->filled) * SPARSE_SHARE <= finding->records;
                look.missing |= text.size == 0 && filled;
                look.numbers += is_plain(text);
                look.texts += text.size > 0 && !is_plain(text);
        }
        return look;
}

static bool is_total(const Finding *finding, size_t row, size_t *out_phrase) {
        Ruler ruler;
        TotalKind kind = find_phrase(finding->table, row, out_phrase);
        Look look = look_at(finding, row, *out_phrase);
        bool unlike = look.missing || look.misfit;
        bool last = finding->table->whole && row > finding->last_record && *out_phrase == 0;
        if (is_ruler(finding->table, row, &ruler))
                return true;
        switch (kind) {
        case TOTAL_WORD:
                return unlike || (last && look.texts == 0);
        case TOTAL_OF:
                return unlike && look.texts == 0 && look.numbers > 0;
        case TOTAL_BALANCE:
                return unlike && look.numbers > 0;
        case TOTAL_COUNT:
                return unlike && look.texts == 0 && look.numbers == 0;
        case TOTAL_STARS:
                return look.missing && look.numbers > 0;
        case TOTAL_NONE:
                break;
        }
        return false;
}

/* --- their expression --- */

bool totals_can_be_told(Str text) {
        return utf8_valid(text) && !memchr(text.data, 0, text.size) && !memchr(text.data, '\n', text.size) && !memchr(text.data, '\r', text.size);
}

void totals_put_literal(Buf *out, Str text) {
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (is_digit(c)) {
                        while (i + 1 < text.size && is_digit(text.data[i + 1]))
                                i++;
                        buf_append_cstr(out, "[0-9]+");
                        continue;
                }
                if (c == '\t') {
                        buf_append_cstr(out, "[[:blank:]]");
                        continue;
                }
                if (char_is_one_of(c, "\\^$.|?*+()[]{}"))
                        buf_append_byte(out, '\\');
                buf_append_byte(out, c);
        }
}

Str totals_delimiter(char delimiter) {
        return delimiter == '\t' ? STR("[[:blank:]]") : delimiter == '|' ? STR("\\|") : delimiter == ';' ? STR(";") : STR(",");
}

Str totals_any_field(char delimiter, Arena *arena) {
        return delimiter == '\t' ? STR("[^[:cntrl:]]*") : arena_strf(arena, "[^%c]*", delimiter);
}

/* Blanks around a text are as many as there are. */
static void put_padded(Buf *out, Str field, Str core) {
        if (core.data > field.data)
                buf_append_cstr(out, " *");
        totals_put_literal(out, core);
        if (core.data + core.size < field.data + field.size)
                buf_append_cstr(out, " *");
}

static void put_phrase(const Finding *finding, Buf *out, Str field) {
        Str word, core = str_trim(field), text = unquoted(finding->table, field);
        TotalKind kind = total_kind(text, &word);
        Str any = totals_any_field(finding->table->delimiter, finding->arena);
        if (kind != TOTAL_OF && (kind != TOTAL_BALANCE || word.size == text.size)) {
                put_padded(out, field, core);
                return;
        }
        if (word.data > text.data && word.data + word.size == text.data + text.size) {
                buf_append(out, any);
                buf_append_byte(out, ' ');
                totals_put_literal(out, (Str){ word.data, (size_t)(core.data + core.size - word.data) });
                buf_append_cstr(out, " *");
                return;
        }
        put_padded(out, (Str){ field.data, (size_t)(word.data + word.size - field.data) }, (Str){ core.data, (size_t)(word.data + word.size - core.data) });
        buf_append(out, any);
}

/* Nothing but the line, in whatever columns. */
static Str expression_of_ruler(const Finding *finding, Ruler ruler) {
        const TotalsTable *table = finding->table;
        const char delimiter[] = { table->delimiter == '\t' ? ' ' : table->delimiter, 0 }, line[] = { ruler.mark, ruler.mark, ruler.mark, ruler.mark, ruler.mark, 0 };
        const char *quote = table->quote == '"' ? "\"" : "";
        Str any = arena_strf(finding->arena, "[%c%s%s%s[:blank:]]*", ruler.mark, delimiter, quote, ruler.colons ? ":" : "");
        return arena_strf(finding->arena, "^%.*s%.*s%.*s$", STR_ARG(any), (int)(ruler.size < RULE_SIZE_LONG ? RULE_SIZE_MIN : RULE_SIZE_LONG), line, STR_ARG(any));
}

/* Up to the last field with a word all as it stands, numbers aside; behind it empty fields, and no letter. */
static Str expression_of(const Finding *finding, size_t row, size_t phrase) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        const TotalsTable *table = finding->table;
        const Str *fields = &table->fields[row * table->width];
        size_t last = phrase, end = table->width;
        for (size_t i = 0; i < table->width; i++)
                last = has_letters(fields[i]) && i > last ? i : last;
        while (table->ragged && end > last + 1 && fields[end - 1].size == 0)
                end--;
        buf_append_byte(&out, '^');
        for (size_t i = 0; i < end; i++) {
                Str core = str_trim(fields[i]);
                if (i > 0)
                        buf_append(&out, totals_delimiter(table->delimiter));
                if (i == phrase) {
                        put_phrase(finding, &out, fields[i]);
                } else if (is_plain(core)) {
                        buf_append_cstr(&out, NO_LETTERS);
                        if (i > last)
                                break;
                } else {
                        put_padded(&out, fields[i], core);
                }
        }
        buf_append_byte(&out, '$');
        return buf_dup(&out, finding->arena);
}

/* Whether it fits the row it was made of, and no row that is no such one. */
static bool is_apart(const Finding *finding, Str expression, size_t own) {
        const TotalsTable *table = finding->table;
        regex_t compiled;
        char why[EXPRESSION_WHY];
        if (!expression_compile(expression, REG_NOSUB, &compiled, why))
                return false;
        bool apart = true;
        for (size_t row = 0; row < table->rows && apart; row++) {
                if (finding->out->rows[row] && row != own)
                        continue;
                regmatch_t bounds = { .rm_so = 0, .rm_eo = (regoff_t)table->raws[row].size };
                bool fits = regexec(&compiled, table->raws[row].data, 1, &bounds, REG_STARTEND) == 0;
                apart = fits == (row == own);
        }
        regfree(&compiled);
        return apart;
}

static void judge(Finding *finding) {
        for (size_t row = finding->table->first; row < finding->table->rows; row++) {
                size_t phrase = 0;
                finding->out->rows[row] = finding->candidate[row] && totals_can_be_told(finding->table->raws[row]) &&
                                          is_total(finding, row, &phrase);
                finding->out->count += finding->out->rows[row];
        }
}

static bool has_text(const StrList *list, Str text) {
        for (size_t i = 0; i < list->count; i++)
                if (str_equal(list->items[i], text))
                        return true;
        return false;
}

static void find_expressions(Finding *finding) {
        TotalsFound *out = finding->out;
        Str known[EXPRESSIONS_MAX];
        StrList list = { known, 0 };
        for (size_t row = finding->table->first; row < finding->table->rows; row++) {
                size_t phrase = 0;
                Ruler ruler;
                if (!out->rows[row])
                        continue;
                find_phrase(finding->table, row, &phrase);
                Str expression = is_ruler(finding->table, row, &ruler) ? expression_of_ruler(finding, ruler) : expression_of(finding, row, phrase);
                out->example = finding->table->raws[row];
                if (has_text(&list, expression))
                        continue;
                if (list.count == EXPRESSIONS_MAX || !is_apart(finding, expression, row)) {
                        out->rows[row] = false;
                        out->count--;
                        continue;
                }
                list.items[list.count++] = expression;
                out->expression = out->expression.size ? arena_strf(finding->arena, "%.*s|%.*s", STR_ARG(out->expression), STR_ARG(expression)) : expression;
        }
}

void totals_find(const TotalsTable *table, Arena *arena, TotalsFound *out) {
        *out = (TotalsFound){ .rows = ARENA_ARRAY(arena, bool, table->rows + 1) };
        Finding finding = { .table = table, .arena = arena, .out = out };
        if (table->width < 2 || survey(&finding) == 0 || finding.records < 2)
                return;
        judge(&finding);
        if (out->count > finding.records) { /* a table of totals */
                *out = (TotalsFound){ .rows = ARENA_ARRAY(arena, bool, table->rows + 1) };
                return;
        }
        find_expressions(&finding);
}
