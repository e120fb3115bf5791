/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The way back: where given records of a delivery stand in it. LOCATE: spec + descriptor -> places in rising order of
 * record. Records that the file does not have are left out.
 */
#include "frame/format.h"

#define LOCATE_RECORDS_MAX 100000

typedef struct LocateSpec {
        Format format;
        uint32_t width;   /* fields of a record, where the format has no header */
        int64_t *records; /* ordinals from 1, rising */
        size_t record_count;
} LocateSpec;

typedef struct LocatedRecord {
        int64_t record, line;      /* from 1 */
        uint64_t offset, length;   /* bytes of the delivery after decompression */
        Str raw;
        Str sheet, cell; /* of a workbook, where offset says nothing: "Sheet1", "A7:F7"; else empty */
} LocatedRecord;

typedef struct LocateResult {
        LocatedRecord *items;
        size_t count;
} LocateResult;

void locate_spec_write(Buf *out, const LocateSpec *spec);
Status locate_spec_read(Str bytes, Arena *arena, LocateSpec *out, Error *err);
void locate_result_write(Buf *out, const LocateResult *result);
Status locate_result_read(Str bytes, Arena *arena, LocateResult *out, Error *err);
