/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "base/vec.h"
#include "govern/audit_read.h"
#include "sql/redact.h"

#define STATEMENT_MAX (1u << 20)
#define HASH_KEY ",\"hash\":\""
#define TAIL_SIZE (HASH_KEY_SIZE + 64 + 2) /* HASH_KEY, digits, "} */
#define HASH_KEY_SIZE (sizeof(HASH_KEY) - 1)

struct Audit {
        Arena arena;
        const char *folder, *writer;
        char *name; /* of the file that is open */
        int part;   /* of its day, from 1 */
        size_t file_most;
        AuditText text;
        int fd;
        int64_t size; /* of the file after our last look */
        int64_t sequence;
        int64_t time_us; /* of the last line */
        Sha256 hash;
        bool dirty;
};

Audit *audit_open(const char *folder, const char *writer) {
        Audit *audit = calloc(1, sizeof(*audit));
        if (!audit)
                out_of_memory();
        audit->folder = arena_printf(&audit->arena, "%s", folder);
        audit->writer = arena_printf(&audit->arena, "%s", writer);
        audit->file_most = AUDIT_FILE_MOST;
        audit->fd = -1;
        return audit;
}

void audit_set_text(Audit *audit, AuditText text) {
        audit->text = text;
}

void audit_set_file_most(Audit *audit, size_t bytes) {
        audit->file_most = bytes;
}

void audit_sync(Audit *audit) {
        if (audit->dirty && audit->fd >= 0)
                fd_sync(audit->fd, audit->name);
        audit->dirty = false;
}

