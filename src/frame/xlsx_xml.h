/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * XlsxXml: one XML part of a workbook as events, a piece of the file at a time, through expat. Its memory is bounded:
 * there are no document types (hence no entities to expand), no tag over XLSX_TAG_MAX bytes and no nesting over
 * XLSX_DEPTH_MAX; text comes in pieces as it is read.
 *
 * Names come without their prefix: workbooks differ in prefixes, and no element that is looked for has a namesake in
 * its place.
 */
#include "frame/xlsx_zip.h"

#define XLSX_TAG_MAX (1u << 20)
#define XLSX_DEPTH_MAX 256

typedef struct XlsxXml XlsxXml;

/* Attributes: name, value, name, value, ..., NULL; names with their prefix. */
typedef struct XlsxEvents {
        void (*start)(void *context, const char *name, const char **attributes);
        void (*end)(void *context, const char *name);
        void (*text)(void *context, Str text);
} XlsxEvents;

/* Takes the part over. */
XlsxXml *xlsx_xml_new(XlsxPart *part, const XlsxEvents *events, void *context);
void xlsx_xml_free(XlsxXml *xml);
void xlsx_xml_freep(XlsxXml **xml);

/* Goes on for a piece of the part, or until an event asks for a pause. */
Status xlsx_xml_step(XlsxXml *xml, bool *out_end, Error *err);
/* All of it. */
Status xlsx_xml_run(XlsxXml *xml, Error *err);

uint64_t xlsx_xml_bytes(const XlsxXml *xml); /* of the part, read so far */

/* For events: no more of them before the next step; or none at all, with the failure that the step returns. */
void xlsx_xml_pause(XlsxXml *xml);
Error *xlsx_xml_fail(XlsxXml *xml); /* raise the failure in it */

/* The value of an attribute by its name without a prefix, or NULL. */
const char *xlsx_attribute(const char **attributes, const char *name);
