/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/client.h"

#include "sql/lexer.h"

/* What stands between the quotes of one literal, and what becomes of it: never longer. */
typedef struct Literal {
        Str in;
        size_t at;
        char *out;
        size_t size;
} Literal;

static char peek(const Literal *literal, size_t ahead) {
        size_t at = literal->at + ahead;
        return at < literal->in.size ? literal->in.data[at] : '\0';
}

/* A quote inside is doubled. */
static void put(Literal *literal, char c) {
        if (c == '\'')
                literal->out[literal->size++] = c;
        literal->out[literal->size++] = c;
}

static int digit_of(char c, unsigned base) {
        unsigned value = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 99;
        return value < base ? (int)value : -1;
}

/* From `least` to `most` digits. */
static bool take_digits(Literal *literal, unsigned base, size_t least, size_t most, uint32_t *out) {
        size_t count = 0;
        *out = 0;
        while (count < most && digit_of(peek(literal, count), base) >= 0)
                *out = *out * base + (uint32_t)digit_of(peek(literal, count++), base);
        literal->at += count;
        return count >= least;
}

static bool put_point(Literal *literal, uint32_t point) {
        char bytes[4];
        if (point == 0 || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
                return false;
        size_t size = utf8_encode(point, bytes);
        for (size_t i = 0; i < size; i++)
                put(literal, bytes[i]);
        return true;
}

/* A code point whose first half was taken already; the second stands behind `mark`. */
static bool put_half(Literal *literal, uint32_t point, const char *mark, size_t digits) {
        uint32_t low;
        if (point < 0xD800 || point > 0xDBFF)
                return put_point(literal, point);
        size_t size = strlen(mark);
        for (size_t i = 0; i < size; i++)
                if (peek(literal, i) != mark[i])
                        return false;
        literal->at += size;
        return take_digits(literal, 16, digits, digits, &low) && low >= 0xDC00 && low <= 0xDFFF &&
               put_point(literal, 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00));
}

/* Behind a backslash of E''. */
static bool take_escape(Literal *literal) {
        static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
        uint32_t number;
        char c = peek(literal, 0);
        const char *name = c ? strchr(names, c) : NULL;
        if (name) {
                literal->at++;
                put(literal, values[name - names]);
                return true;
        }
        if (digit_of(c, 8) >= 0) {
                take_digits(literal, 8, 1, 3, &number);
                put(literal, (char)number);
                return (number & 0xFF) != 0;
        }
        if (c == 'x' && digit_of(peek(literal, 1), 16) >= 0) {
                literal->at++;
                take_digits(literal, 16, 1, 2, &number);
                put(literal, (char)number);
                return number != 0;
        }
        if (c == 'u' || c == 'U') {
                size_t digits = c == 'u' ? 4 : 8;
                literal->at++;
                return take_digits(literal, 16, digits, digits, &number) && put_half(literal, number, "\\u", 4);
        }
        if (literal->at < literal->in.size)
                put(literal, literal->in.data[literal->at++]);
        return true;
}

/* Behind a backslash of U&''. */
static bool take_unicode(Literal *literal) {
        uint32_t number;
        if (peek(literal, 0) == '\\') {
                literal->at++;
                put(literal, '\\');
                return true;
        }
        bool wide = peek(literal, 0) == '+';
        literal->at += wide;
        size_t digits = wide ? 6 : 4;
        return take_digits(literal, 16, digits, digits, &number) && put_half(literal, number, "\\", 4);
}

static bool resolve(Literal *literal, bool unicode) {
        while (literal->at < literal->in.size) {
                char c = literal->in.data[literal->at++];
                if (c == '\\') {
                        if (!(unicode ? take_unicode(literal) : take_escape(literal)))
                                return false;
                        continue;
                }
                literal->at += c == '\'' && peek(literal, 0) == '\''; /* put() doubles it again */
                put(literal, c);
        }
        return true;
}

/* Writes over `span` bytes of out, from `offset`; begin: bytes before the text that is quoted. */
static Status replace(Str text, char *out, size_t offset, size_t span, size_t begin, bool unicode, Arena *arena, Error *err) {
        Literal literal = { .in = str_slice(text, offset + begin, offset + span - 1), .out = arena_alloc(arena, span + 1) };
        bool good = resolve(&literal, unicode);
        if (!good || !utf8_valid((Str){ literal.out, literal.size })) {
                error_set(err, STATUS_BAD_VALUE, "an escape that is no character of UTF-8");
                error_sqlstate(err, "22021");
                return error_place(err, "", text, offset);
        }
        memset(out + offset, ' ', span);
        out[offset] = '\'';
        memcpy(out + offset + 1, literal.out, literal.size);
        out[offset + 1 + literal.size] = '\'';
        return STATUS_OK;
}

