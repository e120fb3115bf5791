/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/rescue.h"

#include "base/json.h"

Str rescue_text(const Format *format, const RecordBatch *batch, size_t row, const RescueField *fields, size_t count, const RescueKey *keys, size_t key_count,
                Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        bool any = false;
        json_object(&w);
        for (size_t i = 0; i < count; i++) {
                Str field = record_field(batch, row, fields[i].field);
                if (field_is_null(format, field))
                        continue;
                json_key_str(&w, fields[i].name);
                json_put_str(&w, field_unquote(format, field, arena));
                any = true;
        }
        for (size_t i = 0; i < key_count; i++) {
                json_key_str(&w, keys[i].name);
                json_put_str(&w, keys[i].text.data ? keys[i].text : STR(""));
                any = true;
        }
        json_end(&w);
        return any ? buf_dup(&out, arena) : STR_NONE;
}
