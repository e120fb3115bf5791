/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What `audit:` of the lode.yml in force says of the audit log:
 *
 *   audit:
 *     statements: redacted
 *     keep: 400d
 */
#include "catalog/catalog.h"
#include "govern/audit.h"

typedef struct AuditRule {
        AuditText statements; /* what is kept of their text */
        int64_t keep_us;      /* how long a day's files are kept, INT64_MAX = for ever */
} AuditRule;

/* Defaults where it says nothing. A text that cannot be read is CORRUPT: apply took it in. */
Status audit_rule_load(Catalog *catalog, AuditRule *out, Error *err);
