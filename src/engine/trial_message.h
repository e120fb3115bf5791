/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trials: what a delivery's records would read as, were the source's text another. TRY: spec + descriptor -> one verdict
 * for each setting that is tried. The file is framed and typed by the text as it is; the records that do not fit because of
 * one column and one rule are typed again by every setting meant for these, and, when that is asked, so are the records
 * that fit, which must read the same.
 */
#include "frame/format.h"
#include "frame/rule.h"

#define TRIAL_SETTINGS_MAX 1024
#define TRIAL_UNREAD_MAX 8   /* different texts that a verdict names */
#define TRIAL_TEXT_MAX 64    /* bytes of one of them; a longer one is cut */

/* The whole text's format with one thing changed, or one column. */
typedef struct TrialSetting {
        uint32_t column; /* whose misfits it is for: its place in the spec, from 0 */
        Rule rule;       /* which of them */
        Format format;
        SourceColumn is; /* that column */
} TrialSetting;

typedef struct TrialSpec {
        Format format;
        SourceColumn *columns;
        size_t column_count;
        StrList ignore;
        uint64_t input_limit;
        bool accepted; /* also see whether the records that fit read the same */
        TrialSetting *settings;
        size_t setting_count;
} TrialSpec;

typedef struct TrialVerdict {
        int64_t misfits, fit;   /* records that the rule struck, and those of them whose field the setting reads */
        int64_t left;           /* of those that it reads: records that another field still keeps out */
        int64_t accepted, same; /* records that fit, and those of them that read the same; 0 when that was not asked */
        int64_t broken;         /* other records in which a field that did fit would read otherwise; 0 when not asked */
        uint64_t reading;       /* a digest of what the misfits read as: equal = the same values */
        StrList unread;         /* different texts that it does not read */
} TrialVerdict;

typedef struct TrialResult {
        TrialVerdict *items; /* one for each setting, in their order */
        size_t count;
} TrialResult;

void trial_spec_write(Buf *out, const TrialSpec *spec);
Status trial_spec_read(Str bytes, Arena *arena, TrialSpec *out, Error *err);
void trial_result_write(Buf *out, const TrialResult *result);
Status trial_result_read(Str bytes, Arena *arena, TrialResult *out, Error *err);
