/* SPDX-License-Identifier: Apache-2.0 */
#include "model/project.h"

#include "base/file.h"
#include "base/json.h"
#include "model/tables.h"

#define TEXT_MAX YAML_SIZE_MAX

/* ---- lode.yml ---- */

typedef struct Settings {
        Str name, store;
        LimitRules limits;
        AuditRule audit;
} Settings;

static void read_project_name(KeyContext *context, const YamlNode *value, void *object) {
        Str name;
        if (!key_text(context, value, &name))
                return;
        Str good = project_name_from(context->arena, name);
        if (str_equal(name, good)) {
                ((Settings *)object)->name = name;
                return;
        }
        Error *err = key_problem(context, value, STATUS_BAD_VALUE,
                                 "\"%.*s\" cannot be the name of a project: letters, digits, _ - and ., at most %d",
                                 STR_ARG(name), PROJECT_NAME_MAX);
        error_hint(err, "%.*s would do", STR_ARG(good));
}

static void read_limits(KeyContext *context, const YamlNode *value, void *object) {
        keys_read_limits(context, value, &((Settings *)object)->limits);
}

static void read_audit(KeyContext *context, const YamlNode *value, void *object) {
        keys_read_audit(context, value, &((Settings *)object)->audit);
}

static const Key project_keys[] = {
        { .name = "project",
          .kind = KEY_OTHER,
          .read = read_project_name,
          .shown = "a name; the folder's",
          .meaning = "What the project is called." },
        { .name = "store",
          .kind = KEY_TEXT,
          .at = offsetof(Settings, store),
          .shown = "a folder; `../NAME.lode`",
          .meaning = "Where the data is kept, relative to this file: beside the project's folder, so that `git clean` "
                     "or a lost checkout cannot take it." },
        { .name = "limits",
          .kind = KEY_OTHER,
          .read = read_limits,
          .shown = "a list, as below",
          .meaning = "How much one principal may ask of `lode serve` at a time." },
        { .name = "audit",
          .kind = KEY_OTHER,
          .read = read_audit,
          .shown = "a map, as below",
          .meaning = "What the audit log keeps, and how long." },
};
const KeyTable project_table = {
        .file = "lode.yml",
        .thing = "lode.yml",
        .about = "Marks the project's folder; every verb works anywhere below it.",
        .example = "project: consultancy\n",
        .keys = project_keys,
        .count = COUNT_OF(project_keys),
};

/* ---- zone.yml and terms.yml ---- */

#define REFRESH_LEAST 1000000 /* a second */

static void read_engineers(KeyContext *context, const YamlNode *value, void *object) {
        Zone *zone = object;
        keys_read_people(context, value, &zone->engineers, &zone->engineer_count);
}

static void read_members(KeyContext *context, const YamlNode *value, void *object) {
        Zone *zone = object;
        keys_read_people(context, value, &zone->members, &zone->member_count);
}

static void read_refresh(KeyContext *context, const YamlNode *value, void *object) {
        Zone *zone = object;
        Str word, every, duration;
        if (!key_text(context, value, &word))
                return;
        if (str_is(word, "on arrival")) {
                zone->refresh = REFRESH_ON_ARRIVAL;
        } else if (str_is(word, "manual")) {
                zone->refresh = REFRESH_MANUAL;
        } else if (str_cut(word, ' ', &every, &duration) && str_is(every, "every") && duration_parse(duration, &zone->refresh_us) &&
                   zone->refresh_us >= REFRESH_LEAST) {
                zone->refresh = REFRESH_EVERY;
        } else {
                error_hint(key_problem(context, value, STATUS_BAD_VALUE, "`refresh: %.*s` says no time", STR_ARG(word)),
                           "on arrival, every 15m (any time from 1s), or manual");
        }
}

