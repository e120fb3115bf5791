/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/redact.h"

#include "base/buf.h"
#include "sql/lexer.h"

static bool is_literal(const SqlToken *token, const SqlLexer *lexer) {
        return token->kind == SQL_TOKEN_STRING || token->kind == SQL_TOKEN_NUMBER || (token->kind == SQL_TOKEN_NAME && lexer->unclosed);
}

Str sql_redact(Str text, Arena *arena) {
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
                buf_append(&out, is_literal(&token, &lexer) ? STR("?") : token.text);
        }
}
