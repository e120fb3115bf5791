/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdio_ext.h>
#include <sys/resource.h>

#ifndef LODE_VERSION
#define LODE_VERSION "0.1.0"
#endif

const char cli_version[] = LODE_VERSION;

static const Verb *const verbs[] = {
        &verb_init, &verb_add, &verb_check, &verb_plan, &verb_apply, &verb_run, &verb_status, &verb_query, &verb_show, &verb_trace, &verb_log,
        &verb_branch,
        &verb_diff,
        &verb_fix,
        &verb_tidy,
        &verb_verify,
        &verb_why,
        &verb_backup,
        &verb_restore,
        &verb_serve,
        &verb_user,
        &verb_role,
        &verb_token,
        &verb_audit,
};

/* Words that cli users will look for; each comes with a later version. */
static const char *const later_verbs[] = {
        "merge",
        "revert",
        "tag",
        "export",
        "forget",
};

volatile sig_atomic_t cli_interrupted;

/* A write that waits for its reader may have been cut short by the signal and begun again: it is woken until all has ended. */
static void on_signal(int number UNUSED) {
        cli_interrupted = 1;
        alarm(1);
}

Status cli_want_words(const Cli *cli, const Verb *verb, size_t least, size_t most, Error *err) {
        size_t count = cli->arguments.word_count;
        if (count >= least && count <= most)
                return STATUS_OK;
        if (count < least)
                error_set(err, STATUS_USAGE, "'%s' wants more: lode %s", verb->name, verb->usage);
        else
                error_set(err, STATUS_USAGE, "'%s' is one word too many: lode %s", cli->arguments.words[most], verb->usage);
        return error_hint(err, "lode %s --help", verb->name);
}

Status cli_want_formats(const Cli *cli, bool csv, bool files, Error *err) {
        static const char *const names[] = { "text", "json", "csv", "parquet", "arrow" };
        OutputFormat format = cli->output.format;
        if (format == OUTPUT_TEXT || format == OUTPUT_JSON || (format == OUTPUT_CSV && csv) ||
            ((format == OUTPUT_PARQUET || format == OUTPUT_ARROW) && files))
                return STATUS_OK;
        error_set(err, STATUS_USAGE, "-o %s is not for this", names[format]);
        return error_hint(err, "text and json are for every verb; csv for query and show quarantine; parquet and arrow for query");
}

void cli_tell_branch(const Cli *cli, const char *branch) {
        if (branch && strcmp(branch, "main") != 0)
                output_note(&cli->output, PAINT_YELLOW, "branch %s", branch);
}

static void print_verbs(FILE *out) {
        fputs("Lode keeps data in zones: a zone is one domain (shop, finance, crm) and the team that owns it.\n\n", out);
        for (size_t i = 0; i < COUNT_OF(verbs); i++)
                fprintf(out, "  lode %-30s %s\n", verbs[i]->usage, verbs[i]->words);
        fputs("\nlode VERB --help says more. A first project: lode init --demo demo && cd demo && lode run\n", out);
}

static void print_help(const Verb *verb) {
        printf("lode %s\n\n%s\n\nOptions\n", verb->usage, verb->help);
        options_help(stdout, verb->options, verb->option_count);
}

static const Verb *find_verb(const char *name) {
        for (size_t i = 0; i < COUNT_OF(verbs); i++)
                if (strcmp(verbs[i]->name, name) == 0)
                        return verbs[i];
        return NULL;
}

/* Words of other tools, and what does that here. */
static const struct {
        const char *words, *hint;
} elsewhere[] = {
        { " zone source table delivery quarantine ", "lode show %s" },
        { " ls list tables describe sources zones quarantined ", "lode show lists tables; lode show source, zone, delivery, quarantine the others" },
        { " sql select ask psql ", "lode query 'select ...'" },
        { " import load ingest insert copy put ", "lode add ZONE FILE writes how a file is read, lode run loads it" },
        { " build start refresh update ", "lode run" },
        { " new create ", "lode init DIR makes a project, lode add ZONE a zone" },
        { " history ", "lode log" },
        { " delete drop rm remove ", "take the file of the source or model out of the project's folder; what it was stays in the history" },
};

