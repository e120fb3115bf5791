/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"

#define STATEMENT_MAX (1u << 20)
#define FILE_MAX ((size_t)4 << 30)
#define HASH_KEY ",\"hash\":\""
#define TAIL_SIZE (HASH_KEY_SIZE + 64 + 2) /* HASH_KEY, digits, "} */
#define HASH_KEY_SIZE (sizeof(HASH_KEY) - 1)

struct Audit {
        Arena arena;
        const char *folder, *writer;
        char *name; /* of the file that is open */
        int fd;
        int64_t size; /* of the file after our last look */
        int64_t sequence;
        Sha256 hash;
        bool dirty;
};

Audit *audit_open(const char *folder, const char *writer) {
        Audit *audit = calloc(1, sizeof(*audit));
        if (!audit)
                out_of_memory();
        audit->folder = arena_printf(&audit->arena, "%s", folder);
        audit->writer = arena_printf(&audit->arena, "%s", writer);
        audit->fd = -1;
        return audit;
}

void audit_sync(Audit *audit) {
        if (audit->dirty && audit->fd >= 0)
                fd_sync(audit->fd, audit->name);
        audit->dirty = false;
}

void audit_close(Audit *audit) {
        if (!audit)
                return;
        audit_sync(audit);
        close_fdp(&audit->fd);
        arena_deinit(&audit->arena);
        free(audit);
}

void audit_closep(Audit **audit) {
        audit_close(*audit);
        *audit = NULL;
}

/* ---- the chain ---- */

static Sha256 hash_of_name(const char *name) {
        return sha256_of(str_of(name));
}

static Sha256 chain(Sha256 previous, Str body) {
        Sha256Stream *stream = sha256_new();
        sha256_update(stream, (Str){ (const char *)previous.bytes, SHA256_SIZE });
        sha256_update(stream, body);
        return sha256_finish(stream);
}

/* body,"hash":"..."} split; false if the line has no such end. */
static bool line_split(Str line, Str *out_body, Sha256 *out_hash) {
        if (line.size < TAIL_SIZE)
                return false;
        Str tail = str_slice(line, line.size - TAIL_SIZE, line.size);
        *out_body = str_slice(line, 0, line.size - TAIL_SIZE);
        return str_starts_with(tail, STR(HASH_KEY)) && str_ends_with(tail, STR("\"}")) &&
               sha256_from_hex(str_slice(tail, HASH_KEY_SIZE, HASH_KEY_SIZE + 64), out_hash);
}

static bool line_sequence(Str line, int64_t *out) {
        Str rest = line;
        if (!str_starts_with(line, STR("{\"sequence\":")))
                return false;
        rest = str_slice(line, sizeof("{\"sequence\":") - 1, line.size);
        return str_to_int64(str_slice(rest, 0, str_find_byte(rest, ',')), out);
}

static Status broken(Error *err, const char *path, int line, const char *what) {
        error_set(err, STATUS_CORRUPT, "the audit log is broken: %s", what);
        error_hint(err, "lines were edited, removed or damaged from here on; compare with a backup");
        return error_place_line(err, path, STR_NONE, line, 0);
}

/* A line that only lost its newline to another byte: nobody died while writing it. */
static bool is_whole_line(Str line, Sha256 before) {
        Str body;
        Sha256 hash;
        if (line.size == 0 || !line_split(str_slice(line, 0, line.size - 1), &body, &hash))
                return false;
        Sha256 wanted = chain(before, body);
        return memcmp(wanted.bytes, hash.bytes, SHA256_SIZE) == 0;
}

/* ---- appending ---- */

static Status open_file(Audit *audit, const char *name, Error *err) {
        audit_sync(audit);
        close_fdp(&audit->fd);
        TRY(dir_make(audit->folder, err));
        const char *path = path_join(&audit->arena, audit->folder, name);
        bool fresh = !file_exists(path);
        int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
        if (fd < 0)
                return error_errno(err, errno, "cannot open '%s'", path);
        struct stat st;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
                close(fd);
                error_set(err, STATUS_IO, "the audit log '%s' is no file: somebody put a pipe or a device in its place", path);
                return error_hint(err, "put the file back, and look who did it; lode verify tells whether lines are missing");
        }
        if (fresh)
                dir_sync(audit->folder);
        audit->fd = fd;
        audit->name = arena_printf(&audit->arena, "%s", name);
        audit->size = -1;
        return STATUS_OK;
}

/* Today's file; a writer that lives over midnight goes on in the next one. */
static Status open_today(Audit *audit, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Str day = date_print(&scratch, (int32_t)(time_now_us() / ((int64_t)86400 * 1000000)));
        const char *name = arena_printf(&scratch, "%.*s-%s.jsonl", STR_ARG(day), audit->writer);
        if (audit->fd >= 0 && strcmp(audit->name, name) == 0)
                return STATUS_OK;
        return open_file(audit, name, err);
}