int audit_take_unsynced(Audit *audit) {
        if (!audit->dirty || audit->fd < 0)
                return -1;
        int fd = fcntl(audit->fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
                audit_sync(audit); /* no descriptor is left */
        else
                audit->dirty = false;
        return fd;
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

static Status broken(Error *err, const char *path, int line, const char *format, ...) PRINTF_LIKE(4, 5);

static Status broken(Error *err, const char *path, int line, const char *format, ...) {
        char what[200];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(what, sizeof(what), format, arguments);
        va_end(arguments);
        error_set(err, STATUS_CORRUPT, "the audit log is broken: %s", what);
        error_hint(err, "lode audit verify names every such file; a backup has the lines up to there as they were written");
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
        audit->sequence = audit->time_us = 0;
        return STATUS_OK;
}

static const char *file_name(const Audit *audit, Arena *arena, int part) {
        Str day = date_print(arena, (int32_t)(time_now_us() / ((int64_t)86400 * 1000000)));
        if (part == 1)
                return arena_printf(arena, "%.*s-%s" AUDIT_FILE_END, STR_ARG(day), audit->writer);
        return arena_printf(arena, "%.*s-%s-%d" AUDIT_FILE_END, STR_ARG(day), audit->writer, part);
}

static bool is_full(const Audit *audit, Arena *arena, const char *name) {
        struct stat st;
        return stat(path_join(arena, audit->folder, name), &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)audit->file_most;
}

/* Today's file; a writer that lives over midnight goes on in the next one, and so does one whose file is full. */
static Status open_today(Audit *audit, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        bool full = audit->size >= (int64_t)audit->file_most;
        if (audit->fd >= 0 && !full && strcmp(audit->name, file_name(audit, &scratch, audit->part)) == 0)
                return STATUS_OK;
        audit->part = 1;
        while (is_full(audit, &scratch, file_name(audit, &scratch, audit->part)))
                audit->part++;
        return open_file(audit, file_name(audit, &scratch, audit->part), err);
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
        int64_t before = audit->sequence;
        audit->sequence = 0;
        audit->hash = hash_of_name(audit->name);
        size_t begin = find_last_byte(lines, '\n');
        Str line = begin == lines.size ? lines : str_slice(lines, begin + 1, lines.size);
        if (line.size > 0 && (!line_split(line, &body, &audit->hash) || !line_sequence(line, &audit->sequence)))
                return broken(err, audit->name, 0, "its last line has no hash");
        if (!audit_line_time(line, &audit->time_us))
                audit->time_us = 0;
        if (audit->sequence >= before)
                return STATUS_OK;
        audit->sequence = before; /* so that it stays known */
        return broken(err, audit->name, (int)before, "records up to %lld were cut off its end", (long long)before);
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

static Str kept_text(const Audit *audit, const AuditRecord *record, Arena *arena) {
        if (record->sql.size == 0)
                return record->statement;
        if (audit->text == AUDIT_TEXT_NONE)
                return STR_NONE;
        if (audit->text == AUDIT_TEXT_WHOLE)
                return record->sql;
        return record->redacted.size > 0 ? record->redacted : sql_redact(record->sql, arena);
}

Str audit_decision(bool denied, bool stopped) {
        return denied ? STR("deny") : stopped ? STR("stopped") : STR("allow");
}

/* The line up to its hash: no closing brace. Of the statement at most so many bytes. */
static void put_body(const Audit *audit, const AuditRecord *record, size_t most, Buf *out, Arena *arena) {
        JsonWriter json = json_writer(out, false);
        Str statement = kept_text(audit, record, arena);
        bool cut = statement.size > most;
        json_object(&json);
        json_member_int(&json, "sequence", audit->sequence + 1);
        json_member_str(&json, "time", time_print_us(arena, audit->time_us));
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
        json_member_str(&json, "decision", audit_decision(record->denied, record->stopped));
        json_member_str(&json, "statement", cut ? str_slice(statement, 0, most) : statement);
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
        int64_t now = time_now_us();
        audit->time_us = now > audit->time_us ? now : audit->time_us;
        put_body(audit, record, STATEMENT_MAX, &line, &scratch);
        if (line.failed) { /* what is escaped takes up to six times as much */
                buf_deinit(&line);
                line = (Buf){ .limit = AUDIT_LINE_MAX };
                put_body(audit, record, STATEMENT_MAX / 8, &line, &scratch);
        }
        Sha256 hash = chain(audit->hash, buf_view(&line));
        buf_append_cstr(&line, HASH_KEY);
        buf_append(&line, sha256_hex(&scratch, hash));
        buf_append_cstr(&line, "\"}\n");
        if (line.failed)
                return error_set(err, STATUS_LIMIT, "an audit record has more than %u bytes", AUDIT_LINE_MAX);
        const char *path = arena_printf(&scratch, "%s/%s", audit->folder, audit->name);
        if (fd_write_all(audit->fd, buf_view(&line), path, err) != STATUS_OK)
                return error_context(err, "the audit log");
        audit->size += (int64_t)line.size;
        audit->sequence++;
        audit->hash = hash;
        audit->dirty = true;
        return STATUS_OK;
}

/* Today's file, locked and looked at; another than before when somebody has filled that. */
static Status lock_today(Audit *audit, Error *err) {
        for (;;) {
                TRY(open_today(audit, err));
                TRY(file_lock(audit->fd, true, false, err));
                Status status = look(audit, err);
                if (status == STATUS_OK && audit->size < (int64_t)audit->file_most)
                        return STATUS_OK;
                file_unlock(audit->fd);
                TRY(status);
        }
}

Status audit_record(Audit *audit, const AuditRecord *record, Arena *arena, AuditHead *out_head, Error *err) {
        TRY(lock_today(audit, err));
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
        if (!line_split(line, &body, &hash) || !line_sequence(line, &sequence))
                return broken(err, path, number, "record %d has no hash or no sequence", number);
        if (sequence > number)
                return broken(err, path, number, "record %d is gone: %lld stands in its place", number, (long long)sequence);
        if (sequence < number)
                return broken(err, path, number, "record %d is gone, or one was put in: %lld stands there again", number, (long long)sequence);
        Sha256 wanted = chain(*chain_hash, body);
        if (memcmp(wanted.bytes, hash.bytes, SHA256_SIZE) != 0)
                return broken(err, path, number, "record %d is not what was written", number);
        *chain_hash = hash;
        return STATUS_OK;
}

/* The heads that name this record, from *at on. */
static Status verify_heads(const char *path, int number, const Sha256 *hash, const AuditHead *wanted, size_t count, size_t *at, Error *err) {
        for (; *at < count && wanted[*at].sequence <= number; ++*at)
                if (wanted[*at].sequence == number && memcmp(wanted[*at].hash.bytes, hash->bytes, SHA256_SIZE) != 0)
                        return broken(err, path, number, "record %d, or one before it, is not the one that the catalog names", number);
        return STATUS_OK;
}

Status audit_verify(const char *path, const AuditHead *wanted, size_t wanted_count, AuditHead *out, size_t *out_torn, Arena *arena,
                    Error *err) {
        CLEANUP(audit_lines_close) AuditLines lines = { .fd = -1 };
        TRY(audit_lines_open(path, &lines, err));
        Sha256 hash = hash_of_name(path_base(path));
        size_t at = 0;
        int number = 0;
        bool more;
        Str line;
        for (;;) {
                TRY(audit_lines_next(&lines, &line, &more, err));
                if (!more)
                        break;
                TRY(verify_line(path, ++number, line, &hash, err));
                TRY(verify_heads(path, number, &hash, wanted, wanted_count, &at, err));
        }
        if (is_whole_line(line, hash))
                return broken(err, path, number + 1, "the end of record %d was altered", number + 1);
        if (at < wanted_count)
                return broken(err, path, number + 1, "records from %d on are gone: the catalog names record %lld", number + 1,
                              (long long)wanted[wanted_count - 1].sequence);
        if (out)
                *out = (AuditHead){ .file = arena_str(arena, str_of(path_base(path))), .sequence = number, .hash = hash };
        if (out_torn)
                *out_torn = line.size;
        return STATUS_OK;
}

bool audit_has(const char *path, const AuditHead *head) {
        CLEANUP(audit_lines_close) AuditLines lines = { .fd = -1 };
        Error ignored;
        Str line, body;
        bool more = audit_lines_open(path, &lines, &ignored) == STATUS_OK;
        int64_t number = 0;
        while (more && number < head->sequence) {
                if (audit_lines_next(&lines, &line, &more, &ignored) != STATUS_OK)
                        return false;
                number += more;
        }
        Sha256 hash;
        return more && number > 0 && line_split(line, &body, &hash) && memcmp(hash.bytes, head->hash.bytes, SHA256_SIZE) == 0;
}

/* Heads by file, and in each by sequence. */
static int compare_heads(const void *left, const void *right) {
        const AuditHead *a = left, *b = right;
        int names = str_compare(a->file, b->file);
        return names ? names : a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* Where the heads of a file begin in the sorted ones, and how many they are. */
static const AuditHead *heads_of(const AuditHead *sorted, size_t count, Str file, size_t *out_count) {
        size_t low = 0, high = count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (str_compare(sorted[middle].file, file) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *out_count = 0;
        while (low + *out_count < count && str_equal(sorted[low + *out_count].file, file))
                ++*out_count;
        return sorted + low;
}

static AuditFile check_file(const char *folder, Str name, const AuditHead *sorted, size_t count, Arena *arena) {
        Error why = { 0 };
        AuditHead head = { 0 };
        size_t wanted_count;
        const AuditHead *wanted = heads_of(sorted, count, name, &wanted_count);
        AuditFile file = { .name = name, .known = wanted_count > 0 };
        file.status = audit_verify(path_join(arena, folder, arena_cstr(arena, name)), wanted, wanted_count, &head, &file.torn, arena, &why);
        file.sequence = file.status == STATUS_OK ? head.sequence : file.status == STATUS_CORRUPT ? why.line : 0;
        if (file.status == STATUS_NOT_FOUND)
                file.what = STR("the catalog names this file, and it is gone");
        else if (file.status != STATUS_OK)
                file.what = arena_str(arena, str_of(why.message));
        return file;
}

Status audit_check(const char *folder, const AuditHead *wanted, size_t wanted_count, Str since, Arena *arena, AuditFile **out,
                   size_t *out_count, Error *err) {
        VEC(AuditFile) files = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0;
        Map seen;
        map_init(&seen, arena);
        Status status = dir_list(folder, arena, &entries, &count, err);
        if (status != STATUS_NOT_FOUND)
                TRY(status);
        AuditHead *sorted = ARENA_ARRAY(arena, AuditHead, wanted_count);
        for (size_t i = 0; i < wanted_count; i++)
                sorted[i] = wanted[i];
        if (wanted_count > 0)
                qsort(sorted, wanted_count, sizeof(*sorted), compare_heads);
        for (size_t i = 0; i < count; i++) {
                if (!entries[i].is_file || !str_ends_with(entries[i].name, STR(AUDIT_FILE_END)))
                        continue;
                vec_push(arena, &files, check_file(folder, entries[i].name, sorted, wanted_count, arena));
                map_put(&seen, entries[i].name, arena);
        }
        for (size_t i = 0; i < wanted_count; i++)
                if ((i == 0 || !str_equal(sorted[i].file, sorted[i - 1].file)) && !map_has(&seen, sorted[i].file) && str_compare(sorted[i].file, since) >= 0)
                        vec_push(arena, &files, check_file(folder, sorted[i].file, sorted, wanted_count, arena));
        *out = files.items;
        *out_count = files.count;
        return STATUS_OK;
}

/* ---- heads in words ---- */

Str audit_head_print(const AuditHead *head, Arena *arena) {
        return arena_strf(arena, "%.*s:%lld:%.*s", STR_ARG(head->file), (long long)head->sequence, STR_ARG(sha256_hex(arena, head->hash)));
}

bool audit_head_parse(Str text, AuditHead *out) {
        AuditHead head;
        Str rest, sequence, hash;
        if (!str_cut(text, ':', &head.file, &rest) || !str_cut(rest, ':', &sequence, &hash) || !str_to_int64(sequence, &head.sequence) ||
            !sha256_from_hex(hash, &head.hash))
                return false;
        *out = head;
        return true;
}
