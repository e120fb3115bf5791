/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lexer.h"

/* Bytes of the white space at a place, 0 if there is none: ASCII's, and what is copied in from web pages and editors
 * (no-break space, ideographic space, byte order mark ...), which the engine takes for blanks too. */
static size_t blank_size(Str text, size_t at) {
        uint32_t point = 0;
        char c = at < text.size ? text.data[at] : '\0';
        if (c == ' ' || (c >= '\t' && c <= '\r'))
                return 1;
        if ((unsigned char)c < 0x80)
                return 0;
        size_t size = utf8_decode(text, at, &point);
        bool blank = point == 0xA0 || (point >= 0x2000 && point <= 0x200F) || point == 0x2028 || point == 0x2029 ||
                     point == 0x202F || point == 0x205F || point == 0x3000 || point == 0xFEFF;
        return blank ? size : 0;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Bytes of UTF-8 beyond ASCII count as letters. */
static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static char peek(const SqlLexer *lexer, size_t ahead) {
        size_t at = lexer->at + ahead;
        return at < lexer->text.size ? lexer->text.data[at] : '\0';
}

/* Block comments nest, as in PostgreSQL. */
static void skip_block_comment(SqlLexer *lexer) {
        size_t depth = 0, begin = lexer->at;
        while (lexer->at < lexer->text.size) {
                if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*') {
                        depth++;
                        lexer->at += 2;
                } else if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
                        lexer->at += 2;
                        if (--depth == 0)
                                return;
                } else {
                        lexer->at++;
                }
        }
        lexer->unclosed = true;
        lexer->unclosed_at = begin;
}

static void skip_blank(SqlLexer *lexer) {
        while (lexer->at < lexer->text.size) {
                size_t blank = blank_size(lexer->text, lexer->at);
                if (blank > 0) {
                        lexer->at += blank;
                } else if (peek(lexer, 0) == '-' && peek(lexer, 1) == '-') {
                        while (lexer->at < lexer->text.size && peek(lexer, 0) != '\n')
                                lexer->at++;
                } else if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*') {
                        skip_block_comment(lexer);
                } else {
                        return;
                }
        }
}

/* From the opening quote; a doubled one is part of the text, and so is a backslash's follower in E''. */
static void skip_quoted(SqlLexer *lexer, char quote, bool backslash) {
        lexer->at++;
        while (lexer->at < lexer->text.size) {
                char c = peek(lexer, 0);
                lexer->at++;
                if (backslash && c == '\\')
                        lexer->at += lexer->at < lexer->text.size;
                else if (c == quote && peek(lexer, 0) == quote)
                        lexer->at++;
                else if (c == quote)
                        return;
        }
        lexer->unclosed = true;
}

/* $tag$ ... $tag$; false (and nothing skipped) when what stands here is no such opening. */
static bool skip_dollar_quoted(SqlLexer *lexer) {
        size_t length = 1;
        while (is_letter(peek(lexer, length)) || (length > 1 && is_digit(peek(lexer, length))))
                length++;
        if (peek(lexer, length) != '$')
                return false;
        Str tag = str_slice(lexer->text, lexer->at, lexer->at + length + 1);
        Str rest = str_slice(lexer->text, lexer->at + tag.size, lexer->text.size);
        size_t end = str_find(rest, tag);
        lexer->unclosed = end == rest.size;
        lexer->at += tag.size + end + (lexer->unclosed ? 0 : tag.size);
        return true;
}

static void skip_word(SqlLexer *lexer) {
        while (!blank_size(lexer->text, lexer->at) &&
               (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0)) || peek(lexer, 0) == '$'))
                lexer->at++;
}

static void skip_number(SqlLexer *lexer) {
        while (!blank_size(lexer->text, lexer->at) &&
               (is_digit(peek(lexer, 0)) || is_letter(peek(lexer, 0)) || peek(lexer, 0) == '.'))
                lexer->at++;
}