/* The last bytes of the file, at most a line and a bit. */
static Status read_tail(Audit *audit, int64_t size, Arena *arena, Str *out, Error *err) {
        size_t wanted = size < (int64_t)AUDIT_LINE_MAX + 2 ? (size_t)size : AUDIT_LINE_MAX + 2;
        char *bytes = arena_alloc_raw(arena, wanted ? wanted : 1);
        for (size_t done = 0; done < wanted;) {
                ssize_t got = pread(audit->fd, bytes + done, wanted - done, size - (int64_t)(wanted - done));
                if (got < 0)
                        return error_errno(err, errno, "cannot read '%s'", audit->name);
                if (got == 0)
                        return error_set(err, STATUS_IO, "'%s' became shorter while it was read", audit->name);
                done += (size_t)got;
        }
        *out = (Str){ bytes, wanted };
        return STATUS_OK;
}

static size_t find_last_byte(Str text, char byte) {
        for (size_t i = text.size; i > 0; i--)
                if (text.data[i - 1] == byte)
                        return i - 1;
        return text.size;
}

/* What the chain goes on from, by the last of these lines. */
static Status look_at_last(Audit *audit, Str lines, Error *err) {
        Str body;
        audit->sequence = 0;
        audit->hash = hash_of_name(audit->name);
        if (lines.size == 0)
                return STATUS_OK;
        size_t before = find_last_byte(lines, '\n');
        Str line = before == lines.size ? lines : str_slice(lines, before + 1, lines.size);
        if (!line_split(line, &body, &audit->hash) || !line_sequence(line, &audit->sequence))
                return broken(err, audit->name, 0, "its last line has no hash");
        return STATUS_OK;
}

/* With the lock held: where the chain stands. Cuts off what a dead writer left of a line. */
static Status look(Audit *audit, Error *err) {
        struct stat st;
        if (fstat(audit->fd, &st) < 0)
                return error_errno(err, errno, "cannot stat '%s'", audit->name);
        if (st.st_size == audit->size)
                return STATUS_OK;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Str tail;
        TRY(read_tail(audit, st.st_size, &scratch, &tail, err));
        size_t end = find_last_byte(tail, '\n');
        int64_t size = end == tail.size ? st.st_size - (int64_t)tail.size : st.st_size - (int64_t)(tail.size - end - 1);
        TRY(look_at_last(audit, size ? str_slice(tail, 0, end) : STR(""), err));
        Str torn = str_slice(tail, end == tail.size ? 0 : end + 1, tail.size);
        if (is_whole_line(torn, audit->hash))
                return broken(err, audit->name, 0, "the end of its last line was altered");
        if (size != st.st_size && ftruncate(audit->fd, size) < 0)
                return error_errno(err, errno, "cannot cut the torn line of '%s'", audit->name);
        audit->size = size;
        return STATUS_OK;
}

static void put_list(JsonWriter *json, const char *key, const Str *items, size_t count) {
        json_key(json, key);
        json_array(json);
        for (size_t i = 0; i < count; i++)
                json_put_str(json, items[i]);
        json_end(json);
}

/* The line up to its hash: no closing brace. */
static void put_body(Buf *out, const AuditRecord *record, int64_t sequence, Arena *arena) {
        JsonWriter json = json_writer(out, false);
        Str statement = record->statement;
        bool cut = statement.size > STATEMENT_MAX;
        json_object(&json);
        json_member_int(&json, "sequence", sequence);
        json_member_str(&json, "time", time_print_us(arena, time_now_us()));
        json_member_str(&json, "principal", record->principal);
        if (record->service.size > 0)
                json_member_str(&json, "service", record->service);
        json_member_str(&json, "via", record->via);
        json_member_str(&json, "action", record->action);
        put_list(&json, "objects", record->objects, record->object_count);
        put_list(&json, "columns", record->columns, record->column_count);
        json_member_str(&json, "policy", record->policy);
        json_member_int(&json, "rows", record->rows);
        json_member_int(&json, "bytes", record->bytes);
        json_member_str(&json, "decision", record->denied ? STR("deny") : STR("allow"));
        json_member_str(&json, "statement", cut ? str_slice(statement, 0, STATEMENT_MAX) : statement);
        if (cut)
                json_member_int(&json, "statement_bytes", (int64_t)statement.size);
        json_end(&json);
        out->size--;
}

static void fill_head(const Audit *audit, Arena *arena, AuditHead *out) {
        *out = (AuditHead){ .file = arena_str(arena, str_of(audit->name)),
                            .sequence = audit->sequence,
                            .hash = audit->hash };
}

