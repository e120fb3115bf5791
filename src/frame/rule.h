/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rule: why a record did not fit. The names are stable: users filter quarantine by them and scripts read them.
 */
#include "base/str.h"

/* name, words that follow "column X: 'text' ..." or stand alone for a whole record */
#define RULE_TABLE(X)                                                                                          \
        X(NONE,             "",                  "")                                                           \
        X(BAD_QUOTE,        "bad_quote",         "has a quote in a wrong place, or one that is never closed")  \
        X(WRONG_WIDTH,      "wrong_width",       "has another number of fields than the header")               \
        X(RECORD_TOO_LONG,  "record_too_long",   "is longer than a record may be")                             \
        X(WRONG_LENGTH,     "wrong_length",      "ends before its last column begins")                         \
        X(TEXT_OUTSIDE,     "text_outside",      "has text where no column is")                                \
        X(BAD_JSON,         "bad_json",          "is not JSON that can be read")                               \
        X(INVALID_UTF8,     "invalid_utf8",      "holds bytes that are not UTF-8")                             \
        X(INVALID_BYTES,    "invalid_bytes",     "holds bytes that mean nothing in the source's encoding")     \
        X(NUL_BYTE,         "nul_byte",          "holds a NUL byte")                                           \
        X(BAD_ESCAPE,       "bad_escape",        "has a backslash with nothing behind it, or one that stands for bytes that are no text") \
        X(REQUIRED_MISSING, "required_missing",  "is empty, and the column is required")                       \
        X(EMPTY_QUOTED,     "empty_quoted",      "is an empty text, not NULL, which only a text column can hold") \
        X(NOT_A_BOOLEAN,    "not_a_boolean",     "is none of the words for true and false")                    \
        X(NOT_A_NUMBER,     "not_a_number",      "is not a number")                                            \
        X(NOT_AN_INTEGER,   "not_an_integer",    "is not a whole number")                                      \
        X(OUT_OF_RANGE,     "out_of_range",      "is beyond what the type can hold")                           \
        X(TOO_MANY_DIGITS,  "too_many_digits",   "has more digits than the type keeps")                        \
        X(NOT_A_DATE,       "not_a_date",        "is not a date in the source's patterns")                     \
        X(NOT_A_TIME,       "not_a_time",        "is not a time of day")                                       \
        X(NOT_A_TIMESTAMP,  "not_a_timestamp",   "is not a date and time in the source's patterns")            \
        X(NO_OFFSET,        "no_offset",         "says no offset from UTC, and the column names no zone")      \
        X(NO_SUCH_TIME,     "no_such_time",      "is a local time that the clocks skipped")                    \
        X(NOT_A_UUID,       "not_a_uuid",        "is not a UUID")                                              \
        X(NOT_A_LIST,       "not_a_list",        "is not a list in JSON")                                      \
        X(NOT_A_STRUCT,     "not_a_struct",      "is not an object in JSON")                                   \
        X(TOO_MANY_VALUES,  "too_many_values",   "is one value too many: a field has at most 1048576, and 1000 keys that its type lacks") \
        X(NOT_BINARY,       "not_binary",        "is not bytes as \\x and two hexadecimal digits for each")      \
        X(CELL_ERROR,       "cell_error",        "is an error of the spreadsheet, or a formula that was not calculated")

typedef enum Rule {
#define X(name, text, words) RULE_##name,
        RULE_TABLE(X)
#undef X
                RULE_COUNT
} Rule;

const char *rule_name(Rule rule);
const char *rule_words(Rule rule);