#define RETAIN_KEY(stage)                                                                              \
        {                                                                                              \
                .name = #stage, .kind = KEY_KEEP, .at = offsetof(Zone, retain.stage##_us), .fallback = "30d", \
                .meaning = "How long `lode tidy` keeps a version of a table of " #stage " after another took its place."  \
        }

static const Key retain_keys[] = {
        RETAIN_KEY(staging),
        RETAIN_KEY(canonical),
        RETAIN_KEY(analytical),
        RETAIN_KEY(egress),
};
static const KeyTable retain_table = {
        .file = "",
        .thing = "retain",
        .keys = retain_keys,
        .count = COUNT_OF(retain_keys),
};

static const Key zone_keys[] = {
        { .name = "owner",
          .kind = KEY_TEXT,
          .at = offsetof(Zone, owner),
          .meaning = "Who may do everything in the zone and grant within it." },
        { .name = "engineers",
          .kind = KEY_OTHER,
          .read = read_engineers,
          .shown = "a list of users and `role NAME`",
          .meaning = "Who may change models and read all stages." },
        { .name = "members",
          .kind = KEY_OTHER,
          .read = read_members,
          .shown = "a list of users and `role NAME`",
          .meaning = "Whom `zone ZONE` means in another zone's rules." },
        { .name = "purpose", .kind = KEY_TEXT, .at = offsetof(Zone, purpose), .meaning = "What the zone is for." },
        { .name = "retention",
          .kind = KEY_TEXT,
          .at = offsetof(Zone, retention),
          .meaning = "How long its data is kept, for people; `retain` is what is enforced." },
        { .name = "refresh",
          .kind = KEY_OTHER,
          .read = read_refresh,
          .fallback = "on arrival",
          .shown = "`on arrival`, `every 15m` or `manual`",
          .meaning = "When `lode serve` takes what arrived for the zone and builds what depends on it; see serve.md." },
        { .name = "retain",
          .kind = KEY_NESTED,
          .nested = &retain_table,
          .shown = "a time or `forever` for each stage",
          .meaning = "How long versions that were replaced are kept, by stage; see upkeep.md." },
};
const KeyTable zone_table = {
        .file = "zones/ZONE/zone.yml",
        .thing = "a zone",
        .about = "One domain and the team that owns it. The folder's name is the zone's. The file may be missing. `lode add ZONE` makes it, with an "
                 "owner if whoever calls it has an account (`lode user add`); without one administrators alone decide.",
        .example = "owner: ann\n"
                   "engineers: [role shop_dev]\n"
                   "members: [role analyst]\n"
                   "purpose: orders and what becomes of them\n",
        .keys = zone_keys,
        .count = COUNT_OF(zone_keys),
};

static const Key term_keys[] = {
        { .name = "name", .kind = KEY_TEXT, .at = offsetof(Term, name), .required = true, .meaning = "The word." },
        { .name = "meaning",
          .kind = KEY_TEXT,
          .at = offsetof(Term, meaning),
          .required = true,
          .meaning = "What it means here." },
        { .name = "unit", .kind = KEY_TEXT, .at = offsetof(Term, unit), .meaning = "In what it is measured." },
        { .name = "classification",
          .kind = KEY_TEXT,
          .at = offsetof(Term, classification),
          .meaning = "How confidential it is." },
};
const KeyTable term_table = {
        .file = "zones/ZONE/terms.yml",
        .thing = "a term",
        .about = "The zone's vocabulary: a list of `terms`. A model's `-- term:` names one.",
        .example = "terms:\n"
                   "- name: order\n"
                   "  meaning: what a customer has bound himself to buy\n",
        .keys = term_keys,
        .count = COUNT_OF(term_keys),
};

/* ---- reading a folder ---- */

typedef struct Loader {
        Project *project;
        Arena *arena;
        Problems *problems;
        size_t files;
} Loader;

