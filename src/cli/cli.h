/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Cli: the command line. One cmd_*.c per verb; a verb is a row of the table in main.c: its words, its options, its
 * page of help and the function that does it. A verb returns a Status; main prints the error and ends with its exit
 * code, unless the verb set another (1 for what was held or failed and already told).
 */
#include <signal.h>

#include "cli/options.h"
#include "cli/output.h"

typedef struct Cli {
        Arguments arguments;
        Output output;
        Arena arena;    /* until the end of the process */
        int exit_code;  /* when the verb succeeded but something it did was held or failed */
} Cli;

typedef struct Verb {
        const char *name;
        const char *usage;   /* "run [SELECT...]" */
        const char *words;   /* one line for the list of verbs */
        const char *help;    /* what --help says, with two examples */
        const Option *options;
        size_t option_count;
        Status (*run)(Cli *cli, Error *err);
} Verb;

extern const Verb verb_init, verb_add, verb_check, verb_plan, verb_apply, verb_run, verb_status, verb_query, verb_show, verb_trace, verb_log, verb_branch;
extern const Verb verb_diff, verb_fix;
extern const Verb verb_tidy;
extern const Verb verb_why;
extern const Verb verb_verify;
extern const Verb verb_backup;
extern const Verb verb_restore;
extern const Verb verb_serve;
extern const Verb verb_user;
extern const Verb verb_role;
extern const Verb verb_token;
extern const Verb verb_audit;

extern const char cli_version[];

/* Set by SIGINT and SIGTERM; long work looks at it. */
extern volatile sig_atomic_t cli_interrupted;

/* The value of an option of the verb's table; NULL if it was not given. */
static inline const char *cli_option(const Cli *cli, size_t index) {
        return cli->arguments.values[index];
}
static inline bool cli_json(const Cli *cli) {
        return cli->output.format == OUTPUT_JSON;
}
/* USAGE unless between least and most words were given. */
Status cli_want_words(const Cli *cli, const Verb *verb, size_t least, size_t most, Error *err);
/* USAGE when -o names a format that this verb does not have. */
Status cli_want_formats(const Cli *cli, bool csv, bool files, Error *err);
/* The line "branch B" that comes first when B is not main. */
void cli_tell_branch(const Cli *cli, const char *branch);
/* Every problem of the project's text as errors on stderr; the first as err. OK when there is none. */
struct Project;
