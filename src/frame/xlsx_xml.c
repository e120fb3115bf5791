/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/xlsx_xml.h"

#include <expat.h>

#include "base/reason.h"

#define PIECE (64u << 10)

struct XlsxXml {
        XML_Parser parser;
        XlsxPart *part;
        const XlsxEvents *events;
        void *context;
        uint64_t fed;
        size_t depth;
        bool paused, ended;
        bool failed;
        Error failure;
};

static const char *local_name(const char *name) {
        const char *colon = strchr(name, ':');
        return colon ? colon + 1 : name;
}

const char *xlsx_attribute(const char **attributes, const char *name) {
        for (; *attributes; attributes += 2) {
                if (strcmp(local_name(attributes[0]), name) == 0)
                        return attributes[1];
        }
        return NULL;
}

Error *xlsx_xml_fail(XlsxXml *xml) {
        xml->failed = true;
        XML_StopParser(xml->parser, XML_FALSE);
        return &xml->failure;
}

void xlsx_xml_pause(XlsxXml *xml) {
        if (!xml->paused && !xml->failed)
                XML_StopParser(xml->parser, XML_TRUE);
        xml->paused = true;
}

/* A parser that was stopped still tells the events of an empty element's end. */
static void on_start(void *user, const char *name, const char **attributes) {
        XlsxXml *xml = user;
        if (xml->failed)
                return;
        if (++xml->depth > XLSX_DEPTH_MAX)
                error_reason(xlsx_xml_fail(xml), WORKBOOK_DEPTH, reason_text(str_of(xlsx_part_name(xml->part))),
                             reason_number(XLSX_DEPTH_MAX));
        else
                xml->events->start(xml->context, local_name(name), attributes);
}

static void on_end(void *user, const char *name) {
        XlsxXml *xml = user;
        xml->depth--;
        if (!xml->failed)
                xml->events->end(xml->context, local_name(name));
}

static void on_text(void *user, const char *text, int size) {
        XlsxXml *xml = user;
        if (!xml->failed && xml->events->text)
                xml->events->text(xml->context, (Str){ text, (size_t)size });
}

static void on_doctype(void *user, const char *name, const char *system, const char *public, int internal) {
        (void)name, (void)system, (void)public, (void)internal;
        XlsxXml *xml = user;
        error_reason(xlsx_xml_fail(xml), WORKBOOK_DTD, reason_text(str_of(xlsx_part_name(xml->part))));
}

XlsxXml *xlsx_xml_new(XlsxPart *part, const XlsxEvents *events, void *context) {
        XlsxXml *xml = calloc(1, sizeof(*xml));
        if (!xml)
                out_of_memory();
        *xml = (XlsxXml){ .parser = XML_ParserCreate(NULL), .part = part, .events = events, .context = context };
        if (!xml->parser)
                out_of_memory();
        XML_SetUserData(xml->parser, xml);
        XML_SetElementHandler(xml->parser, on_start, on_end);
        XML_SetCharacterDataHandler(xml->parser, on_text);
        XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
        return xml;
}

void xlsx_xml_free(XlsxXml *xml) {
        if (!xml)
                return;
        XML_ParserFree(xml->parser);
        xlsx_part_free(xml->part);
        free(xml);
}

void xlsx_xml_freep(XlsxXml **xml) {
        xlsx_xml_free(*xml);
        *xml = NULL;
}

static Status malformed(XlsxXml *xml, Error *err) {
        if (xml->failed) {
                *err = xml->failure;
                return error_failed_(err->status);
        }
        if (XML_GetErrorCode(xml->parser) == XML_ERROR_NO_MEMORY)
                return error_reason(err, MEMORY);
        return error_reason(err, WORKBOOK_XML, reason_text(str_of(xlsx_part_name(xml->part))),
                            reason_number((int64_t)XML_GetCurrentLineNumber(xml->parser)));
}

/* What the parser holds back is a tag that has not ended. */
static bool tag_is_long(const XlsxXml *xml) {
        XML_Index at = XML_GetCurrentByteIndex(xml->parser);
        return at >= 0 && xml->fed - (uint64_t)at > XLSX_TAG_MAX + PIECE;
}

static Status feed(XlsxXml *xml, Error *err) {
        void *into = XML_GetBuffer(xml->parser, PIECE);
        if (!into)
                return error_reason(err, MEMORY);
        size_t got;
        TRY(xlsx_part_read(xml->part, into, PIECE, &got, err));
        xml->fed += got;
        xml->ended = got == 0;
        if (XML_ParseBuffer(xml->parser, (int)got, xml->ended) == XML_STATUS_ERROR)
                return malformed(xml, err);
        if (!xml->paused && !xml->ended && tag_is_long(xml))
                return error_reason(err, WORKBOOK_TAG, reason_text(str_of(xlsx_part_name(xml->part))),
                                    reason_number(XLSX_TAG_MAX));
        return STATUS_OK;
}

Status xlsx_xml_step(XlsxXml *xml, bool *out_end, Error *err) {
        if (xml->paused) {
                xml->paused = false;
                if (XML_ResumeParser(xml->parser) == XML_STATUS_ERROR)
                        return malformed(xml, err);
        } else if (!xml->ended) {
                TRY(feed(xml, err));
        }
        *out_end = xml->ended && !xml->paused;
        return STATUS_OK;
}

Status xlsx_xml_run(XlsxXml *xml, Error *err) {
        bool end = false;
        while (!end)
                TRY(xlsx_xml_step(xml, &end, err));
        return STATUS_OK;
}

uint64_t xlsx_xml_bytes(const XlsxXml *xml) {
        return xml->fed;
}