static bool hint_elsewhere(const char *name, Error *err) {
        char word[32];
        snprintf(word, sizeof(word), " %.28s ", name);
        for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
                if (!strstr(elsewhere[i].words, word))
                        continue;
                const char *place = strstr(elsewhere[i].hint, "%s");
                if (place)
                        error_hint(err, "%.*s%s", (int)(place - elsewhere[i].hint), elsewhere[i].hint, name);
                else
                        error_hint(err, "%s", elsewhere[i].hint);
                return true;
        }
        return false;
}

static Status unknown_verb(const char *name, Error *err) {
        for (size_t i = 0; i < COUNT_OF(later_verbs); i++)
                if (strcmp(later_verbs[i], name) == 0) {
                        error_set(err, STATUS_USAGE, "'%s' is not built yet", name);
                        return error_hint(err, "lode lists the verbs that are");
                }
        Str names[COUNT_OF(verbs)];
        for (size_t i = 0; i < COUNT_OF(verbs); i++)
                names[i] = str_of(verbs[i]->name);
        error_set(err, STATUS_USAGE, "there is no verb '%s'", name);
        if (hint_elsewhere(name, err))
                return err->status;
        Str near = str_nearest(str_of(name), names, COUNT_OF(verbs));
        return near.size ? error_hint(err, "did you mean 'lode %.*s'?", STR_ARG(near)) : error_hint(err, "lode lists them");
}

/* Who closes a standard stream gives its number to the next file that is opened, and what is printed would go into
 * that file. Streams that are closed become ones that cannot be written, so that an answer nobody gets is an error. */
static bool hold_standard_streams(void) {
        static const int modes[] = { O_RDONLY, O_RDONLY, O_WRONLY };
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
                        return false;
        return true;
}

enum { FILES_NEEDED = 64, FILES_WANTED = 4096 };

/* A run that meets the limit in its middle could not say what is on the disk; so the room is there before it begins. */
static Status want_descriptors(Error *err) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return STATUS_OK;
        if (limit.rlim_max < FILES_NEEDED) {
                error_set(err, STATUS_IO, "at most %llu files may be open at once here, and lode needs %d",
                          (unsigned long long)limit.rlim_max, FILES_NEEDED);
                return error_hint(err, "ulimit -n shows the limit");
        }
        if (limit.rlim_cur < FILES_WANTED) {
                limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
                setrlimit(RLIMIT_NOFILE, &limit);
        }
        return STATUS_OK;
}

/* A reader that has seen enough (| head) closed the pipe on purpose: the exit status says so, nothing else needs to. */
static bool is_reader_gone(void) {
        struct pollfd out = { .fd = STDOUT_FILENO };
        return ferror(stdout) && poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

/* An answer that did not arrive is no success. */
static int finish_output(const Output *output, int code) {
        errno = 0;
        if (fflush(stdout) == 0 && !ferror(stdout))
                return code;
        if (code != 0)
                return code;
        Error err = { 0 };
        if (errno == 0)
                error_set(&err, STATUS_IO, "cannot write all of the answer to standard output");
        else
                error_errno(&err, errno, "cannot write the answer");
        if (!is_reader_gone())
                output_error(output, &err);
        return status_exit(STATUS_IO);
}

/* The disk may fail, or memory, at any depth, where nobody knows what errors look like. */
static const Output *errors_out;

static void tell_end(const Error *err) {
        output_error(errors_out, err);
}

static void catch_signals(void) {
        struct sigaction action = { .sa_handler = on_signal };
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGALRM, &action, NULL);
        file_lock_heed(&cli_interrupted);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGIO, SIG_IGN); /* a sender who opens a file while land_is_settled() holds its lease; the default is death */
        signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of the write */
}

static Status run_verb(Cli *cli, const char *name, int argc, char **argv, Error *err) {
        const Verb *verb = find_verb(name);
        if (!verb)
                return unknown_verb(name, err);
        TRY(options_parse(argc, argv, verb->options, verb->option_count, &cli->arena, &cli->arguments, err));
        cli->output = output_of(&cli->arguments);
        if (cli->arguments.help) {
                print_help(verb);
                return STATUS_OK;
        }
        return verb->run(cli, err);
}

