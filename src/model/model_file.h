/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Model: zones/ZONE/STAGE/NAME.sql, plain SQL that makes one table or view, with leading `-- key: value` lines:
 *
 *   -- about: One row per order as the customer sees it.
 *   -- kind: table
 *   -- column order_id: text required unique
 *   -- check amount_positive: amount >= 0, else warn
 *   select ... from staging.orders
 *
 * Any editor and engine can run the file as it is. Lines that begin with `--` and hold no known `key:` before the
 * SQL are errors only if they look like a key (a word and a colon); other comments are left alone.
 */
#include "base/hash.h"
#include "base/type.h"
#include "model/problems.h"

typedef enum ModelKind { MODEL_TABLE, MODEL_VIEW } ModelKind;
typedef enum ModelStage { STAGE_CANONICAL, STAGE_ANALYTICAL, STAGE_EGRESS } ModelStage;
typedef enum CheckSeverity { CHECK_WARN, CHECK_QUARANTINE, CHECK_STOP } CheckSeverity;

typedef struct ModelColumn {
        Str name;
        bool has_type;
        Type type;
        bool required, unique;
        Str reference; /* zone.stage.table.column, or "" */
        Str unit, classification, about;
        Str *tags, *untags;
        size_t tag_count, untag_count;
        int line;
} ModelColumn;

typedef struct ModelCheck {
        Str name, expression;
        CheckSeverity severity;
        size_t offset; /* of expression in text; 0 when it goes over several lines */
        int line;
        Str promise; /* what must hold, in words, where Lode made it of a promise (model/check.h); else empty */
} ModelCheck;

typedef struct Model {
        Str zone, name;
        ModelStage stage;
        const char *path; /* relative to the root */
        Str text;         /* the whole file */
        Str body;         /* the SQL, a slice of text, without trailing semicolon and space */
        size_t body_offset;
        ModelKind kind;
        Str about, term;
        Str *key; /* column names */
        size_t key_count;
        int key_line;
        Str *tags;
        size_t tag_count;
        ModelColumn *columns;
        size_t column_count;
        ModelCheck *checks;
        size_t check_count;
        /* egress */
        int64_t version;  /* 0 = not given */
        int64_t fresh_us; /* 0 = not given */
        bool listed;
} Model;

const char *stage_name(ModelStage stage);
bool stage_parse(Str text, ModelStage *out);
const char *model_kind_name(ModelKind kind);
const char *severity_name(CheckSeverity severity);

/* Never NULL; what is wrong goes to problems. */
Model *model_parse(Arena *arena, Str zone, ModelStage stage, Str name, const char *path, Str text, Problems *problems);
/* At a word of one of the lines above the SQL, where it stands behind the colon; else at the line. */
Status model_place(const Model *model, int line, Str word, Error *err);
Str model_full_name(Arena *arena, const Model *model); /* zone.stage.name */
/* Everything but the SQL that decides what the table is: kind, key, columns' types, checks. */
Sha256 model_settings_hash(const Model *model);