static SqlTokenKind lex_kind(SqlLexer *lexer) {
        char c = peek(lexer, 0);
        if ((c == 'e' || c == 'E') && peek(lexer, 1) == '\'') {
                lexer->at++;
                skip_quoted(lexer, '\'', true);
                return SQL_TOKEN_STRING;
        }
        if (c == '\'') {
                skip_quoted(lexer, '\'', false);
                return SQL_TOKEN_STRING;
        }
        if (c == '"') {
                skip_quoted(lexer, '"', false);
                return SQL_TOKEN_NAME;
        }
        if (c == '$' && skip_dollar_quoted(lexer))
                return SQL_TOKEN_STRING;
        if (c == '?' || c == '$') {
                lexer->at++;
                skip_word(lexer);
                return SQL_TOKEN_PARAMETER;
        }
        if (is_letter(c)) {
                skip_word(lexer);
                return SQL_TOKEN_WORD;
        }
        if (is_digit(c)) {
                skip_number(lexer);
                return SQL_TOKEN_NUMBER;
        }
        lexer->at++;
        return SQL_TOKEN_SYMBOL;
}

SqlToken sql_lex(SqlLexer *lexer) {
        skip_blank(lexer);
        SqlToken token = { .offset = lexer->at };
        if (lexer->at < lexer->text.size)
                token.kind = lex_kind(lexer);
        if (lexer->unclosed && token.kind != SQL_TOKEN_END)
                lexer->unclosed_at = token.offset;
        token.text = str_slice(lexer->text, token.offset, lexer->at);
        return token;
}

/* ---- classification ---- */

static const char *const readers[] = { "select", "with", "from", "values", "table", "pivot", "unpivot" };

static const char write_hint[] =
        "tables are written by sources and models: lode add ZONE FILE, zones/ZONE/canonical/NAME.sql";
static const char setting_hint[] = "settings are in lode.yml and on the command line; see lode help";
static const char show_hint[] = "lode show TABLE describes a table, lode show table lists them";

static const struct {
        const char *word, *hint;
} refused[] = {
        { "insert", write_hint },
        { "update", write_hint },
        { "delete", write_hint },
        { "merge", write_hint },
        { "truncate", write_hint },
        { "create", write_hint },
        { "drop", write_hint },
        { "alter", write_hint },
        { "comment", write_hint },
        { "copy", "results go to a file with lode query -o csv or -o parquet; files enter through a source" },
        { "export", "lode query -o csv or -o parquet writes results" },
        { "import", "files enter through a source: lode add ZONE FILE" },
        { "attach", "there is one store, and its zones are its databases" },
        { "detach", "there is one store, and its zones are its databases" },
        { "use", "write zone.stage.table" },
        { "set", setting_hint },
        { "reset", setting_hint },
        { "pragma", setting_hint },
        { "show", show_hint },
        { "describe", show_hint },
        { "desc", show_hint },
        { "summarize", show_hint },
        { "call", "ask with SELECT" },
        { "explain", "lode query -v says which files are read" },
        { "analyze", "statistics are kept with every commit" },
        { "install", "the engine has no extensions here" },
        { "load", "the engine has no extensions here" },
        { "begin", "a query sees one commit, whole" },
        { "start", "a query sees one commit, whole" },
        { "commit", "a query sees one commit, whole" },
        { "rollback", "a query sees one commit, whole" },
        { "abort", "a query sees one commit, whole" },
        { "savepoint", "a query sees one commit, whole" },
        { "prepare", "send the statement itself" },
        { "execute", "send the statement itself" },
        { "deallocate", "send the statement itself" },
        { "checkpoint", "lode tidy looks after storage" },
        { "vacuum", "lode tidy looks after storage" },
        { "force", "lode tidy looks after storage" },
        { "grant", "access is text: zones/ZONE/access.yml" },
        { "revoke", "access is text: zones/ZONE/access.yml" },
        { "connect", "the engine has no network" },
        { "declare", "rows are streamed as they are asked for" },
        { "listen", "lode run --watch tells what happens" },
};

static bool in_words(Str word, const char *const *words, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (str_equal_nocase(word, str_of(words[i])))
                        return true;
        return false;
}

static Status place(Error *err, Str text, Str name, size_t offset) {
        char file[256];
        snprintf(file, sizeof(file), "%.*s", STR_ARG(name));
        return error_place(err, file, text, offset);
}