/* A text file of the project; false if it is absent (no problem) or cannot be read (one). */
static bool load_text(Loader *loader, const char *path, Str *out) {
        Error err = { 0 };
        Status status = file_read(path_join(loader->arena, loader->project->root, path), TEXT_MAX, loader->arena, out,
                                  &err);
        if (status == STATUS_OK && ++loader->files <= PROJECT_FILES_MAX) {
                if (utf8_valid(*out))
                        return true;
                size_t at = 0;
                uint32_t point;
                for (size_t step; (step = utf8_decode(*out, at, &point)) != 0 && !(point == 0xFFFD && step == 1);
                     at += step)
                        ;
                error_place(problems_add(loader->problems, STATUS_SYNTAX, "the file is not UTF-8 text"), path, *out,
                            at);
                return false;
        }
        if (status == STATUS_OK)
                error_set(&err, STATUS_LIMIT, "the project has more than %d files", PROJECT_FILES_MAX);
        else if (status == STATUS_NOT_FOUND)
                return false;
        error_place_line(&err, path, STR_NONE, 0, 0);
        problems_take(loader->problems, &err);
        return false;
}

/* Reads a file of `key: value` lines by its table; the defaults stand where it says nothing. */
static void parse_keys(Arena *arena, const KeyTable *table, const char *path, Str text, Problems *problems, void *object) {
        Error err = { 0 };
        YamlFile *file;
        if (yaml_parse(text, path, arena, &file, &err) != STATUS_OK) {
                problems_take(problems, &err);
                return;
        }
        KeyContext context = { .arena = arena, .file = file, .problems = problems };
        keys_read(&context, table, file->root, object);
}

static void load_keys(Loader *loader, const KeyTable *table, const char *path, Str text, void *object) {
        parse_keys(loader->arena, table, path, text, loader->problems, object);
}

void zone_text_parse(Arena *arena, const char *path, Str text, Problems *problems, Zone *out) {
        keys_defaults(&zone_table, arena, out);
        if (str_trim(text).size)
                parse_keys(arena, &zone_table, path, text, problems, out);
}

Status zone_retain_parse(Arena *arena, const char *path, Str text, Retain *out, Error *err) {
        Problems problems = { .arena = arena };
        Zone zone = { .name = STR("") };
        zone_text_parse(arena, path, text, &problems, &zone);
        if (problems_any(&problems)) {
                *err = *problems.errors.items[0];
                return error_failed_(err->status);
        }
        *out = zone.retain;
        return STATUS_OK;
}

static void list_folder(Loader *loader, const char *path, DirEntry **out, size_t *out_count) {
        Error err = { 0 };
        *out_count = 0;
        if (dir_list(path_join(loader->arena, loader->project->root, path), loader->arena, out, out_count, &err) ==
            STATUS_OK)
                return;
        *out_count = 0;
        if (err.status == STATUS_NOT_FOUND)
                return;
        error_place_line(&err, path, STR_NONE, 0, 0);
        problems_take(loader->problems, &err);
}

/* A file's name without its ending, if it has that ending; false for what is no file of the project. */
static bool stem_of(Str name, const char *ending, Str *out) {
        if (!str_ends_with(name, str_of(ending)) || name.data[0] == '.')
                return false;
        *out = str_slice(name, 0, name.size - strlen(ending));
        return true;
}

static bool name_problem(Loader *loader, Str name, const char *what, const char *path) {
        Error err = { 0 };
        if (name_check(name, what, &err) == STATUS_OK)
                return false;
        error_place_line(&err, path, STR_NONE, 0, 0);
        problems_take(loader->problems, &err);
        return true;
}

