/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/shapes.h"

void shape_text(JsonWriter *writer, const char *key, Str text) {
        json_member_str(writer, key, text.size ? text : STR_NONE);
}

void shape_count(JsonWriter *writer, const char *key, int64_t count) {
        json_key(writer, key);
        if (count >= 0)
                json_put_int(writer, count);
        else
                json_put_null(writer);
}

void shape_delivery(JsonWriter *writer, const Delivery *delivery) {
        json_member_str(writer, "zone", delivery->zone);
        json_member_str(writer, "source", delivery->source);
        shape_count(writer, "delivery", delivery->id ? delivery->id : -1);
        json_member_str(writer, "name", delivery->name);
        shape_text(writer, "sha256", delivery->sha256);
        json_member_int(writer, "bytes", delivery->bytes);
        json_member_str(writer, "state", delivery->state);
        json_member_int(writer, "records", delivery->records);
        json_member_int(writer, "accepted", delivery->accepted);
        json_member_int(writer, "quarantined", delivery->quarantined);
        json_member_int(writer, "skipped", delivery->skipped);
        shape_text(writer, "commit", delivery->commit);
        shape_text(writer, "message", delivery->message);
}

void shape_files(JsonWriter *writer, const RunFiles *files) {
        json_key(writer, "files");
        json_object(writer);
        json_member_int(writer, "seen", files->seen);
        json_member_int(writer, "staged", files->staged);
        json_member_int(writer, "duplicate", files->duplicate);
        json_member_int(writer, "held", files->held);
        json_member_int(writer, "failed", files->failed);
        json_member_int(writer, "unclaimed", files->unclaimed);
        json_end(writer);
}
