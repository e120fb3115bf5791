/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What typing of single values and of nested ones share. For frame alone. */
#include "frame/typing.h"

/* Since 1970: the days that a table holds. */
#define DAYS_MIN (-719162) /* 0001-01-01 */
#define DAYS_MAX 2932896   /* 9999-12-31 */

/* Text that is trimmed, not empty and no word for NULL, by a flat type other than text. */
Rule typing_read_plain(const Typing *typing, Str text, Value *out);
bool typing_is_null_word(const TypingRules *rules, Str text);
bool typing_has_reader(Type type); /* text included */
Int128 typing_power(int exponent);   /* of ten; from 0 to 38 */
