/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reference.h"

#include "model/tables.h"

static const char *kind_words(const Key *key) {
        switch (key->kind) {
        case KEY_TEXT:
                return "text";
        case KEY_NAME:
                return "a name";
        case KEY_TEXTS:
                return "a text, or a list of them";
        case KEY_CHARACTER:
                return "one character";
        case KEY_FLAG:
                return "`yes` or `no`";
        case KEY_COUNT:
                return "a number";
        case KEY_DURATION:
                return "a time: `5s`, `15m`, `24h`, `7d`";
        case KEY_KEEP:
                return "a time, or `forever`";
        case KEY_SIZE:
                return "a size: `500 KB`, `10 GB`";
        case KEY_PATTERN:
                return "a regular expression";
        case KEY_CHOICE:
        case KEY_WORD:
        case KEY_NESTED:
        case KEY_OTHER:
        case KEY_LATER:
                return "";
        }
        return "";
}

/* Text of a table's cell: a bar would end it. */
static void put_cell(Buf *out, Str text) {
        for (size_t i = 0; i < text.size; i++) {
                if (text.data[i] == '|')
                        buf_append_byte(out, '\\');
                buf_append_byte(out, text.data[i]);
        }
}

static void put_words(Buf *out, const char *words) {
        Str word, rest = str_of(words);
        bool more = true;
        for (size_t i = 0; more; i++) {
                more = str_cut(rest, ' ', &word, &rest);
                buf_printf(out, "%s`%.*s`", i ? ", " : "", STR_ARG(word));
        }
}

/* `shown` may word the default too, behind a semicolon. */
static void put_key(Buf *out, const char *prefix, const Key *key) {
        Str holds, fallback = str_of(key->fallback);
        bool said = str_cut(str_of(key->shown ? key->shown : kind_words(key)), ';', &holds, &fallback) && key->shown;
        if (!said)
                fallback = str_of(key->fallback);

        buf_printf(out, "| `%s%s%s` | ", prefix, key->name, key->named ? " NAME" : "");
        if (key->words && !key->shown)
                put_words(out, key->words);
        else
                put_cell(out, holds);
        buf_append_cstr(out, " | ");
        if (key->required)
                buf_append_cstr(out, "**needed**");
        else if (said)
                put_cell(out, str_trim(fallback));
        else if (fallback.size > 0)
                buf_printf(out, str_is(fallback, "none") ? "%.*s" : "`%.*s`", STR_ARG(fallback));
        buf_append_cstr(out, " | ");
        put_cell(out, str_of(key->meaning));
        buf_append_cstr(out, " |\n");
        for (size_t i = 0; key->nested && i < key->nested->count; i++) {
                char inner[64];
                snprintf(inner, sizeof(inner), "%s.", key->name);
                put_key(out, inner, &key->nested->keys[i]);
        }
}

static void put_later(Buf *out, const KeyTable *table) {
        size_t count = 0;
        for (size_t i = 0; i < table->count; i++) {
                const Key *key = &table->keys[i];
                if (key->kind == KEY_LATER) {
                        buf_printf(out, "%s`%s`", count++ ? "; " : "\nKnown, not built yet: ", key->name);
                } else if (key->later) {
                        buf_printf(out, "%s`%s` as ", count++ ? "; " : "\nKnown, not built yet: ", key->name);
                        put_words(out, key->later);
                }
        }
        buf_append_cstr(out, count ? ".\n" : "");
}

static void put_table(Buf *out, const KeyTable *table) {
        buf_printf(out, "\n## `%s`\n\n%s\n\n```%s\n%s```\n\n| key | holds | default | meaning |\n|---|---|---|---|\n",
                   table->file, table->about, table == &model_table ? "sql" : "yaml", table->example);
        for (size_t i = 0; i < table->count; i++)
                if (table->keys[i].kind != KEY_LATER)
                        put_key(out, "", &table->keys[i]);
        put_later(out, table);
}

void reference_print(Buf *out) {
        static const KeyTable *const tables[] = {
                &project_table, &limits_table, &audit_table,      &zone_table,        &source_table, &model_table,
                &access_rule_table, &access_test_table, &term_table,  &policy_table
        };
        buf_append_cstr(
                out,
                "<!-- printed from the tables that parse these files (src/model): do not edit -->\n"
                "# Project files\n\n"
                "A project is text in a folder; the data lies in a store beside it. One fact stands in one place.\n\n"
                "```\n"
                "lode.yml                        marks the project\n"
                "policies.yml                    central policies\n"
                "zones/ZONE/zone.yml             a domain and its team\n"
                "zones/ZONE/access.yml           who may read what\n"
                "zones/ZONE/access.test.yml      who sees which keys\n"
                "zones/ZONE/terms.yml            vocabulary\n"
                "zones/ZONE/sources/SOURCE.yml   a feed of files           -> ZONE.staging.SOURCE\n"
                "zones/ZONE/canonical/NAME.sql   source grain, business terms\n"
                "zones/ZONE/analytical/NAME.sql  facts, measures, answers\n"
                "zones/ZONE/egress/NAME.sql      what other zones may be given\n"
                "ingress/ZONE/                   where senders drop files (not in git)\n"
                "```\n\n"
                "Names of zones, sources and models are lower-case letters a-z, digits and `_`, a letter first, at "
                "most 63.\n\n"
                "The YAML is strict: an unknown key, a wrong value or the same key twice is an error with file, line, "
                "column and a guess. "
                "Values are text as written (`no` and `1.0` stay so); an unquoted value with an unbalanced quote, ` #` "
                "or `: ` in it is an error, "
                "not a cut. No anchors, aliases, tags or second documents.\n");
        for (size_t i = 0; i < COUNT_OF(tables); i++)
                put_table(out, tables[i]);
}
