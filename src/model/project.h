/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Project: the whole text of one project in memory, read once and strictly.
 *
 *   lode.yml  policies.yml
 *   zones/ZONE/{zone,access,access.test,terms}.yml
 *   zones/ZONE/sources/SOURCE.yml
 *   zones/ZONE/{canonical,analytical,egress}/MODEL.sql
 *
 * Everything lives in the arena that project_load was given and is never changed afterwards, so any thread may
 * read it. Reading touches no store and no data. All that is wrong is collected in `problems`: a caller that
 * wants to go on checks problems_any() first. What could be read is there all the same, so that later checks find
 * more in one go.
 *
 * Paths in errors and in `path` fields are relative to the project's root. Lists are sorted by name.
 */
#include "base/yaml.h"
#include "catalog/catalog.h"
#include "model/access.h"
#include "model/model_file.h"
#include "model/name.h"
#include "model/problems.h"
#include "model/source.h"

#define PROJECT_FILE "lode.yml"
#define PROJECT_FILES_MAX 100000 /* text files in one project */

typedef struct Term {
        Str name, meaning, unit, classification;
} Term;

/* How long what a stage had before is kept, in microseconds; INT64_MAX = forever. */
typedef struct Retain {
        int64_t staging_us, canonical_us, analytical_us, egress_us;
} Retain;

/* When a server takes what arrives for the zone, and builds what depends on it. */
typedef enum RefreshKind { REFRESH_ON_ARRIVAL, REFRESH_EVERY, REFRESH_MANUAL } RefreshKind;

typedef struct Zone {
        Str name;
        const char *path; /* zones/NAME/zone.yml, also when that file is missing */
        Str text;         /* of zone.yml, "" when missing */
        Str owner, purpose, retention;
        Retain retain;
        RefreshKind refresh;
        int64_t refresh_us; /* REFRESH_EVERY */
        Who *engineers, *members;
        size_t engineer_count, member_count;
        Source **sources;
        size_t source_count;
        Model **models; /* canonical, analytical, egress; by name in each */
        size_t model_count;
        Access access; /* access.yml */
        Str access_test_text;
        AccessTest *access_tests;
        size_t access_test_count;
        Str terms_text;
        Term *terms;
        size_t term_count;
} Zone;

typedef struct Project {
        Arena *arena;
        const char *root; /* absolute folder of lode.yml */
        Str name;
        const char *store; /* absolute folder, or a URI as written */
        Str text;          /* of lode.yml */
        Zone **zones;
        size_t zone_count;
        CentralPolicies policies; /* policies.yml */
        Problems problems;
} Project;

/* The lode.yml in force, main's newest; *out = NULL: nothing is applied yet. */
Status project_applied(Catalog *catalog, Arena *arena, YamlFile **out, Error *err);

/* The nearest folder with a lode.yml, from `start` (NULL = working folder) upwards. NO_PROJECT. */
Status project_find(Arena *arena, const char *start, const char **out_root, Error *err);
/*
 * Reads the project whose lode.yml is in root. Fails only where nothing can be read at all (no lode.yml, an
 * unreadable folder); everything else is in out->problems.
 */
Status project_load(Arena *arena, const char *root, Project **out, Error *err);
/* The first problem as err, with a note of how many more there are; OK if there is none. */
Status project_first_problem(const Project *project, Error *err);

/* What zone.yml says, from a file's text (the work tree's or the catalog's), into a zone without it; "" = all defaults. */
void zone_text_parse(Arena *arena, const char *path, Str text, Problems *problems, Zone *out);
/* What a zone.yml says about retention, by itself; of an empty text the defaults. The first problem as err. */
Status zone_retain_parse(Arena *arena, const char *path, Str text, Retain *out, Error *err);
Zone *project_zone(const Project *project, Str name); /* NULL if absent */
Source *project_source(const Project *project, Str zone, Str name);
/* Warns of each `-- term:` that the zone's terms.yml does not have; of zones without terms nothing is asked. */
void project_terms_check(const Project *project, Arena *arena, Problems *warnings);

/*
 * What apply stores: one object per thing, its body a JSON text that holds the file's own text and the essentials
 * that readers need without parsing it. Equal text gives equal bytes. In order: project, policies, then per zone the
 * zone, its access, terms, sources and models. A zone without a zone.yml has one all the same.
 */
typedef struct ProjectObject {
        Str kind; /* project, policies, zone, access, terms, source, model */
        Str zone; /* empty for the project's own */
        Str name; /* a source's name, a model's stage.name, else the kind */
        Str body;
} ProjectObject;

void project_objects(const Project *project, Arena *arena, ProjectObject **out, size_t *out_count);
