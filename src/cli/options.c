/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/vec.h"

typedef enum Common { COMMON_FOLDER, COMMON_OUTPUT, COMMON_QUIET, COMMON_VERBOSE, COMMON_COLOR, COMMON_YES, COMMON_HELP } Common;

static const Option common[] = {
        [COMMON_FOLDER] = { "folder", 'C', "DIR", "the project's folder (else the nearest lode.yml upwards)" },
        [COMMON_OUTPUT] = { "output", 'o', "FORMAT", "text or json; query also csv, parquet, arrow; show quarantine also csv" },
        [COMMON_QUIET] = { "quiet", 'q', NULL, "results and errors only" },
        [COMMON_VERBOSE] = { "verbose", 'v', NULL, "say more" },
        [COMMON_COLOR] = { "color", 0, "WHEN", "auto, always or never (NO_COLOR is honoured)" },
        [COMMON_YES] = { "yes", 0, NULL, "answer yes to every question" },
        [COMMON_HELP] = { "help", 'h', NULL, "this page" },
};

typedef struct Parse {
        const Option *options;
        size_t count;
        Arguments *out;
} Parse;

static Status choose(const char *value, const Option *option, const char *const *words, size_t count, int *out, Error *err) {
        Str names[8];
        for (size_t i = 0; i < count; i++) {
                names[i] = str_of(words[i]);
                if (strcmp(value, words[i]) == 0) {
                        *out = (int)i;
                        return STATUS_OK;
                }
        }
        error_set(err, STATUS_USAGE, "--%s cannot be '%s'", option->name, value);
        Str near = str_nearest(str_of(value), names, count);
        if (near.size)
                return error_hint(err, "did you mean '%.*s'?", STR_ARG(near));
        return error_hint(err, "it is one of: %s", option->words);
}

static Status option_wants_more(const Option *option, Error *err) {
        error_set(err, STATUS_USAGE, "--%s wants %s", option->name, option->argument);
        return error_hint(err, "--%s %s: %s", option->name, option->argument, option->words);
}

static Status set_common(Arguments *out, Common which, const char *value, Error *err) {
        static const char *const formats[] = { "text", "json", "csv", "parquet", "arrow" };
        static const char *const colors[] = { "auto", "always", "never" };
        int choice = 0;
        switch (which) {
        case COMMON_FOLDER:
                out->folder = value;
                break;
        case COMMON_OUTPUT:
                TRY(choose(value, &common[which], formats, COUNT_OF(formats), &choice, err));
                out->output = (OutputFormat)choice;
                break;
        case COMMON_QUIET:
                out->quiet = true;
                break;
        case COMMON_VERBOSE:
                out->verbose = true;
                break;
        case COMMON_COLOR:
                TRY(choose(value, &common[which], colors, COUNT_OF(colors), &choice, err));
                out->color = (ColorChoice)choice;
                break;
        case COMMON_YES:
                out->yes = true;
                break;
        case COMMON_HELP:
                out->help = true;
                break;
        }
        return STATUS_OK;
}

/* Index into the verb's table, or count + index into the common one; -1 = unknown. */
static ssize_t find(const Parse *parse, Str name, bool is_letter) {
        for (size_t i = 0; i < parse->count + COUNT_OF(common); i++) {
                const Option *option = i < parse->count ? &parse->options[i] : &common[i - parse->count];
                if (is_letter ? option->letter == name.data[0] : str_is(name, option->name))
                        return (ssize_t)i;
        }
        return -1;
}

static Status unknown(const Parse *parse, const char *word, Str name, Error *err) {
        error_set(err, STATUS_USAGE, "there is no option '%s' here", word);
        Str names[OPTIONS_MAX + COUNT_OF(common)];
        size_t count = 0;
        for (size_t i = 0; i < parse->count; i++)
                names[count++] = str_of(parse->options[i].name);
        for (size_t i = 0; i < COUNT_OF(common); i++)
                names[count++] = str_of(common[i].name);
        Str near = str_nearest(name, names, count);
        return near.size ? error_hint(err, "did you mean --%.*s?", STR_ARG(near)) : error_hint(err, "--help lists them");
}

Status options_parse(int argc, char **argv, const Option *options, size_t count, Arena *arena, Arguments *out, Error *err) {
        Parse parse = { options, count, out };
        VEC(const char *) words = { 0 };
        *out = (Arguments){ 0 };
        bool ended = false;
        for (int i = 0; i < argc; i++) {
                const char *word = argv[i];
                if (ended || word[0] != '-' || word[1] == '\0') {
                        vec_push(arena, &words, word);
                        continue;
                }
                if (strcmp(word, "--") == 0) {
                        ended = true;
                        continue;
                }
                bool is_letter = word[1] != '-';
                Str name, value;
                bool has_value = str_cut(str_of(word + (is_letter ? 1 : 2)), '=', &name, &value);
                if (is_letter && name.size > 1 && !has_value) { /* -ojson */
                        value = str_slice(name, 1, name.size);
                        name = str_slice(name, 0, 1);
                        has_value = true;
                }
                ssize_t at = name.size ? find(&parse, name, is_letter) : -1;
                if (at < 0)
                        return unknown(&parse, word, name, err);
                const Option *option = (size_t)at < count ? &options[at] : &common[(size_t)at - count];
                if (!option->argument && has_value)
                        return error_set(err, STATUS_USAGE, "--%s takes nothing, and '%.*s' was given", option->name, STR_ARG(value));
                if (option->argument && !has_value) {
                        if (i + 1 == argc)
                                return option_wants_more(option, err);
                        value = str_of(argv[++i]);
                }
                const char *text = option->argument ? arena_cstr(arena, value) : "";
                if ((size_t)at < count && option->repeats && out->values[at])
                        out->values[at] = arena_printf(arena, "%s%c%s", out->values[at], OPTION_PARTED, text);
                else if ((size_t)at < count)
                        out->values[at] = text;
                else
                        TRY(set_common(out, (Common)((size_t)at - count), text, err));
        }
        out->words = words.items;
        out->word_count = words.count;
        return STATUS_OK;
}

static void print_option(FILE *out, const Option *option) {
        char left[64];
        snprintf(left, sizeof(left), "%c%c%s--%s%s%s", option->letter ? '-' : ' ', option->letter ? option->letter : ' ',
                 option->letter ? ", " : "  ", option->name, option->argument ? " " : "", option->argument ? option->argument : "");
        fprintf(out, "  %-26s %s\n", left, option->words);
}

void options_help(FILE *out, const Option *options, size_t count) {
        for (size_t i = 0; i < count; i++)
                print_option(out, &options[i]);
        for (size_t i = 0; i < COUNT_OF(common); i++)
                print_option(out, &common[i]);
}