static Status append(Audit *audit, const AuditRecord *record, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CLEANUP(buf_deinit) Buf line = { .limit = AUDIT_LINE_MAX };
        TRY(look(audit, err));
        put_body(&line, record, audit->sequence + 1, &scratch);
        Sha256 hash = chain(audit->hash, buf_view(&line));
        buf_append_cstr(&line, HASH_KEY);
        buf_append(&line, sha256_hex(&scratch, hash));
        buf_append_cstr(&line, "\"}\n");
        if (line.failed)
                return error_set(err, STATUS_LIMIT, "an audit record has more than %u bytes", AUDIT_LINE_MAX);
        TRY(fd_write_all(audit->fd, buf_view(&line), audit->name, err));
        audit->size += (int64_t)line.size;
        audit->sequence++;
        audit->hash = hash;
        audit->dirty = true;
        return STATUS_OK;
}

Status audit_record(Audit *audit, const AuditRecord *record, Arena *arena, AuditHead *out_head, Error *err) {
        TRY(open_today(audit, err));
        TRY(file_lock(audit->fd, true, false, err));
        Status status = append(audit, record, err);
        file_unlock(audit->fd);
        if (status != STATUS_OK)
                audit->size = -1; /* look again: part of the line may be there */
        else if (out_head)
                fill_head(audit, arena, out_head);
        return status;
}

Status audit_head(Audit *audit, Arena *arena, AuditHead *out, Error *err) {
        TRY(open_today(audit, err));
        TRY(file_lock(audit->fd, true, false, err));
        Status status = look(audit, err);
        file_unlock(audit->fd);
        if (status == STATUS_OK)
                fill_head(audit, arena, out);
        return status;
}

/* ---- verifying ---- */

static Status verify_line(const char *path, int number, Str line, Sha256 *chain_hash, Error *err) {
        Str body;
        Sha256 hash;
        int64_t sequence;
        if (!line_split(line, &body, &hash))
                return broken(err, path, number, "this line has no hash");
        Sha256 wanted = chain(*chain_hash, body);
        if (memcmp(wanted.bytes, hash.bytes, SHA256_SIZE) != 0)
                return broken(err, path, number, "this line, or the one before it, is not what was written");
        if (!line_sequence(line, &sequence) || sequence != number)
                return broken(err, path, number, "this line's sequence number is not the next");
        *chain_hash = hash;
        return STATUS_OK;
}

Status audit_verify(const char *path, const AuditHead *wanted, AuditHead *out, Arena *arena, Error *err) {
        Str rest, line;
        TRY(file_read(path, FILE_MAX, arena, &rest, err));
        Sha256 hash = hash_of_name(path_base(path));
        bool found = !wanted || wanted->sequence == 0;
        int number = 0;
        while (rest.size > 0) {
                if (!str_cut(rest, '\n', &line, &rest)) {
                        if (is_whole_line(line, hash))
                                return broken(err, path, number + 1, "the end of this line was altered");
                        break; /* what a dead writer left; the next one cuts it */
                }
                TRY(verify_line(path, ++number, line, &hash, err));
                if (wanted && wanted->sequence == number)
                        found = memcmp(wanted->hash.bytes, hash.bytes, SHA256_SIZE) == 0;
        }
        if (!found)
                return broken(err, path, number, "a commit names a later line than the last one here");
        if (out)
                *out = (AuditHead){ .file = str_of(path_base(path)), .sequence = number, .hash = hash };
        return STATUS_OK;
}

static const AuditHead *wanted_of(const AuditHead *wanted, size_t count, Str file) {
        const AuditHead *newest = NULL;
        for (size_t i = 0; i < count; i++)
                if (str_equal(wanted[i].file, file) && (!newest || wanted[i].sequence > newest->sequence))
                        newest = &wanted[i];
        return newest;
}

Status audit_verify_all(const char *folder, const AuditHead *wanted, size_t wanted_count, Arena *arena,
                        int64_t *out_lines, size_t *out_files, Error *err) {
        DirEntry *entries;
        size_t count, files = 0;
        int64_t lines = 0;
        TRY(dir_list(folder, arena, &entries, &count, err));
        for (size_t i = 0; i < count; i++) {
                if (!entries[i].is_file || !str_ends_with(entries[i].name, STR(".jsonl")))
                        continue;
                CLEANUP(arena_deinit) Arena scratch = { 0 };
                AuditHead head;
                const char *path = path_join(&scratch, folder, arena_cstr(&scratch, entries[i].name));
                TRY(audit_verify(path, wanted_of(wanted, wanted_count, entries[i].name), &head, &scratch, err));
                lines += head.sequence;
                files++;
        }
        for (size_t i = 0; i < wanted_count; i++) {
                const char *path = path_join(arena, folder, arena_cstr(arena, wanted[i].file));
                if (wanted[i].sequence > 0 && !file_exists(path))
                        return broken(err, path, 0, "a commit names this file, and it is gone");
        }
        *out_lines = lines;
        *out_files = files;
        return STATUS_OK;
}