static Status check_first(Str text, Str name, SqlToken first, Error *err) {
        if (first.kind == SQL_TOKEN_END) {
                error_set(err, STATUS_SQL_SYNTAX, "there is no statement here");
                return place(err, text, name, text.size);
        }
        if (first.kind == SQL_TOKEN_SYMBOL && first.text.data[0] == '(')
                return STATUS_OK;
        if (first.kind == SQL_TOKEN_WORD && in_words(first.text, readers, COUNT_OF(readers)))
                return STATUS_OK;
        for (size_t i = 0; i < COUNT_OF(refused); i++) {
                if (first.kind != SQL_TOKEN_WORD || !str_equal_nocase(first.text, str_of(refused[i].word)))
                        continue;
                error_set(err, STATUS_SQL_REFUSED, "%.*s is not allowed: SQL only reads here", STR_ARG(first.text));
                error_hint(err, "%s", refused[i].hint);
                return place(err, text, name, first.offset);
        }
        error_set(err, STATUS_SQL_SYNTAX, "a statement begins with SELECT, WITH, FROM or VALUES, not with '%.*s'",
                  STR_ARG(first.text));
        Str known[COUNT_OF(readers)];
        for (size_t i = 0; i < COUNT_OF(readers); i++)
                known[i] = str_of(readers[i]);
        Str guess = str_nearest(first.text, known, COUNT_OF(readers));
        if (guess.size > 0)
                error_hint(err, "did you mean %.*s?", STR_ARG(guess));
        return place(err, text, name, first.offset);
}

static bool is_symbol(SqlToken token, char symbol) {
        return token.kind == SQL_TOKEN_SYMBOL && token.text.data[0] == symbol;
}

/* Names between dots, so far. */
static size_t count_parts(size_t parts, bool behind_dot, SqlToken token) {
        bool is_name = token.kind == SQL_TOKEN_WORD || token.kind == SQL_TOKEN_NAME;
        return is_name ? (behind_dot ? parts + 1 : 1) : is_symbol(token, '.') ? parts : 0;
}

/* Brackets that are open behind the token. */
static int count_open(int open, SqlToken token) {
        if (is_symbol(token, '(') || is_symbol(token, '[') || is_symbol(token, '{'))
                return open + 1;
        return is_symbol(token, ')') || is_symbol(token, ']') || is_symbol(token, '}') ? open - 1 : open;
}

/* The engine's time to parse such grows faster than their length. */
static Status check_size(size_t parts, int open, Error *err) {
        if (parts > SQL_NAME_PARTS_MAX)
                return error_set(err, STATUS_SQL_SYNTAX, "a name has more than %d parts", SQL_NAME_PARTS_MAX);
        if (open > SQL_BRACKETS_MAX)
                return error_set(err, STATUS_LIMIT, "the statement is nested too deeply: more than %d brackets are open", SQL_BRACKETS_MAX);
        return STATUS_OK;
}

Status sql_classify(Str text, Str name, Error *err) {
        SqlLexer lexer = { .text = text };
        SqlToken token = sql_lex(&lexer), semicolon = { 0 };
        size_t parts = 0;
        int open = 0;
        bool behind_dot = false;
        size_t nul = str_find_byte(text, 0);
        if (nul < text.size) {
                error_set(err, STATUS_SQL_SYNTAX, "a NUL byte: what stands behind it would not be read");
                return place(err, text, name, nul);
        }
        TRY(check_first(text, name, token, err));
        while (token.kind != SQL_TOKEN_END) {
                if (semicolon.kind != SQL_TOKEN_END && !is_symbol(token, ';')) {
                        error_set(err, STATUS_SQL_REFUSED, "one statement at a time");
                        return place(err, text, name, token.offset);
                }
                if (is_symbol(token, ';'))
                        semicolon = token;
                if (lexer.unclosed) {
                        error_set(err, STATUS_SQL_SYNTAX, "a quote or comment that begins here is not closed");
                        return place(err, text, name, lexer.unclosed_at);
                }
                parts = count_parts(parts, behind_dot, token);
                behind_dot = is_symbol(token, '.');
                open = count_open(open, token);
                if (check_size(parts, open, err) != STATUS_OK)
                        return place(err, text, name, token.offset);
                token = sql_lex(&lexer);
        }
        if (!lexer.unclosed)
                return STATUS_OK;
        error_set(err, STATUS_SQL_SYNTAX, "a comment is not closed");
        return place(err, text, name, lexer.unclosed_at);
}

Status sql_expression(Str text, size_t offset, size_t size, Error *err) {
        SqlLexer lexer = { .text = str_slice(text, offset, offset + size) };
        size_t open = 0;
        for (SqlToken token = sql_lex(&lexer); token.kind != SQL_TOKEN_END; token = sql_lex(&lexer)) {
                open += is_symbol(token, '(');
                if (!is_symbol(token, ')') || open-- > 0)
                        continue;
                error_set(err, STATUS_SQL_SYNTAX, "a bracket is closed here that was not opened");
                return place(err, text, STR(""), offset + token.offset);
        }
        return STATUS_OK;
}
