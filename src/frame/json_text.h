/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JsonText: the grammar of RFC 8259 over bytes of which more may follow, strict in everything. It walks and never
 * builds a tree; numbers stay text. Depth costs one bit of heap a level, so that even a value nested a million times
 * is walked to its end and can be refused alone.
 *
 * There are two kinds of fault. A fault of grammar ends the walk: nobody knows where the value ends. A flaw (half a
 * surrogate pair, NUL, nesting beyond JSON_DEPTH_MAX) leaves the grammar whole: the first one is noted, the walk goes
 * on, and the value is refused when it is known.
 *
 * One thread. Positions are byte offsets in the text, which is followed by a byte 0 that does not belong to it.
 */
#include "base/str.h"

#define JSON_DEPTH_MAX 512

/* name, words behind "is not JSON that can be read: " */
#define JSON_FAULT_TABLE(X)                                                       \
        X(NONE, "")                                                               \
        X(MORE, "")                /* not a fault: the bytes end inside a value */ \
        X(CUT, "the text ends inside a value")                                    \
        X(NO_VALUE, "a value is missing")                                         \
        X(NO_COMMA, "a comma or a closing bracket is missing")                    \
        X(NO_COLON, "a colon is missing")                                         \
        X(NO_KEY, "a key in double quotes is missing")                            \
        X(TRAILING_COMMA, "a comma before a closing bracket")                     \
        X(BAD_NUMBER, "a number that JSON does not write so")                     \
        X(BAD_WORD, "a word that is none of true, false and null")                \
        X(CONTROL, "a control character inside a text")                           \
        X(BAD_ESCAPE, "an escape that JSON does not have")                        \
        X(LINE_END, "the line ends inside a value")                               \
        X(EXTRA, "more text behind the value")                                    \
        X(LONE_SURROGATE, "half a surrogate pair")                                \
        X(NUL, "a NUL byte")                                                      \
        X(TOO_DEEP, "more than 512 values inside each other")                     \
        X(DUPLICATE_KEY, "a key that its object has twice")

typedef enum JsonFault {
#define X(name, words) JSON_FAULT_##name,
        JSON_FAULT_TABLE(X)
#undef X
                JSON_FAULT_COUNT
} JsonFault;

const char *json_fault_words(JsonFault fault);

typedef struct JsonText {
        const char *text;
        size_t at, size;
        bool whole;    /* nothing follows: where the text ends, the value does */
        bool one_line; /* a line end is no blank */
        bool high;     /* bytes over 127 were passed; the caller clears it */
        JsonFault fault;
        size_t fault_at;
        JsonFault flaw; /* the first one; the caller clears it */
        size_t flaw_at;
        uint8_t *nesting; /* a bit a level: an object or not */
        size_t nesting_room;
} JsonText;

/* A string as it stands between its quotes. */
typedef struct JsonString {
        Str inside;
        bool escaped;
} JsonString;

void json_text_deinit(JsonText *json);

/* All of these move `at`; false at a fault, which is then set. */
void json_text_blank(JsonText *json);
bool json_text_string(JsonText *json, JsonString *out); /* at a quote, or a fault */
bool json_text_number(JsonText *json, Str *out);        /* at '-' or a digit */
bool json_text_word(JsonText *json, Str *out);          /* true, false, null */
bool json_text_value(JsonText *json, size_t depth, Str *out); /* any; depth: how many values it lies in */
/* After an item of an object or list that `close` ends: true in *out_end behind the bracket, false behind the comma. */
bool json_text_next(JsonText *json, char close, bool *out_end);
bool json_text_key(JsonText *json, JsonString *out); /* and its colon */
bool json_text_fail(JsonText *json, JsonFault fault); /* at `at`; CUT or MORE where the text ends. Always false */
void json_text_flaw(JsonText *json, JsonFault flaw, size_t at);

/* The text that a string means; `into` has room for inside.size bytes. Gives its size. Half pairs become U+FFFD. */
size_t json_unescape(Str inside, char *into);
