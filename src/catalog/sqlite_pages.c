/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages with checksums. SQLite keeps none: a flipped bit in its file may become a wrong row that nobody notices. So the
 * last eight bytes of each page of ours are kept free of SQLite (its "reserved bytes", which every SQLite understands)
 * and hold XXH3 over the page's number and the rest of it. They are written and compared here, in a layer over that of
 * sqlite_sync.c: what does not fit is never seen by SQLite, whoever reads it. Any SQLite can read such a file; one
 * without this layer that writes to it leaves wrong checksums behind, as any other damage.
 *
 * Journals pass as they are: SQLite has checksums in them. The checksum is against accidents; against people there are
 * the chain of commits and the roots of their files.
 */
#include <pthread.h>

#include "base/file.h"
#include "base/vec.h"
#include "catalog/sqlite.h"

#define VFS_NAME "lode-pages"
#define CHECKSUM_SIZE 8
#define PENDING_BYTE INT64_C(0x40000000) /* SQLite locks bytes here: the page that holds it is never written */

typedef struct PageFile {
        sqlite3_file base;
        sqlite3_file *real; /* behind this struct */
        bool copying;       /* pages that were never written pass: they were looked at before */
} PageFile;

static sqlite3_vfs *real_vfs;

static sqlite3_file *real_of(sqlite3_file *file) {
        return ((PageFile *)(void *)file)->real;
}

/* ---- one page ---- */

static void checksum_of(const char *page, int64_t offset, char out[CHECKSUM_SIZE]) {
        uint64_t sum = hash64_stable((Str){ page, DB_PAGE - CHECKSUM_SIZE });
        sum ^= (uint64_t)(offset / DB_PAGE + 1) * UINT64_C(0x9e3779b97f4a7c15);
        for (int i = 0; i < CHECKSUM_SIZE; i++)
                out[i] = (char)(sum >> (8 * i));
}

static bool page_is_whole(const char *page, int64_t offset) {
        char sum[CHECKSUM_SIZE];
        checksum_of(page, offset, sum);
        return memcmp(sum, page + DB_PAGE - CHECKSUM_SIZE, CHECKSUM_SIZE) == 0;
}

static bool is_page(int size, sqlite3_int64 offset) {
        return size == DB_PAGE && offset % DB_PAGE == 0;
}

/* ---- the file ---- */

static bool is_zero(const char *page) {
        for (size_t i = 0; i < DB_PAGE; i++)
                if (page[i])
                        return false;
        return true;
}

static int page_read(sqlite3_file *file, void *out, int size, sqlite3_int64 offset) {
        int code = real_of(file)->pMethods->xRead(real_of(file), out, size, offset);
        if (code != SQLITE_OK || !is_page(size, offset) || page_is_whole(out, offset))
                return code;
        return ((PageFile *)(void *)file)->copying && is_zero(out) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int page_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset) {
        const sqlite3_io_methods *methods = real_of(file)->pMethods;
        if (!is_page(size, offset))
                return methods->xWrite(real_of(file), bytes, size, offset);
        char page[DB_PAGE];
        memcpy(page, bytes, DB_PAGE);
        checksum_of(page, offset, page + DB_PAGE - CHECKSUM_SIZE);
        return methods->xWrite(real_of(file), page, size, offset);
}

/* Memory-mapped pages would pass by the check. */
static int page_file_control(sqlite3_file *file, int what, void *argument) {
        if (what == SQLITE_FCNTL_MMAP_SIZE)
                return SQLITE_OK;
        return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

#define PASS(name, parameters, arguments)                         \
        static int page_##name parameters {                       \
                return real_of(file)->pMethods->x##name arguments; \
        }
