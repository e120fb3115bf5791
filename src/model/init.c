/* SPDX-License-Identifier: Apache-2.0 */
#include "model/init.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/vec.h"
#include "model/project.h"

typedef struct InitFile {
        const char *path;
        Str text;
} InitFile;

typedef VEC(InitFile) InitFiles;

static const char ignore_text[] = "# what senders drop is data, and data lies in the store\n"
                                  "ingress/\n";

static void add_file(Arena *arena, InitFiles *files, const char *path, Str text) {
        vec_push(arena, files, (InitFile){ path, text });
}

static void plan_empty(Arena *arena, InitFiles *files, Str name) {
        add_file(arena, files, PROJECT_FILE,
                 arena_strf(arena,
                            "# A Lode project: text here, data in the store beside this folder.\n"
                            "project: %.*s\n"
                            "# store: ../%.*s.lode\n",
                            STR_ARG(name), STR_ARG(name)));
        add_file(arena, files, "README.md",
                 arena_strf(arena,
                            "# %.*s\n\n"
                            "A Lode project. A zone is a domain and its team; files come in, are typed, modelled with "
                            "SQL and published.\n\n"
                            "    zones/ZONE/sources/NAME.yml      a feed of files           ZONE.staging.NAME\n"
                            "    zones/ZONE/canonical/NAME.sql    source grain              ZONE.canonical.NAME\n"
                            "    zones/ZONE/analytical/NAME.sql   facts, measures           ZONE.analytical.NAME\n"
                            "    ingress/ZONE/                    where files are dropped (not in git)\n\n"
                            "    lode add ZONE FILE               look at a file and write its source\n"
                            "    lode run                         land, stage, model, publish\n"
                            "    lode status                      where everything stands\n",
                            STR_ARG(name)));
}

static void plan_demo(Arena *arena, InitFiles *files, Str name) {
        add_file(arena, files, PROJECT_FILE,
                 arena_strf(arena, "# A small consultancy; README.md says what to try.\nproject: %.*s\n",
                            STR_ARG(name)));
        for (size_t i = 0; i < demo_file_count; i++)
                add_file(arena, files, demo_files[i].path, (Str){ demo_files[i].data, demo_files[i].size });
}

/* Nothing is written when anything of it is there. */
static Status check_free(Arena *arena, const char *root, const InitFiles *files, Error *err) {
        if (file_exists(path_join(arena, root, PROJECT_FILE))) {
                error_set(err, STATUS_EXISTS, "%s is a Lode project already", root);
                return error_hint(err, "lode status shows it; lode init DIR makes another");
        }
        for (size_t i = 0; i < files->count; i++) {
                if (!file_exists(path_join(arena, root, files->items[i].path)))
                        continue;
                error_set(err, STATUS_EXISTS, "%s holds a file %s, and nothing is written over", root,
                          files->items[i].path);
                return error_hint(err, "choose an empty folder: lode init DIR");
        }
        return STATUS_OK;
}

static Status write_file(Arena *arena, const char *root, const InitFile *file, Error *err) {
        const char *path = path_join(arena, root, file->path);
        TRY(dir_make(path_dir(arena, path), err));
        return file_write_text(path, file->text, err);
}

/* lode.yml, the first of the plan, is written last: a folder half written is no project and can be begun again. */
static Status write_files(Arena *arena, const char *root, const InitFiles *files, InitReport *out, Error *err) {
        out->files = ARENA_ARRAY(arena, Str, files->count + 1);
        for (size_t i = 1; i <= files->count; i++) {
                const InitFile *file = &files->items[i % files->count];
                TRY(write_file(arena, root, file, err));
                out->files[out->file_count++] = str_of(file->path);
        }
        return STATUS_OK;
}

Status init_project(Arena *arena, const char *dir, bool demo, InitReport *out, Error *err) {
        InitReport report = { .root = path_absolute(arena, dir) };
        report.name = project_name_from(arena, str_of(path_base(report.root)));

        InitFiles files = { 0 };
        if (demo)
                plan_demo(arena, &files, report.name);
        else
                plan_empty(arena, &files, report.name);
        TRY(check_free(arena, report.root, &files, err));

        TRY(dir_make(path_join(arena, report.root, "zones"), err));
        TRY(dir_make(path_join(arena, report.root, "ingress"), err));
        /* a folder that is under git already may have one; ours is added to none */
        if (!file_exists(path_join(arena, report.root, ".gitignore")))
                add_file(arena, &files, ".gitignore", str_of(ignore_text));
        TRY(write_files(arena, report.root, &files, &report, err));

        report.next = demo ? STR("lode run               files in, typed, modelled, published\n"
                                 "lode show quarantine   what did not fit, where and why\n"
                                 "README.md says what else there is\n")
                           : STR("lode add ZONE FILE     look at a file and write its source; makes the zone\n"
                                 "lode run               land, stage, model, publish\n");
        *out = report;
        return STATUS_OK;
}

Status init_zone(Arena *arena, const char *root, Str zone, Str owner, bool *out_new, Error *err) {
        TRY(name_check(zone, "zone", err));
        const char *folder = arena_printf(arena, "%s/zones/%.*s", root, STR_ARG(zone));
        bool is_new = !file_exists(folder);
        TRY(dir_make(folder, err));
        TRY(dir_make(arena_printf(arena, "%s/ingress/%.*s", root, STR_ARG(zone)), err));
        Str said = owner.size ? arena_strf(arena, "owner: \"%.*s\"", STR_ARG(owner)) : STR("# owner: NAME            who may do everything in the zone; until then administrators alone");
        if (is_new)
                TRY(file_write_text(path_join(arena, folder, "zone.yml"),
                                    arena_strf(arena, "%.*s\n# engineers: [role NAME]   who may change models and read all stages\n# purpose: what the zone is for\n",
                                               STR_ARG(said)),
                                    err));
        *out_new = is_new;
        return STATUS_OK;
}
