/* SPDX-License-Identifier: Apache-2.0 */
#include "model/audit_rule.h"

#include "model/project.h"
#include "model/tables.h"

static const Key audit_keys[] = {
        { .name = "statements",
          .kind = KEY_CHOICE,
          .words = "redacted whole none",
          .at = offsetof(AuditRule, statements),
          .fallback = "redacted",
          .meaning = "What the log keeps of a statement's text: its shape with `?` for every literal, all of it, or nothing." },
        { .name = "keep",
          .kind = KEY_KEEP,
          .at = offsetof(AuditRule, keep_us),
          .fallback = "forever",
          .meaning = "How long records are kept; `lode tidy` removes the files of days before." },
};
const KeyTable audit_table = {
        .file = "audit of lode.yml",
        .thing = "audit",
        .about = "What the [audit log](audit.md) keeps, and how long: a map under `audit:` in `lode.yml`.",
        .example = "audit:\n"
                   "  statements: redacted\n"
                   "  keep: 400d\n",
        .keys = audit_keys,
        .count = COUNT_OF(audit_keys),
};

void keys_read_audit(KeyContext *context, const YamlNode *value, AuditRule *out) {
        KeyContext inner = *context;
        inner.table = &audit_table;
        keys_read(&inner, &audit_table, value, out);
}

Status audit_rule_load(Catalog *catalog, AuditRule *out, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        YamlFile *file;
        Problems problems = { .arena = &arena };
        AuditRule rule;
        keys_defaults(&audit_table, &arena, &rule);
        TRY(project_applied(catalog, &arena, &file, err));
        const YamlNode *map = file ? yaml_get(file->root, "audit") : NULL;
        KeyContext context = { .arena = &arena, .file = file, .problems = &problems, .key = "audit" };
        if (map)
                keys_read_audit(&context, map, &rule);
        if (problems_any(&problems)) {
                *err = *problems.errors.items[0];
                return error_failed_(err->status);
        }
        *out = rule;
        return STATUS_OK;
}