/* A file that looks like project text but lies where nobody reads it. */
static void stray_problem(Loader *loader, const char *path, Str name, const char *const *known, size_t known_count) {
        Str candidates[16];
        for (size_t i = 0; i < known_count; i++)
                candidates[i] = str_of(known[i]);
        Error *err = problems_add(loader->problems, STATUS_UNKNOWN_KEY,
                                  "nothing reads this; a name is wrong or it lies in the wrong folder");
        error_place_line(err, path, STR_NONE, 0, 0);
        Str near = str_nearest(name, candidates, known_count);
        if (str_ends_with(name, STR(".yaml")))
                error_hint(err, "call it %.*s.yml", (int)(name.size - 5), name.data);
        else if (near.size > 0 && str_distance(near, name) <= 2)
                error_hint(err, "did you mean %.*s?", STR_ARG(near));
        else if (str_ends_with(name, STR(".sql")))
                error_hint(err, "a model lies in zones/ZONE/canonical/, analytical/ or egress/");
        else if (str_ends_with(name, STR(".yml")))
                error_hint(err, "a source lies in zones/ZONE/sources/");
        else if (known_count > 0)
                error_hint(err, "a zone has the folders sources, canonical, analytical and egress");
        else
                error_hint(err, "endings are written in small letters: .yml, .sql");
}

static bool ends_nocase(Str name, Str ending) {
        return name.size > ending.size && str_equal_nocase(str_slice(name, name.size - ending.size, name.size), ending);
}

static bool looks_like_text(Str name) {
        return name.data[0] != '.' && (ends_nocase(name, STR(".yml")) || ends_nocase(name, STR(".yaml")) ||
                                       ends_nocase(name, STR(".sql")));
}

/* The files of a folder that have this ending and a good name, each with its text. */
typedef struct FolderFile {
        Str name, text;
        const char *path;
} FolderFile;

static FolderFile *load_folder(Loader *loader, const char *folder, const char *ending, const char *what,
                               size_t *out_count) {
        DirEntry *entries;
        size_t count;
        list_folder(loader, folder, &entries, &count);
        FolderFile *files = ARENA_ARRAY(loader->arena, FolderFile, count + 1);
        *out_count = 0;
        for (size_t i = 0; i < count; i++) {
                FolderFile file = { .path = arena_printf(loader->arena, "%s/%.*s", folder, STR_ARG(entries[i].name)) };
                if (!stem_of(entries[i].name, ending, &file.name)) {
                        if (looks_like_text(entries[i].name))
                                stray_problem(loader, file.path, entries[i].name, NULL, 0);
                        continue;
                }
                if (!name_problem(loader, file.name, what, file.path) && load_text(loader, file.path, &file.text))
                        files[(*out_count)++] = file;
        }
        return files;
}

static void load_sources(Loader *loader, Zone *zone) {
        size_t count;
        const char *folder = arena_printf(loader->arena, "zones/%.*s/sources", STR_ARG(zone->name));
        FolderFile *files = load_folder(loader, folder, ".yml", "source", &count);
        zone->sources = ARENA_ARRAY(loader->arena, Source *, count + 1);
        for (size_t i = 0; i < count; i++)
                zone->sources[zone->source_count++] = source_parse(loader->arena, zone->name, files[i].name,
                                                                   files[i].path, files[i].text, loader->problems);
}

static void load_models(Loader *loader, Zone *zone, ModelStage stage) {
        size_t count, before = zone->model_count;
        const char *folder = arena_printf(loader->arena, "zones/%.*s/%s", STR_ARG(zone->name), stage_name(stage));
        FolderFile *files = load_folder(loader, folder, ".sql", "model", &count);
        zone->models = arena_grow(loader->arena, zone->models, before * sizeof(Model *),
                                  (before + count + 1) * sizeof(Model *));
        for (size_t i = 0; i < count; i++)
                zone->models[zone->model_count++] = model_parse(loader->arena, zone->name, stage, files[i].name,
                                                                files[i].path, files[i].text, loader->problems);
}

