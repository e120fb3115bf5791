/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libzip reads through a function of ours, which answers its requests from Source.read_at. While it opens the archive it
 * reads the list of parts whole, so those bytes have a limit.
 */
#include "frame/xlsx_zip.h"

#include <assert.h>
#include <zip.h>

#include "base/reason.h"

#define OPENING_SLACK (1u << 17) /* what libzip reads to find the list: the archive's end, and some of it twice */

struct XlsxZip {
        Source source;
        uint64_t offset, raw;
        uint64_t opening;  /* bytes left while the archive is opened */
        uint64_t opened;   /* of raw, when it was */
        uint64_t unpacked; /* of all parts; what is read again counts again, as in raw */
        bool is_open, over;
        Error failure; /* of the source, told when libzip gives up */
        zip_error_t error;
        zip_t *zip;
};

struct XlsxPart {
        XlsxZip *zip;
        zip_file_t *file;
        char *name;
        uint64_t limit, read;
};

static zip_int64_t source_failed(XlsxZip *zip, int code) {
        zip_error_set(&zip->error, code, 0);
        return -1;
}

static zip_int64_t source_read(XlsxZip *zip, void *into, size_t size) {
        size_t got;
        if (!zip->is_open && size > zip->opening) {
                zip->over = true;
                return source_failed(zip, ZIP_ER_READ);
        }
        if (zip->source.read_at(zip->source.context, zip->offset, into, size, &got, &zip->failure) != STATUS_OK)
                return source_failed(zip, ZIP_ER_READ);
        zip->offset += got;
        zip->raw += got;
        if (!zip->is_open)
                zip->opening -= got;
        return (zip_int64_t)got;
}

static zip_int64_t source_seek(XlsxZip *zip, void *data, size_t size) {
        zip_int64_t place = zip_source_seek_compute_offset(zip->offset, zip->source.size, data, size, &zip->error);
        if (place < 0)
                return -1;
        zip->offset = (uint64_t)place;
        return 0;
}

static zip_int64_t source_stat(const XlsxZip *zip, zip_stat_t *out) {
        zip_stat_init(out);
        out->valid = ZIP_STAT_SIZE;
        out->size = zip->source.size;
        return sizeof(*out);
}

static zip_int64_t answer(void *context, void *data, zip_uint64_t size, zip_source_cmd_t command) {
        XlsxZip *zip = context;
        switch ((int)command) {
        case ZIP_SOURCE_OPEN:
                zip->offset = 0;
                return 0;
        case ZIP_SOURCE_READ:
                return source_read(zip, data, (size_t)size);
        case ZIP_SOURCE_SEEK:
                return source_seek(zip, data, (size_t)size);
        case ZIP_SOURCE_TELL:
                return (zip_int64_t)zip->offset;
        case ZIP_SOURCE_STAT:
                return source_stat(zip, data);
        case ZIP_SOURCE_ERROR:
                return zip_error_to_data(&zip->error, data, size);
        case ZIP_SOURCE_CLOSE:
        case ZIP_SOURCE_FREE:
                return 0;
        case ZIP_SOURCE_SUPPORTS:
                return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                                      ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_CLOSE, ZIP_SOURCE_FREE,
                                                      -1);
        default:
                return source_failed(zip, ZIP_ER_OPNOTSUPP);
        }
}

static Status open_failed(XlsxZip *zip, int code, Error *err) {
        if (zip->over)
                return error_reason(err, WORKBOOK_ENTRIES, reason_number(XLSX_DIRECTORY_MAX));
        if (zip->failure.status != STATUS_OK) {
                *err = zip->failure;
                return error_failed_(err->status);
        }
        if (code == ZIP_ER_MEMORY)
                return error_reason(err, MEMORY);
        return error_reason(err, WORKBOOK_ZIP);
}

