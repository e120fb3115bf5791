/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as lines of the audit log: each is read or is none. What is read was written in one way only: it comes back. */
#include <fcntl.h>
#include <sys/mman.h>

#include "base/json.h"
#include "govern/audit.h"
#include "govern/audit_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_list(JsonWriter *json, const char *key, const Str *items, size_t count) {
        json_key(json, key);
        json_array(json);
        for (size_t i = 0; i < count; i++)
                json_put_str(json, items[i]);
        json_end(json);
}

/* What an entry says, in the form that all readers of it show. */
static Str print(const AuditEntry *entry, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter json = json_writer(&out, false);
        json_object(&json);
        json_member_int(&json, "sequence", entry->sequence);
        json_member_str(&json, "time", entry->time);
        json_member_str(&json, "principal", entry->principal);
        if (entry->service.size > 0)
                json_member_str(&json, "service", entry->service);
        json_member_str(&json, "via", entry->via);
        json_member_str(&json, "action", entry->action);
        put_list(&json, "objects", entry->objects, entry->object_count);
        put_list(&json, "columns", entry->columns, entry->column_count);
        json_member_str(&json, "policy", entry->policy);
        json_member_int(&json, "rows", entry->rows);
        json_member_int(&json, "bytes", entry->bytes);
        json_member_str(&json, "decision", audit_decision(entry->denied, entry->stopped));
        json_member_str(&json, "statement", entry->statement);
        json_member_str(&json, "hash", entry->hash);
        json_end(&json);
        return buf_dup(&out, arena);
}

static void look(Str line, Arena *arena) {
        AuditEntry entry, again;
        if (!audit_entry_read(line, arena, &entry))
                return;
        Str once = print(&entry, arena);
        if (!utf8_valid(once))
                return; /* ours always are; the writer of JSON replaces what is not */
        if (!audit_entry_read(once, arena, &again) || !str_equal(print(&again, arena), once))
                panic("an entry that was printed reads otherwise");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static int file = -1;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(audit_lines_close) AuditLines lines = { .fd = -1 };
        Error err = { 0 };
        if (file < 0)
                file = memfd_create("audit", MFD_CLOEXEC);
        if (file < 0 || ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) != (ssize_t)size)
                return 0;
        Str line;
        size_t total = 0;
        if (audit_lines_open(arena_printf(&arena, "/proc/self/fd/%d", file), &lines, &err) != STATUS_OK)
                return 0;
        for (bool more = true; more;) {
                if (audit_lines_next(&lines, &line, &more, &err) != STATUS_OK)
                        return 0;
                total += line.size + more;
                look(line, &arena);
        }
        if (total != size)
                panic("bytes of the log that are in no line");
        return 0;
}
