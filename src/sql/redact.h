/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Redacting: a statement's text without what people write into it as data: each literal becomes ?, comments go. Names,
 * keywords and the shape stay, so that it still tells what was asked. By tokens alone (lexer.h): any text is taken, also
 * what no engine would parse; whatever is not closed counts as a literal up to the end.
 */
#include "base/arena.h"

Str sql_redact(Str text, Arena *arena);