Status xlsx_zip_open(Source source, XlsxZip **out, Error *err) {
        assert(source.read_at);
        CLEANUP(xlsx_zip_freep) XlsxZip *zip = calloc(1, sizeof(*zip));
        if (!zip)
                out_of_memory();
        zip->source = source;
        zip->opening = XLSX_DIRECTORY_MAX + OPENING_SLACK;
        zip_error_init(&zip->error);
        zip_error_t error;
        zip_error_init(&error);
        zip_source_t *bytes = zip_source_function_create(answer, zip, &error);
        if (bytes)
                zip->zip = zip_open_from_source(bytes, ZIP_RDONLY, &error);
        if (bytes && !zip->zip)
                zip_source_free(bytes);
        int code = zip_error_code_zip(&error);
        zip_error_fini(&error);
        if (!zip->zip)
                return open_failed(zip, code, err);
        zip->is_open = true;
        zip->opened = zip->raw;
        *out = TAKE_PTR(zip);
        return STATUS_OK;
}

void xlsx_zip_free(XlsxZip *zip) {
        if (!zip)
                return;
        if (zip->zip)
                zip_discard(zip->zip);
        zip_error_fini(&zip->error);
        free(zip);
}

void xlsx_zip_freep(XlsxZip **zip) {
        xlsx_zip_free(*zip);
        *zip = NULL;
}

static zip_int64_t index_of(const XlsxZip *zip, const char *name) {
        return zip_name_locate(zip->zip, name, ZIP_FL_NOCASE | ZIP_FL_ENC_GUESS);
}

bool xlsx_zip_has(const XlsxZip *zip, const char *name) {
        return index_of(zip, name) >= 0;
}

uint64_t xlsx_zip_read_raw(const XlsxZip *zip) {
        return zip->raw;
}

static Status part_failed(XlsxZip *zip, const char *name, Error *err) {
        if (zip->failure.status != STATUS_OK) {
                *err = zip->failure;
                return error_failed_(err->status);
        }
        return error_reason(err, WORKBOOK_CRC, reason_text(str_of(name)));
}

Status xlsx_part_open(XlsxZip *zip, const char *name, uint64_t limit, XlsxPart **out, Error *err) {
        zip_int64_t index = index_of(zip, name);
        if (index < 0)
                return error_reason(err, WORKBOOK_LACKS, reason_text(str_of(name)));
        zip_stat_t st;
        if (zip_stat_index(zip->zip, (zip_uint64_t)index, 0, &st) != 0)
                return part_failed(zip, name, err);
        bool plain = (st.comp_method == ZIP_CM_STORE || st.comp_method == ZIP_CM_DEFLATE) &&
                     st.encryption_method == ZIP_EM_NONE;
        if (!plain)
                return error_reason(err, WORKBOOK_PACKED, reason_text(str_of(name)));
        zip_file_t *file = zip_fopen_index(zip->zip, (zip_uint64_t)index, 0);
        if (!file)
                return part_failed(zip, name, err);
        XlsxPart *part = calloc(1, sizeof(*part));
        char *copy = strdup(name);
        if (!part || !copy)
                out_of_memory();
        *part = (XlsxPart){ .zip = zip, .file = file, .name = copy, .limit = limit };
        *out = part;
        return STATUS_OK;
}

void xlsx_part_free(XlsxPart *part) {
        if (!part)
                return;
        zip_fclose(part->file);
        free(part->name);
        free(part);
}

Status xlsx_part_read(XlsxPart *part, void *into, size_t size, size_t *out_got, Error *err) {
        zip_int64_t got = zip_fread(part->file, into, size);
        if (got < 0)
                return part_failed(part->zip, part->name, err);
        part->read += (uint64_t)got;
        part->zip->unpacked += (uint64_t)got;
        if (input_is_bomb(part->zip->raw - part->zip->opened, part->zip->unpacked))
                return error_reason(err, PACKED_BOMB, reason_number(INPUT_BOMB_RATIO), reason_number(INPUT_BOMB_BYTES >> 30));
        if (part->limit > 0 && part->read > part->limit)
                return error_reason(err, WORKBOOK_PART, reason_text(str_of(part->name)), reason_number((int64_t)part->limit));
        *out_got = (size_t)got;
        return STATUS_OK;
}

const char *xlsx_part_name(const XlsxPart *part) {
        return part->name;
}
