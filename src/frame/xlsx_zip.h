/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * XlsxZip: the parts of a workbook, which is a zip archive of XML documents, through libzip over bytes that somebody
 * else reads. It opens nothing and reads a part as a stream; what it holds in memory is the archive's list of parts, at
 * most as many as XLSX_DIRECTORY_MAX bytes name.
 *
 * Names are compared without case, as the format wants it. One thread; one part at a time.
 */
#include "frame/input.h"

#define XLSX_DIRECTORY_MAX (4u << 20)

typedef struct XlsxZip XlsxZip;
typedef struct XlsxPart XlsxPart;

/* The source has read_at, and begins as a zip archive does. HELD: it is damaged. */
Status xlsx_zip_open(Source source, XlsxZip **out, Error *err);
void xlsx_zip_free(XlsxZip *zip);
void xlsx_zip_freep(XlsxZip **zip);

bool xlsx_zip_has(const XlsxZip *zip, const char *name);
/* limit: decompressed bytes beyond which it is HELD; 0 = none. HELD as well where there is no such part. */
Status xlsx_part_open(XlsxZip *zip, const char *name, uint64_t limit, XlsxPart **out, Error *err);
void xlsx_part_free(XlsxPart *part);
/* *out_got == 0 at the end, where the part's check sum was compared. */
Status xlsx_part_read(XlsxPart *part, void *into, size_t size, size_t *out_got, Error *err);
const char *xlsx_part_name(const XlsxPart *part);

uint64_t xlsx_zip_read_raw(const XlsxZip *zip); /* bytes taken from the source so far */