/* Its line begins with `-- term:`. */
static void warn_of_term(const Zone *zone, const Model *model, Arena *arena, Problems *warnings) {
        Str line, rest = model->text;
        Str *names = ARENA_ARRAY(arena, Str, zone->term_count);
        for (size_t i = 0; i < zone->term_count; i++)
                names[i] = zone->terms[i].name;
        Error *err = problems_add(warnings, STATUS_NOT_FOUND, "zones/%.*s/terms.yml has no term '%.*s'", STR_ARG(zone->name), STR_ARG(model->term));
        for (int number = 1; rest.size > 0; number++) {
                if (!str_cut(rest, '\n', &line, &rest))
                        rest = STR_NONE;
                Str words = str_starts_with(line, STR("--")) ? str_trim(str_slice(line, 2, line.size)) : STR_NONE;
                if (!str_starts_with(words, STR("term:")))
                        continue;
                size_t column = line.size - str_trim(str_slice(words, 5, words.size)).size + 1;
                error_place_line(err, model->path, model->text, number, (int)column);
                break;
        }
        Str near = str_nearest(model->term, names, zone->term_count);
        if (near.size > 0)
                error_hint(err, "did you mean %.*s?", STR_ARG(near));
}

void project_terms_check(const Project *project, Arena *arena, Problems *warnings) {
        for (size_t z = 0; z < project->zone_count; z++) {
                const Zone *zone = project->zones[z];
                for (size_t m = 0; m < zone->model_count && zone->term_count > 0; m++) {
                        bool found = zone->models[m]->term.size == 0;
                        for (size_t i = 0; i < zone->term_count && !found; i++)
                                found = str_equal(zone->terms[i].name, zone->models[m]->term);
                        if (!found)
                                warn_of_term(zone, zone->models[m], arena, warnings);
                }
        }
}

static void load_terms(Loader *loader, Zone *zone, const char *path) {
        const YamlNode *list;
        if (load_text(loader, path, &zone->terms_text))
                zone->terms = keys_list_file(loader->arena, path, zone->terms_text, loader->problems, &term_table,
                                             "terms", sizeof(Term), &zone->term_count, &list);
}

/* What lies in a zone's folder and is none of its files. */
static void check_zone_folder(Loader *loader, const Zone *zone) {
        static const char *const known[] = { "zone.yml",  "access.yml", "access.test.yml", "terms.yml", "sources",
                                             "canonical", "analytical", "egress",          "tests" };
        DirEntry *entries;
        size_t count;
        const char *folder = arena_printf(loader->arena, "zones/%.*s", STR_ARG(zone->name));
        list_folder(loader, folder, &entries, &count);
        for (size_t i = 0; i < count; i++) {
                Str name = entries[i].name;
                bool matters = name.data[0] != '.' && (entries[i].is_dir || looks_like_text(name));
                for (size_t k = 0; k < COUNT_OF(known) && matters; k++)
                        matters = !str_is(name, known[k]);
                if (matters)
                        stray_problem(loader, arena_printf(loader->arena, "%s/%.*s", folder, STR_ARG(name)), name,
                                      known, COUNT_OF(known));
        }
}

static Zone *load_zone(Loader *loader, Str name) {
        Zone *zone = ARENA_NEW(loader->arena, Zone);
        const char *folder = arena_printf(loader->arena, "zones/%.*s", STR_ARG(name));
        zone->name = arena_str(loader->arena, name);
        zone->path = arena_printf(loader->arena, "%s/zone.yml", folder);
        zone->text = STR("");
        zone_text_parse(loader->arena, zone->path, load_text(loader, zone->path, &zone->text) ? zone->text : STR(""), loader->problems, zone);

        Str text;
        const char *access = arena_printf(loader->arena, "%s/access.yml", folder);
        if (load_text(loader, access, &text))
                access_parse(loader->arena, access, text, loader->problems, &zone->access);
        const char *tests = arena_printf(loader->arena, "%s/access.test.yml", folder);
        if (load_text(loader, tests, &zone->access_test_text))
                access_test_parse(loader->arena, tests, zone->access_test_text, loader->problems, &zone->access_tests,
                                  &zone->access_test_count);
        load_terms(loader, zone, arena_printf(loader->arena, "%s/terms.yml", folder));

        load_sources(loader, zone);
        load_models(loader, zone, STAGE_CANONICAL);
        load_models(loader, zone, STAGE_ANALYTICAL);
        load_models(loader, zone, STAGE_EGRESS);
        check_zone_folder(loader, zone);
        return zone;
}