PASS(Close, (sqlite3_file * file), (real_of(file)))
PASS(Truncate, (sqlite3_file * file, sqlite3_int64 size), (real_of(file), size))
PASS(Sync, (sqlite3_file * file, int flags), (real_of(file), flags))
PASS(FileSize, (sqlite3_file * file, sqlite3_int64 *size), (real_of(file), size))
PASS(Lock, (sqlite3_file * file, int level), (real_of(file), level))
PASS(Unlock, (sqlite3_file * file, int level), (real_of(file), level))
PASS(CheckReservedLock, (sqlite3_file * file, int *out), (real_of(file), out))
PASS(SectorSize, (sqlite3_file * file), (real_of(file)))
PASS(DeviceCharacteristics, (sqlite3_file * file), (real_of(file)))
PASS(ShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out),
     (real_of(file), page, size, extend, out))
PASS(ShmLock, (sqlite3_file * file, int offset, int count, int flags), (real_of(file), offset, count, flags))
PASS(ShmUnmap, (sqlite3_file * file, int remove), (real_of(file), remove))

static void page_ShmBarrier(sqlite3_file *file) {
        real_of(file)->pMethods->xShmBarrier(real_of(file));
}

/* Version 2: no xFetch, which would give out memory that was not checked. */
static const sqlite3_io_methods page_methods = {
        .iVersion = 2,
        .xClose = page_Close,
        .xRead = page_read,
        .xWrite = page_write,
        .xTruncate = page_Truncate,
        .xSync = page_Sync,
        .xFileSize = page_FileSize,
        .xLock = page_Lock,
        .xUnlock = page_Unlock,
        .xCheckReservedLock = page_CheckReservedLock,
        .xFileControl = page_file_control,
        .xSectorSize = page_SectorSize,
        .xDeviceCharacteristics = page_DeviceCharacteristics,
        .xShmMap = page_ShmMap,
        .xShmLock = page_ShmLock,
        .xShmBarrier = page_ShmBarrier,
        .xShmUnmap = page_ShmUnmap,
};

/* ---- the layer ---- */

static int pages_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
        (void)vfs;
        if (!(flags & SQLITE_OPEN_MAIN_DB))
                return real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
        PageFile *page_file = (PageFile *)(void *)file;
        *page_file = (PageFile){ .real = (sqlite3_file *)(void *)(page_file + 1) };
        int code = real_vfs->xOpen(real_vfs, name, page_file->real, flags, out_flags);
        if (code == SQLITE_OK)
                page_file->base.pMethods = &page_methods;
        return code;
}

/* All else is the real one's, which finds its own data by the struct that it is given. */
static void begin_pages(void) {
        static sqlite3_vfs pages;
        sqlite3_vfs *found = sqlite3_vfs_find(sqlite_vfs_name());
        if (!found)
                panic("SQLite knows no files here");
        pages = *found;
        pages.zName = VFS_NAME;
        pages.szOsFile = found->szOsFile + (int)sizeof(PageFile);
        pages.pNext = NULL;
        pages.xOpen = pages_open;
        real_vfs = found;
        if (sqlite3_vfs_register(&pages, 0) != SQLITE_OK)
                panic("SQLite takes no layer over its files");
}

const char *db_pages_vfs(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, begin_pages);
        return VFS_NAME;
}

