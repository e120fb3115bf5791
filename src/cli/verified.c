/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verified.h"

#include "base/time.h"

#define UNKNOWN_TOLD 10

void verified_progress(void *context, int64_t done, int64_t total) {
        static int64_t began, told;
        int64_t now = time_now_us();
        began = began ? began : now;
        if (now - told < 200000)
                return;
        told = now;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        double left = done > 0 ? (double)(now - began) / 1e6 * ((double)(total - done) / (double)done) : 0;
        output_progress(context, "%.*s of %.*s, %.0f s left", STR_ARG(bytes_print(&scratch, (uint64_t)done)),
                        STR_ARG(bytes_print(&scratch, (uint64_t)total)), left);
}

/* ---- JSON ---- */

static void put_damage(JsonWriter *w, const VerifyDamage *damage) {
        json_object(w);
        json_member_str(w, "kind", damage->kind);
        json_member_str(w, "file", damage->file.size ? damage->file : STR_NONE);
        json_member_str(w, "what", damage->what);
        json_member_str(w, "message", damage->message);
        json_member_str(w, "sha256", damage->sha256.size ? damage->sha256 : STR_NONE);
        json_member_strs(w, "tables", damage->tables, damage->table_count);
        json_member_strs(w, "deliveries", damage->deliveries, damage->delivery_count);
        json_member_strs(w, "commits", damage->commits, damage->commit_count);
        json_member_int(w, "versions", damage->versions);
        json_member_bool(w, "current", damage->current);
        json_member_str(w, "fix", damage->fix);
        json_end(w);
}

static void print_json(const VerifyReport *report, bool quick, double seconds) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "state", report->damage_count ? STR("damaged") : STR("ok"));
        json_member_bool(&w, "quick", quick);
        json_member_bool(&w, "complete", !report->incomplete);
        json_key(&w, "seconds");
        json_put_double(&w, seconds);
        json_key(&w, "checked");
        json_object(&w);
        json_member_int(&w, "files", report->files);
        json_member_int(&w, "bytes", report->bytes);
        json_member_int(&w, "landed", report->landed);
        json_member_int(&w, "data", report->data);
        json_member_int(&w, "metadata", report->metadata);
        json_member_int(&w, "commits", report->commits);
        json_member_int(&w, "versions", report->versions);
        json_member_int(&w, "pages", report->pages);
        json_member_int(&w, "audit_lines", report->audit_lines);
        json_member_int(&w, "unproven", report->unproven);
        json_end(&w);
        json_key(&w, "damage");
        json_array(&w);
        for (size_t i = 0; i < report->damage_count; i++)
                put_damage(&w, &report->damages[i]);
        json_end(&w);
        json_key(&w, "unknown");
        json_array(&w);
        for (size_t i = 0; i < report->unknown_count; i++) {
                json_object(&w);
                json_member_str(&w, "file", report->unknown[i].file);
                json_member_int(&w, "bytes", report->unknown[i].bytes);
                json_end(&w);
        }
        json_end(&w);
        json_end(&w);
        output_json(&json);
}

void verified_damages_json(JsonWriter *w, const BackupDamage *damages, size_t count) {
        json_key(w, "damage");
        json_array(w);
        for (size_t i = 0; i < count; i++) {
                json_object(w);
                json_member_str(w, "file", damages[i].file);
                json_member_str(w, "message", damages[i].message);
                json_end(w);
        }
        json_end(w);
}

/* ---- text ---- */

void verified_damages_text(const Cli *cli, const BackupDamage *damages, size_t count, const char *words) {
        for (size_t i = 0; i < count; i++)
                output_note(&cli->output, PAINT_RED, "%.*s: %.*s", STR_ARG(damages[i].file), STR_ARG(damages[i].message));
        if (count)
                output_note(&cli->output, PAINT_RED, "%zu files %s", count, words);
}


static void print_list(const char *words, const Str *items, size_t count) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        if (count == 0)
                return;
        printf("  %s", words);
        for (size_t i = 0; i < count && i < 5; i++)
                printf("%s %s", i ? "," : "", output_line(&scratch, items[i]).data);
        if (count > 5)
                printf(" and %zu more", count - 5);
        putchar('\n');
}

static void print_damage(const Output *output, const VerifyDamage *damage) {
        printf("%s%.*s%s  %.*s%s%.*s: %.*s\n", paint(output->color_out, PAINT_RED), STR_ARG(damage->what),
               paint(output->color_out, PAINT_NONE), STR_ARG(damage->file.size ? damage->file : damage->kind),
               damage->file.size ? ", " : "", STR_ARG(damage->file.size ? damage->kind : STR("")),
               STR_ARG(damage->message));
        print_list("needed by", damage->tables, damage->table_count);
        print_list("delivery", damage->deliveries, damage->delivery_count);
        if (damage->versions)
                printf("  %lld version%s%s, from commit %.*s on\n", (long long)damage->versions, damage->versions == 1 ? "" : "s",
                       !damage->current          ? ""
                       : damage->versions == 1 ? ", the one that main shows"
                                                 : ", the one that main shows among them",
                       STR_ARG(str_slice(damage->commits[0], 0, 12)));
        if (damage->fix.size)
                printf("  %.*s\n", STR_ARG(damage->fix));
}

static void print_text(const Cli *cli, const VerifyReport *report, bool quick, double seconds) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        for (size_t i = 0; i < report->damage_count; i++)
                print_damage(&cli->output, &report->damages[i]);
        if (report->unproven)
                output_note(&cli->output, PAINT_YELLOW, "%lld files were written anew for this place by another zlib: whole, but not "
                            "proven to be what their commits added", (long long)report->unproven);
        if (report->incomplete)
                output_note(&cli->output, PAINT_RED, "the catalog cannot be read, so files could not be looked at");
        for (size_t i = 0; i < report->unknown_count && i < UNKNOWN_TOLD; i++)
                output_note(&cli->output, PAINT_NONE, "unknown: %s (%.*s), which nothing needs", output_line(&scratch, report->unknown[i].file).data,
                            STR_ARG(bytes_print(&scratch, (uint64_t)report->unknown[i].bytes)));
        if (report->unknown_count > UNKNOWN_TOLD)
                output_note(&cli->output, PAINT_NONE, "unknown: %zu more files", report->unknown_count - UNKNOWN_TOLD);
        printf("%s: %lld files, %.*s read%s in %.1f s; %lld landed, %lld data, %lld Iceberg's own; %lld commits, %lld versions "
               "of tables\n",
               report->damage_count ? "damaged" : "ok", (long long)report->files,
               STR_ARG(bytes_print(&scratch, (uint64_t)report->bytes)), quick ? " (quick)" : "", seconds,
               (long long)report->landed, (long long)report->data, (long long)report->metadata, (long long)report->commits,
               (long long)report->versions);
}

void verified_print(const Cli *cli, const VerifyReport *report, bool quick, double seconds) {
        if (cli_json(cli))
                print_json(report, quick, seconds);
        else
                print_text(cli, report, quick, seconds);
}
