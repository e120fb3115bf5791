/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Identifier: texts that look like numbers and most likely count nothing: account 100.200.300, section 1.10, phone
 * 212 555 123, a barcode that a spreadsheet rounded to 4.00638E+12. As numbers they would lose what they are known by,
 * so a guess keeps them as text. Told by the column's name, or by the shape of its texts where that is plain.
 */
#include "base/arena.h"

/* texts: trimmed, neither empty nor a word for NULL; name may be empty. *out says of the column what makes it doubtful. */
bool identifier_find(Str name, const Str *texts, size_t count, Arena *arena, Str *out);
/* Whether one of the name's words is of some others (in small letters, NULL behind the last), or it ends with one that begins with '*'. */
bool name_has_word(Str name, const char *const *words);