static void fold(char *out, SqlToken token) {
        for (size_t i = token.offset; i < token.offset + token.text.size; i++)
                out[i] = char_lower(out[i]);
}

static void blank(char *out, size_t begin, size_t end) {
        memset(out + begin, ' ', end - begin);
}

static bool is_word(SqlToken token, const char *word) {
        return token.kind == SQL_TOKEN_WORD && str_equal_nocase(token.text, str_of(word));
}

static bool is_symbol(SqlToken token, char symbol) {
        return token.kind == SQL_TOKEN_SYMBOL && token.text.data[0] == symbol;
}

/* ONLY of FROM ONLY t and FROM ONLY (t), brackets included, where `before` is what stands before it. */
static void drop_only(SqlLexer lexer, SqlToken before, SqlToken only, char *out) {
        SqlToken next = sql_lex(&lexer), open = next;
        if (!is_word(before, "from") && !is_word(before, "join") && !is_symbol(before, ',') && !is_symbol(before, '('))
                return;
        bool bracket = is_symbol(open, '(');
        if (bracket)
                next = sql_lex(&lexer);
        if ((next.kind != SQL_TOKEN_NAME && next.kind != SQL_TOKEN_WORD) || is_word(next, "from"))
                return;
        while (bracket && (next.kind == SQL_TOKEN_NAME || next.kind == SQL_TOKEN_WORD || is_symbol(next, '.')))
                next = sql_lex(&lexer);
        if (bracket && !is_symbol(next, ')'))
                return;
        blank(out, only.offset, only.offset + only.text.size);
        if (bracket) {
                out[open.offset] = ' ';
                out[next.offset] = ' ';
        }
}

/* Whether what is in these brackets begins with a call: f(, a.f(. */
static bool begins_with_call(SqlLexer lexer) {
        static const char *const words[] = { "select", "values", "from", "with", "lateral" };
        SqlToken token = sql_lex(&lexer);
        for (size_t i = 0; i < COUNT_OF(words); i++)
                if (is_word(token, words[i]))
                        return false;
        while (token.kind == SQL_TOKEN_NAME || token.kind == SQL_TOKEN_WORD || is_symbol(token, '.'))
                token = sql_lex(&lexer);
        return is_symbol(token, '(');
}

/* ROWS FROM ( becomes the name of a function and (; false if it is none: behind a comma it may be a column called rows. */
static bool name_rows_from(SqlLexer lexer, SqlToken before, SqlToken rows, char *out) {
        static const char name[] = "\"" SQL_ROWS_FROM "\"";
        bool sure = is_word(before, "from") || is_word(before, "join") || is_word(before, "lateral");
        SqlToken from = sql_lex(&lexer), open = sql_lex(&lexer);
        if (!is_word(from, "from") || !is_symbol(open, '('))
                return false;
        if (!sure && !(is_symbol(before, ',') && begins_with_call(lexer)))
                return false;
        blank(out, rows.offset, open.offset);
        memcpy(out + rows.offset, name, sizeof(name) - 1); /* as long as the two words */
        return true;
}

static bool is_string(Str text, size_t at) {
        return at < text.size && text.data[at] == '\'';
}

Status sql_client_text(Str text, Arena *arena, Str *out, Error *err) {
        char *copy = arena_cstr(arena, text);
        SqlLexer lexer = { .text = text };
        SqlToken before = { 0 }, token;
        for (token = sql_lex(&lexer); token.kind != SQL_TOKEN_END && !lexer.unclosed; before = token, token = sql_lex(&lexer)) {
                char first = token.text.data[0];
                if (token.kind == SQL_TOKEN_STRING && (first == 'e' || first == 'E'))
                        TRY(replace(text, copy, token.offset, token.text.size, 2, false, arena, err));
                if (token.kind != SQL_TOKEN_WORD)
                        continue;
                fold(copy, token);
                if (is_word(token, "only"))
                        drop_only(lexer, before, token, copy);
                if (is_word(token, "rows") && name_rows_from(lexer, before, token, copy)) {
                        token = sql_lex(&lexer); /* FROM */
                        continue;
                }
                if (str_equal_nocase(token.text, STR("x")) && is_string(text, lexer.at)) {
                        error_set(err, STATUS_SQL_REFUSED, "X'...' is bits in PostgreSQL and bytes in the engine");
                        error_hint(err, "'\\x1f'::bytea is bytes");
                        return error_place(err, "", text, token.offset);
                }
                if (str_equal_nocase(token.text, STR("u")) && lexer.at < text.size && text.data[lexer.at] == '&' && is_string(text, lexer.at + 1)) {
                        lexer.at++;
                        SqlToken string = sql_lex(&lexer);
                        if (!lexer.unclosed)
                                TRY(replace(text, copy, token.offset, string.offset + string.text.size - token.offset, 3, true, arena, err));
                }
        }
        *out = (Str){ copy, text.size };
        return STATUS_OK;
}