static void load_zones(Loader *loader) {
        DirEntry *entries;
        size_t count;
        list_folder(loader, "zones", &entries, &count);
        loader->project->zones = ARENA_ARRAY(loader->arena, Zone *, count + 1);
        for (size_t i = 0; i < count; i++) {
                Str name = entries[i].name;
                const char *path = arena_printf(loader->arena, "zones/%.*s", STR_ARG(name));
                if (!entries[i].is_dir || name.data[0] == '.') {
                        if (looks_like_text(name))
                                stray_problem(loader, path, name, NULL, 0);
                        continue;
                }
                if (!name_problem(loader, name, "zone", path))
                        loader->project->zones[loader->project->zone_count++] = load_zone(loader, name);
        }
}

/* A tag that policies.yml rules on is taken off a column only where it says so there. */
static void check_untags(Loader *loader, const Model *model) {
        const CentralPolicies *policies = &loader->project->policies;
        Str stage = str_of(stage_name(model->stage));
        for (size_t i = 0; i < model->column_count; i++) {
                const ModelColumn *column = &model->columns[i];
                for (size_t k = 0; k < column->untag_count; k++) {
                        bool ruled = false;
                        for (size_t p = 0; p < policies->count; p++)
                                ruled |= str_equal(policies->items[p].tag, column->untags[k]);
                        if (!ruled || policies_let_go(policies, column->untags[k], model->zone, stage, model->name, column->name))
                                continue;
                        Error *err = problems_add(loader->problems, STATUS_DENIED, "the tag '%.*s' cannot be taken off column '%.*s': policies.yml rules on it and does not let go of it",
                                                  STR_ARG(column->untags[k]), STR_ARG(column->name));
                        error_place_line(err, model->path, model->text, column->line, 1);
                        error_hint(err, "an administrator adds to the policy of `tag: %.*s`:  untag: [%.*s.%.*s.%.*s.%.*s]", STR_ARG(column->untags[k]), STR_ARG(model->zone),
                                   STR_ARG(stage), STR_ARG(model->name), STR_ARG(column->name));
                }
        }
}

/* Two sources of a zone that say the same `from` would both claim every file; of a workbook each may read its sheets. */
static void check_claims(Loader *loader, const Zone *zone) {
        for (size_t i = 0; i < zone->source_count; i++)
                for (size_t k = i + 1; k < zone->source_count; k++)
                        for (size_t f = 0; f < zone->sources[k]->from_count; f++) {
                                const Source *one = zone->sources[i], *two = zone->sources[k];
                                if (one->from_count == 0 || !str_equal(one->from[0], two->from[f]) ||
                                    format_shares(&one->format, &two->format))
                                        continue;
                                Error *err = problems_add(loader->problems, STATUS_AMBIGUOUS,
                                                          "source `%.*s` claims the same files as `%.*s`: %.*s",
                                                          STR_ARG(two->name), STR_ARG(one->name),
                                                          STR_ARG(two->from[f]));
                                error_place_line(err, two->path, STR_NONE, 0, 0);
                                error_hint(err, "narrow one of the two patterns");
                        }
}

static const char *store_path(Loader *loader, Str store) {
        Project *project = loader->project;
        if (store.size == 0)
                store = arena_strf(loader->arena, "../%.*s.lode", STR_ARG(project->name));
        if (str_find(store, STR("://")) < store.size)
                return arena_cstr(loader->arena, store);
        const char *path = arena_cstr(loader->arena, store);
        return path_absolute(loader->arena, path[0] == '/' ? path : path_join(loader->arena, project->root, path));
}

