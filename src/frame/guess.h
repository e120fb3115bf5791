/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Guess: what type the texts of a column would fit, with what is doubtful said. Looks at texts that somebody collected;
 * never guesses a type that would lose something: leading zeros stay text, long numbers become decimals.
 *
 * A type is chosen although a few texts do not fit it (one in eight at most): they will be quarantined, and the guess
 * says so.
 */
#include "frame/number_style.h"
#include "frame/typing.h"

#define GUESS_DOUBTS_MAX 6

typedef struct GuessDoubt {
        Str what, assumed;
} GuessDoubt;

typedef struct ColumnGuess {
        Type type;
        Str zone;     /* always empty: nobody can see a zone in a file */
        Str dates[2]; /* the patterns that read it, if it is a date or a timestamp that is not ISO alone */
        size_t date_count;
        bool iso;     /* a date or timestamp, or some of its texts, in ISO */
        char decimal; /* ',' or '.' where that matters; 0 = cannot be told */
        char thousands;
        bool unsure;  /* of two ways to read its dates or numbers, nothing told which: a doubt says so */
        Str null_words[4]; /* texts that stand for NULL among others that fit a type */
        size_t null_count;
        bool empty_is_null; /* quoted empties stand for NULL */
        int64_t nulls, misfits;
        Str example; /* the first text that is not NULL */
        Str misfit;  /* the first that does not fit */
        GuessDoubt doubts[GUESS_DOUBTS_MAX];
        size_t doubt_count;
} ColumnGuess;

/*
 * Fields as they stand in the text, quotes included. day_first: how to read 01/02/2024 if nothing tells. If the format
 * says its decimal point, numbers are those that the format reads; else any style will do.
 */
void guess_column(const Format *format, const Str *fields, size_t count, bool day_first, Arena *arena,
                  ColumnGuess *out);
/* The same of a column whose name is known, which may say more: a phone number, a birthday. */
void guess_named(const Format *format, Str name, const Str *fields, size_t count, bool day_first, Arena *arena, ColumnGuess *out);
/* What the column says of the file's decimal point and thousands. */
void guess_evidence(const Format *format, Str name, const Str *fields, size_t count, Arena *arena, NumberEvidence *out);
