/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The tables by which the project's text is read and documented, in the manual's order. For this room only. */
#include "model/access.h"
#include "model/audit_rule.h"
#include "model/keys.h"
#include "model/limits.h"

extern const KeyTable project_table, limits_table, audit_table, zone_table, access_rule_table, access_test_table, policy_table, term_table;
extern const KeyTable source_table, model_table;

/* A list of users, roles and zones, or one of them. */
void keys_read_people(KeyContext *context, const YamlNode *value, Who **out, size_t *out_count);
/* The map under `audit:`. */
void keys_read_audit(KeyContext *context, const YamlNode *value, AuditRule *out);
/* The list under `limits:`. */
void keys_read_limits(KeyContext *context, const YamlNode *value, LimitRules *out);