/* A store inside the checkout would go with `git clean`. */
static void check_store(Loader *loader) {
        const Project *project = loader->project;
        Str root = arena_strf(loader->arena, "%s/", project->root),
            store = arena_strf(loader->arena, "%s/", project->store);
        if (!str_starts_with(store, root))
                return;
        Error *err = problems_add(loader->problems, STATUS_BAD_VALUE,
                                  "the store lies inside the project's folder, where git clean would take the data");
        size_t at = str_starts_with(project->text, STR("store:")) ? 0 : str_find(project->text, STR("\nstore:")) + 1;
        error_place(err, PROJECT_FILE, project->text, at < project->text.size ? at : 0);
        error_hint(err, "leave `store` out: ../%.*s.lode is the default", STR_ARG(project->name));
}

Status project_find(Arena *arena, const char *start, const char **out_root, Error *err) {
        const char *first = path_absolute(arena, start ? start : ".");
        for (const char *folder = first;; folder = path_dir(arena, folder)) {
                if (file_exists(path_join(arena, folder, PROJECT_FILE))) {
                        *out_root = folder;
                        return STATUS_OK;
                }
                if (strcmp(folder, "/") == 0)
                        break;
        }
        error_set(err, STATUS_NO_PROJECT, "no %s in %s or any folder above", PROJECT_FILE, first);
        return error_hint(err, "lode init makes a project here; lode init --demo makes one with data");
}

Status project_load(Arena *arena, const char *root, Project **out, Error *err) {
        Project *project = ARENA_NEW(arena, Project);
        project->arena = arena;
        project->root = path_absolute(arena, root);
        project->problems.arena = arena;
        Loader loader = { .project = project, .arena = arena, .problems = &project->problems };

        TRY(file_read(path_join(arena, project->root, PROJECT_FILE), TEXT_MAX, arena, &project->text, err));
        Settings settings = { .name = project_name_from(arena, str_of(path_base(project->root))) };
        load_keys(&loader, &project_table, PROJECT_FILE, project->text, &settings);
        project->name = settings.name;
        project->store = store_path(&loader, settings.store);
        check_store(&loader);

        Str text;
        if (load_text(&loader, "policies.yml", &text))
                policies_parse(arena, "policies.yml", text, &project->problems, &project->policies);
        load_zones(&loader);
        for (size_t i = 0; i < project->zone_count; i++)
                check_claims(&loader, project->zones[i]);
        for (size_t i = 0; i < project->zone_count; i++)
                for (size_t k = 0; k < project->zones[i]->model_count; k++)
                        check_untags(&loader, project->zones[i]->models[k]);
        problems_sort(&project->problems);
        *out = project;
        return STATUS_OK;
}

Status project_first_problem(const Project *project, Error *err) {
        if (!problems_any(&project->problems))
                return STATUS_OK;
        *err = *project->problems.errors.items[0];
        return err->status;
}

Zone *project_zone(const Project *project, Str name) {
        for (size_t i = 0; i < project->zone_count; i++)
                if (str_equal(project->zones[i]->name, name))
                        return project->zones[i];
        return NULL;
}

Source *project_source(const Project *project, Str zone_name, Str name) {
        const Zone *zone = project_zone(project, zone_name);
        for (size_t i = 0; zone && i < zone->source_count; i++)
                if (str_equal(zone->sources[i]->name, name))
                        return zone->sources[i];
        return NULL;
}

Status project_applied(Catalog *catalog, Arena *arena, YamlFile **out, Error *err) {
        CatalogObject *objects;
        size_t count;
        *out = NULL;
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("project"), STR(""), arena, &objects, &count, err));
        if (count == 0)
                return STATUS_OK;
        Json *root;
        Str path, text;
        TRY(json_parse(objects[0].body, "the catalog", arena, &root, err));
        TRY(json_want_string(root, "path", &path, err));
        TRY(json_want_string(root, "text", &text, err));
        return yaml_parse(text, arena_cstr(arena, path), arena, out, err);
}
