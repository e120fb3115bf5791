/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/redact.h"

#include "base/buf.h"
#include "sql/lexer.h"

static bool is_literal(const SqlToken *token, const SqlLexer *lexer) {
        return token->kind == SQL_TOKEN_STRING || token->kind == SQL_TOKEN_NUMBER || (token->kind == SQL_TOKEN_NAME && lexer->unclosed);
}

/* What stands for a quote on paper, in two classes: what one of a class opens, another of it closes. 0: none. */
static int paper_quote(Str text, size_t at, size_t *out_size) {
        static const struct {
                const char *mark;
                int class;
        } marks[] = { { "\u201c", 1 }, { "\u201d", 1 }, { "\u201e", 1 }, { "\u201f", 1 }, { "\u00ab", 1 }, { "\u00bb", 1 }, { "\uff02", 1 },
                      { "\u2018", 2 }, { "\u2019", 2 }, { "\u201a", 2 }, { "\u201b", 2 }, { "\u2039", 2 }, { "\u203a", 2 }, { "\uff07", 2 },
                      { "\u00b4", 2 }, { "`", 3 } };
        for (size_t i = 0; i < COUNT_OF(marks); i++) {
                *out_size = strlen(marks[i].mark);
                if (str_starts_with(str_slice(text, at, text.size), str_of(marks[i].mark)))
                        return marks[i].class;
        }
        return 0;
}

/* Behind the quote that closes one of this class; the text's end where none does. */
static size_t paper_end(Str text, size_t at, int class) {
        size_t size;
        for (; at < text.size; at++)
                if (paper_quote(text, at, &size) == class)
                        return at + size;
        return text.size;
}

/* A word or symbol in which such a quote stands: what is before it, and ? for what it quotes. */
static bool take_paper(SqlLexer *lexer, const SqlToken *token, Buf *out, size_t *end) {
        size_t size;
        for (size_t i = 0; i < token->text.size; i++) {
                int class = paper_quote(token->text, i, &size);
                if (!class)
                        continue;
                buf_append(out, str_slice(token->text, 0, i));
                buf_append_byte(out, '?');
                lexer->at = *end = paper_end(lexer->text, token->offset + i + size, class);
                return true;
        }
        return false;
}

static Str redact(Str text, SqlKnows knows, void *context, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        SqlLexer lexer = { .text = text };
        size_t end = 0; /* of the token before */
        for (;;) {
                SqlToken token = sql_lex(&lexer);
                if (token.kind == SQL_TOKEN_END)
                        return buf_dup(&out, arena);
                if (token.offset > end && out.size > 0)
                        buf_append_byte(&out, ' '); /* white space and comments alike */
                end = token.offset + token.text.size;
                bool failed = knows && (token.kind == SQL_TOKEN_WORD || token.kind == SQL_TOKEN_SYMBOL);
                if (failed && take_paper(&lexer, &token, &out, &end))
                        continue;
                bool unknown = knows && token.kind == SQL_TOKEN_NAME && !knows(context, str_slice(token.text, 1, token.text.size - 1));
                buf_append(&out, unknown || is_literal(&token, &lexer) ? STR("?") : token.text);
        }
}

Str sql_redact(Str text, Arena *arena) {
        return redact(text, NULL, NULL, arena);
}

Str sql_redact_failed(Str text, SqlKnows knows, void *context, Arena *arena) {
        return redact(text, knows, context, arena);
}
