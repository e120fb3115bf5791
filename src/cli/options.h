/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Options: one table per verb that both parses its words and prints its help. Options may stand anywhere; `--` ends
 * them. What every verb takes (-C, -o, -q, -v, --color, --yes, --help) is parsed here too.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct Option {
        const char *name;     /* without the dashes */
        char letter;          /* 0 = none */
        const char *argument; /* what it takes, in capitals; NULL = a flag */
        const char *words;    /* for --help */
        bool repeats;         /* given several times, its values are parted by OPTION_PARTED */
} Option;

typedef enum OutputFormat { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_CSV, OUTPUT_PARQUET, OUTPUT_ARROW } OutputFormat;
typedef enum ColorChoice { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } ColorChoice;

#define OPTIONS_MAX 16
#define OPTION_PARTED '\x1f'

typedef struct Arguments {
        const char *folder;   /* -C; NULL = here */
        OutputFormat output;
        ColorChoice color;
        bool quiet, verbose, yes, help;
        const char *values[OPTIONS_MAX]; /* by the verb's table; flags hold "" when given */
        const char **words;   /* what is left */
        size_t word_count;
} Arguments;

/* options may be NULL. USAGE with a guess for an unknown option. argv[0] is the first word to look at. */
Status options_parse(int argc, char **argv, const Option *options, size_t count, Arena *arena, Arguments *out, Error *err);
/* Two columns: option, words. The common ones come last. */
void options_help(FILE *out, const Option *options, size_t count);
