/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Redacting: a statement's text without what people write into it as data: each literal becomes ?, comments go. Names,
 * keywords and the shape stay, so that it still tells what was asked. By tokens alone (lexer.h): any text is taken, also
 * what no engine would parse; whatever is not closed counts as a literal up to the end.
 */
#include "base/arena.h"

Str sql_redact(Str text, Arena *arena);
/* Of a statement that failed: names in double quotes that nothing answers to, and what stands in typographic quotes or
 * backticks, become ? too: values, in the wrong quotes. name: what stands between the quotes. */
typedef bool (*SqlKnows)(void *context, Str name);
Str sql_redact_failed(Str text, SqlKnows knows, void *context, Arena *arena);
