/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* XlsxPack: a workbook in memory out of the text of its parts, stored and not compressed; for unit tests and fuzzing. */
#include <zlib.h>

#include "base/buf.h"

#define XLSX_PACK_PARTS 6

typedef struct XlsxPack {
        Str names[XLSX_PACK_PARTS], contents[XLSX_PACK_PARTS];
        size_t count;
} XlsxPack;

#define XLSX_PACK_RELATIONS "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"

static inline void xlsx_pack_add(XlsxPack *pack, Str name, Str content) {
        pack->names[pack->count] = name;
        pack->contents[pack->count++] = content;
}

/* One sheet, called s, with shared texts and styles: whole XML documents. */
static inline XlsxPack xlsx_pack_sheet(Str sheet, Str texts, Str styles) {
        XlsxPack pack = { .count = 0 };
        xlsx_pack_add(&pack, STR("_rels/.rels"),
                      STR("<Relationships><Relationship Id='a' Type='" XLSX_PACK_RELATIONS
                          "officeDocument' Target='xl/workbook.xml'/></Relationships>"));
        xlsx_pack_add(&pack, STR("xl/workbook.xml"), STR("<workbook><sheets><sheet name='s' r:id='b'/></sheets></workbook>"));
        xlsx_pack_add(&pack, STR("xl/_rels/workbook.xml.rels"),
                      STR("<Relationships><Relationship Id='b' Type='" XLSX_PACK_RELATIONS
                          "worksheet' Target='s.xml'/><Relationship Id='c' Type='" XLSX_PACK_RELATIONS
                          "sharedStrings' Target='t.xml'/><Relationship Id='d' Type='" XLSX_PACK_RELATIONS
                          "styles' Target='f.xml'/></Relationships>"));
        xlsx_pack_add(&pack, STR("xl/s.xml"), sheet);
        xlsx_pack_add(&pack, STR("xl/t.xml"), texts);
        xlsx_pack_add(&pack, STR("xl/f.xml"), styles);
        return pack;
}

/* What the local header and the list have in common: version, flags, method, time, date, sum, sizes, length of the name. */
static inline void xlsx_pack_entry(Buf *out, Str name, Str content) {
        buf_u16(out, 20);
        buf_u16(out, 0);
        buf_u16(out, 0);
        buf_u32(out, 0x00210000);
        buf_u32(out, (uint32_t)crc32(0, (const Bytef *)content.data, (uInt)content.size));
        buf_u32(out, (uint32_t)content.size);
        buf_u32(out, (uint32_t)content.size);
        buf_u16(out, (uint16_t)name.size);
        buf_u16(out, 0);
}

static inline void xlsx_pack_write(const XlsxPack *pack, Buf *out) {
        uint32_t places[XLSX_PACK_PARTS];
        for (size_t i = 0; i < pack->count; i++) {
                places[i] = (uint32_t)out->size;
                buf_append(out, STR("PK\x03\x04"));
                xlsx_pack_entry(out, pack->names[i], pack->contents[i]);
                buf_append(out, pack->names[i]);
                buf_append(out, pack->contents[i]);
        }
        uint32_t list = (uint32_t)out->size;
        for (size_t i = 0; i < pack->count; i++) {
                buf_append(out, STR("PK\x01\x02"));
                buf_u16(out, 20);
                xlsx_pack_entry(out, pack->names[i], pack->contents[i]);
                for (int k = 0; k < 3; k++) /* comment, disk, inner attributes */
                        buf_u16(out, 0);
                buf_u32(out, 0);
                buf_u32(out, places[i]);
                buf_append(out, pack->names[i]);
        }
        uint32_t size = (uint32_t)out->size - list;
        buf_append(out, STR("PK\x05\x06"));
        buf_u32(out, 0);
        buf_u16(out, (uint16_t)pack->count);
        buf_u16(out, (uint16_t)pack->count);
        buf_u32(out, size);
        buf_u32(out, list);
        buf_u16(out, 0);
}