/* The verb is the first word that is no option and no option's value; -C DIR may come before it, as with git. */
static int verb_at(int argc, char **argv) {
        int at = 1;
        while (at < argc && argv[at][0] == '-') {
                bool takes_value = strcmp(argv[at], "-C") == 0 || strcmp(argv[at], "--folder") == 0 || strcmp(argv[at], "-o") == 0;
                at += takes_value ? 2 : 1;
        }
        return at;
}

/* Moves what stands before the verb behind it, so that one parser sees all. */
static char **arguments_of(Arena *arena, int argc, char **argv, int verb, int *out_count) {
        char **words = ARENA_ARRAY(arena, char *, (size_t)argc);
        int count = 0;
        for (int i = 1; i < argc; i++)
                if (i != verb)
                        words[count++] = argv[i];
        *out_count = count;
        return words;
}

/* What is answered before any verb is known: `lode`, --help, --version, `help`. False when a verb must be there. */
static bool answer_about_itself(int argc, char **argv, int verb) {
        const char *word = argc > 1 ? argv[1] : "--help";
        bool alone = verb >= argc;
        if (strcmp(word, "version") == 0 || (alone && (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)))
                puts("lode " LODE_VERSION);
        else if (alone && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
                print_verbs(stdout);
        else if (strcmp(word, "help") == 0 && argc > 2 && find_verb(argv[2]))
                print_help(find_verb(argv[2]));
        else if (strcmp(word, "help") == 0 && argc == 2)
                print_verbs(stdout);
        else
                return false;
        return true;
}

static Status no_verb(char **argv, Error *err) {
        error_set(err, STATUS_USAGE, "no verb is given, only '%s'", argv[1]);
        return error_hint(err, "lode lists the verbs; options stand behind them: lode run --help");
}

int main(int argc, char **argv) {
        if (!hold_standard_streams())
                return 3;
        setlocale(LC_CTYPE, "C.UTF-8");
        CLEANUP(arena_deinit) Arena arena = { 0 };
        int verb = verb_at(argc, argv);
        if (answer_about_itself(argc, argv, verb))
                return finish_output(&(Output){ 0 }, 0);
        bool asks_help = verb + 1 < argc && strcmp(argv[verb], "help") == 0;
        verb += asks_help; /* lode help VERB, and no such verb */
        catch_signals();
        int count;
        char **words = arguments_of(&arena, argc, argv, verb, &count);
        Cli cli = { 0 };
        Error err = { 0 };
        Arguments common;
        Error ignored;
        /* how errors look is known before the verb is */
        if (options_parse(count, words, NULL, 0, &arena, &common, &ignored) != STATUS_OK)
                common = (Arguments){ 0 };
        for (int i = 0; i + 1 < count; i++)
                if (strcmp(words[i], "-o") == 0 && strcmp(words[i + 1], "json") == 0)
                        common.output = OUTPUT_JSON;
        cli.output = output_of(&common);
        errors_out = &cli.output;
        process_end_teller(tell_end);
        Status status = want_descriptors(&err);
        if (status == STATUS_OK)
                status = verb < argc ? run_verb(&cli, argv[verb], count, words, &err) : no_verb(argv, &err);
        if (cli_interrupted && status == STATUS_IO && ferror(stdout)) /* a signal also ends a write that waits for its reader */
                status = error_set(&err, STATUS_INTERRUPTED, "interrupted while the answer was written");
        if (cli_interrupted && status == STATUS_IO) { /* it gave up, on what it would have waited for */
                error_context(&err, "interrupted");
                status = err.status = STATUS_INTERRUPTED;
        }
        if (status == STATUS_DISK_FULL && err.hint[0] == '\0')
                error_hint(&err, "make room and run it again: what has landed is kept, and nothing is half-done");
        if (cli_interrupted)
                __fpurge(stdout); /* nobody may be reading it, and whatever is printed next would wait again */
        output_progress(&cli.output, NULL);
        int code = status == STATUS_OK ? cli.exit_code : status_exit(status);
        if (status != STATUS_OK && !(status == STATUS_IO && is_reader_gone()))
                output_error(&cli.output, &err);
        code = finish_output(&cli.output, code);
        arena_deinit(&cli.arena);
        return code;
}