Status db_pages_reserve(SqliteCatalog *db, Error *err) {
        int reserved = CHECKSUM_SIZE;
        int code = sqlite3_file_control(db->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
        return code == SQLITE_OK ? STATUS_OK : db_error(db, code, err);
}

/* ---- looking at all of them ---- */

typedef VEC(Str) StrVec;

static uint32_t number_at(const char *page, size_t offset) {
        const unsigned char *at = (const unsigned char *)page + offset;
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

typedef struct PageScan {
        sqlite3_file *file;
        int64_t pages;
        Arena *arena;
        bool *is_free;
} PageScan;

static int read_page(PageScan *scan, int64_t number, char *out) {
        return scan->file->pMethods->xRead(scan->file, out, DB_PAGE, (number - 1) * DB_PAGE);
}

/* Pages that hold nothing: SQLite need not have written them ever. Trunk pages name them; see the file format, 1.5. */
static void mark_free(PageScan *scan) {
        char page[DB_PAGE];
        scan->is_free = ARENA_ARRAY(scan->arena, bool, (size_t)scan->pages + 1);
        if (read_page(scan, 1, page) != SQLITE_OK)
                return;
        uint32_t trunk = number_at(page, 32);
        for (int64_t steps = 0; trunk && trunk <= scan->pages && steps < scan->pages; steps++) {
                if (read_page(scan, trunk, page) != SQLITE_OK)
                        return;
                uint32_t leaves = number_at(page, 4);
                for (uint32_t i = 0; i < leaves && i < DB_PAGE / 4 - 2; i++) {
                        uint32_t leaf = number_at(page, 8 + 4 * (size_t)i);
                        if (leaf <= scan->pages)
                                scan->is_free[leaf] = true;
                }
                trunk = number_at(page, 0);
        }
}

static Status look_at_page(PageScan *scan, int64_t number, bool *out_whole, SqliteCatalog *db, Error *err) {
        char page[DB_PAGE];
        int code = read_page(scan, number, page);
        if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
                return db_error(db, code, err);
        *out_whole = code == SQLITE_OK && (page_is_whole(page, (number - 1) * DB_PAGE) ||
                                           (scan->is_free[number] && is_zero(page)));
        return STATUS_OK;
}

static Status check_pages(SqliteCatalog *db, Arena *arena, int64_t **out, size_t *out_count, int64_t *out_pages,
                          Error *err) {
        sqlite3_file *file = NULL;
        sqlite3_int64 size = 0;
        int code = sqlite3_file_control(db->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
        if (code != SQLITE_OK)
                return db_error(db, code, err);
        /* The file beneath: what is damaged is to be told, not refused. */
        PageScan scan = { .file = real_of(file), .arena = arena };
        code = scan.file->pMethods->xFileSize(scan.file, &size);
        if (code != SQLITE_OK)
                return db_error(db, code, err);
        scan.pages = (size + DB_PAGE - 1) / DB_PAGE;
        mark_free(&scan);
        VEC(int64_t) broken = { 0 };
        for (int64_t number = 1; number <= scan.pages; number++) {
                bool whole = true;
                if (number != PENDING_BYTE / DB_PAGE + 1)
                        TRY(look_at_page(&scan, number, &whole, db, err));
                if (!whole)
                        vec_push(arena, &broken, number);
        }
        *out = broken.items;
        *out_count = broken.count;
        *out_pages = scan.pages;
        return STATUS_OK;
}

/* What SQLite itself finds wrong between its pages. */
static Status check_structure(SqliteCatalog *db, Arena *arena, StrVec *damages, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        TRY(db_query(db, &q, err, "pragma integrity_check(20)", ""));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        return STATUS_OK;
                Str line = db_column_str(&q, 0, arena);
                if (!str_is(line, "ok"))
                        vec_push(arena, damages, line);
        }
}

static void close_db(sqlite3 **db) {
        sqlite3_close(*db);
}

static void end_kept(SqliteCatalog *db) {
        for (size_t i = 0; i < db->kept_count; i++)
                sqlite3_finalize(db->kept[i].statement);
        db->kept_count = 0;
}

/* A disk that fails or is full, a permission, a process that holds it. */
static bool is_no_damage(int code) {
        switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_FULL:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
                return true;
        default:
                return (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_DATA;
        }
}

static Status check_all(SqliteCatalog *db, Arena *arena, StrVec *damages, int64_t *out_pages, Error *err) {
        int64_t *pages = NULL;
        size_t count = 0;
        /* Holds writers off while the pages are read; one that is damaged may be needed for that. */
        int code = sqlite3_exec(db->db, "begin; select count(*) from sqlite_schema", NULL, NULL, NULL);
        if (code != SQLITE_OK && is_no_damage(sqlite3_extended_errcode(db->db)))
                return db_error(db, code, err);
        Status status = check_pages(db, arena, &pages, &count, out_pages, err);
        for (size_t i = 0; i < count && i < 20; i++)
                vec_push(arena, damages, arena_strf(arena, "page %lld, at byte %lld, is not what was written",
                                                    (long long)pages[i], (long long)(pages[i] - 1) * DB_PAGE));
        if (count > 20)
                vec_push(arena, damages, arena_strf(arena, "so are %zu more pages", count - 20));
        Error why = { 0 };
        if (status == STATUS_OK && count == 0)
                status = check_structure(db, arena, damages, &why);
        if (why.status && is_no_damage(sqlite3_extended_errcode(db->db))) {
                *err = why;
        } else if (why.status) {
                vec_push(arena, damages, arena_str(arena, str_of(why.message)));
                status = STATUS_OK;
        }
        end_kept(db);
        sqlite3_exec(db->db, "rollback", NULL, NULL, NULL);
        return status;
}

Status catalog_check_sqlite(const char *path, Arena *arena, Str **out, size_t *out_count, int64_t *out_pages, Error *err) {
        CLEANUP(close_db) sqlite3 *handle = NULL;
        SqliteCatalog db = { .path = arena_cstr(arena, str_of(path)) };
        StrVec damages = { 0 };
        if (!file_exists(path))
                return error_set(err, STATUS_NO_STORE, "there is no catalog at '%s'", path);
        int code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                                   db_pages_vfs());
        db.db = handle;
        if (code != SQLITE_OK)
                return db_error(&db, code, err);
        db_be_patient(&db);
        TRY(check_all(&db, arena, &damages, out_pages, err));
        *out = damages.items;
        *out_count = damages.count;
        return STATUS_OK;
}

/* ---- a copy ---- */

static void end_reading(sqlite3 **handle) {
        if (*handle)
                sqlite3_exec(*handle, "rollback", NULL, NULL, NULL);
}

/* All pages in one step: one read transaction, so that it is one moment. */
static int copy_pages(sqlite3 *from, sqlite3 *to) {
        sqlite3_file *file = NULL;
        sqlite3_file_control(from, "main", SQLITE_FCNTL_FILE_POINTER, &file);
        PageFile *page_file = (PageFile *)(void *)file;
        sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
        if (!backup)
                return sqlite3_errcode(to);
        page_file->copying = true;
        int code = sqlite3_backup_step(backup, -1);
        int end = sqlite3_backup_finish(backup);
        page_file->copying = false;
        return code == SQLITE_DONE ? end : code;
}

/* What is damaged is not copied: it would get a checksum there. */
static Status begin_copy(SqliteCatalog *db, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        int64_t *broken = NULL, pages = 0;
        size_t count = 0;
        int code = sqlite3_exec(db->db, "begin; select count(*) from sqlite_schema", NULL, NULL, NULL);
        if (code != SQLITE_OK)
                return db_error(db, code, err);
        TRY(check_pages(db, &arena, &broken, &count, &pages, err));
        return count ? db_error(db, SQLITE_IOERR_DATA, err) : STATUS_OK;
}

Status catalog_copy_sqlite(Catalog *catalog, const char *path, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(close_db) sqlite3 *to = NULL;
        if (file_exists(path))
                return error_set(err, STATUS_EXISTS, "'%s' exists already", path);
        CLEANUP(end_reading) sqlite3 *reading = db->db;
        TRY(begin_copy(db, err));
        int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                   db_pages_vfs());
        /* A journal would be for nothing: who finds half a copy begins anew. */
        if (code == SQLITE_OK)
                code = sqlite3_exec(to, "pragma journal_mode=memory; pragma synchronous=full", NULL, NULL, NULL);
        if (code == SQLITE_OK)
                code = copy_pages(reading, to);
        if (code == SQLITE_OK)
                return STATUS_OK;
        SqliteCatalog copy = { .path = arena_cstr(&arena, str_of(path)) };
        return db_error(code == SQLITE_IOERR_DATA ? db : &copy, code, err);
}
