/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/time.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/file_groups.h"
#include "engine/unpack_message.h"
#include "govern/account.h"
#include "intake/discover.h"
#include "model/init.h"
#include "model/run.h"
#include "model/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

#define PREVIEW_COLUMNS 20 /* a wider file shows its first ones; all stand in the source's text */

enum { OPTION_NAME, OPTION_EACH, OPTION_ONE };

static const Option options[] = {
        [OPTION_NAME] = { "name", 0, "NAME", "what to call the source (when the files make one)" },
        [OPTION_EACH] = { "each", 0, NULL, "a source for each file" },
        [OPTION_ONE] = { "one", 0, NULL, "one source for all files; refuses those that one cannot read" },
};

typedef struct LeftOver {
        const char *file;
        Str why;
        Str hint; /* what to do about it, or empty */
} LeftOver;

typedef struct NamedFile {
        SniffedFile file;
        Str members; /* of an archive: those that are meant, as a pattern; empty: all */
} NamedFile;

typedef struct Add {
        Cli *cli;
        Workspace *workspace;
        Str zone;
        Arena *arena;
        VEC(NamedFile) files;    /* that were named */
        VEC(SniffedFile) looked; /* that can be read: of archives their members, of workbooks their sheets */
        VEC(LeftOver) left_over;
        const Feed **feeds;      /* of the zone as it is */
        size_t feed_count;
        FileGroup *groups;
        size_t group_count;
} Add;

/* ---- which files ---- */

static void globfreep(glob_t *found) {
        globfree(found);
}

static size_t name_files(Add *add, const glob_t *found, Str members) {
        size_t named = 0;
        struct stat st;
        for (size_t i = 0; i < found->gl_pathc; i++) {
                if (stat(found->gl_pathv[i], &st) < 0 || !S_ISREG(st.st_mode))
                        continue;
                char *real = realpath(found->gl_pathv[i], NULL);
                NamedFile named_file = { .file = { .shown = arena_cstr(add->arena, str_of(found->gl_pathv[i])),
                                                   .path = arena_cstr(add->arena, str_of(real ? real : found->gl_pathv[i])) },
                                         .members = members };
                free(real);
                vec_push(add->arena, &add->files, named_file);
                named++;
        }
        return named;
}

/* What is there by that very name is meant, whatever its signs mean in a pattern: browsers write report[1].csv. */
static bool find_named(const Add *add, const char *word, const char *below, glob_t *found) {
        CLEANUP(buf_deinit) Buf literal = { 0 };
        struct stat st;
        bool is_there = stat(word, &st) == 0;
        for (const char *c = word; *c; c++) {
                if (is_there && char_is_one_of(*c, "*?[]\\"))
                        buf_append_byte(&literal, '\\');
                buf_append_byte(&literal, *c);
        }
        buf_append(&literal, str_of(below));
        const char *pattern = arena_cstr(add->arena, buf_view(&literal));
        return glob(pattern, is_there ? 0 : GLOB_BRACE | GLOB_TILDE, NULL, found) == 0 && found->gl_pathc > 0;
}

/* ARCHIVE/MEMBER, as the member is called where nobody claims it: below a file there is nothing else that it could mean. */
static bool expand_members(Add *add, const char *word) {
        for (const char *slash = strchr(word, '/'); slash; slash = strchr(slash + 1, '/')) {
                CLEANUP(globfreep) glob_t found = { 0 };
                const char *archive = arena_cstr(add->arena, (Str){ word, (size_t)(slash - word) });
                if (slash[1] && find_named(add, archive, "", &found) && name_files(add, &found, str_of(slash + 1)) > 0)
                        return true;
        }
        return false;
}

static Status expand(Add *add, const char *word, Error *err) {
        if (strstr(word, "://"))
                return error_set(err, STATUS_USAGE, "'%s': files come from this machine so far; other places are not built yet", word);
        struct stat st;
        bool is_folder = stat(word, &st) == 0 && S_ISDIR(st.st_mode);
        CLEANUP(globfreep) glob_t found = { 0 };
        if (!find_named(add, word, is_folder ? "/*" : "", &found)) {
                if (expand_members(add, word))
                        return STATUS_OK;
                error_set(err, STATUS_NOT_FOUND, "there is no file '%s'", word);
                return error_hint(err, "paths are taken from where you stand, not from the project's folder");
        }
        name_files(add, &found, STR(""));
        return STATUS_OK;
}

static void find_feeds(Add *add) {
        const Zone *zone = project_zone(add->workspace->project, add->zone);
        add->feed_count = zone ? zone->source_count : 0;
        add->feeds = ARENA_ARRAY(add->arena, const Feed *, add->feed_count + 1);
        for (size_t i = 0; i < add->feed_count; i++)
                add->feeds[i] = feed_of_source(add->arena, zone->sources[i]);
}

static void leave_to(Add *add, const char *shown, const Feed *feed) {
        vec_push(add->arena, &add->left_over,
                 (LeftOver){ shown, arena_strf(add->arena, "source '%.*s' reads it already", STR_ARG(feed->name)),
                             arena_strf(add->arena, "edit zones/%.*s/sources/%.*s.yml, or delete it and add again", STR_ARG(add->zone),
                                        STR_ARG(feed->name)) });
}

/* What a source of the zone reads already: a second source would claim the same files, and check would refuse both. Of an
 * archive in ingress its members are asked about, since a source of some of them is none of the others. */
static Status leave_claimed(Add *add, Error *err) {
        if (add->feed_count == 0)
                return STATUS_OK;
        DiscoverSpec spec = { add->workspace->project->root, add->feeds, add->feed_count, &add->zone, 1, false };
        FoundFile *found;
        size_t count, kept = 0;
        TRY(discover_files(&spec, add->arena, &found, &count, err));
        for (size_t i = 0; i < add->files.count; i++) {
                const SniffedFile *file = &add->files.items[i].file;
                const Feed *feed = NULL;
                for (size_t k = 0; k < count && !feed; k++)
                        feed = strcmp(found[k].path, file->path) == 0 ? found[k].feed : NULL;
                if (feed)
                        leave_to(add, file->shown, feed);
                else
                        add->files.items[kept++] = add->files.items[i];
        }
        add->files.count = kept;
        return STATUS_OK;
}

/* ---- looking ---- */

static Status lease(Add *add, Worker **worker, Error *err) {
        if (*worker && worker_is_lost(*worker))
                worker_releasep(worker);
        return *worker ? STATUS_OK : worker_lease(add->workspace->pool, add->workspace->principal.name, worker, err);
}

static Status rewind_fd(int fd, Error *err) {
        return lseek(fd, 0, SEEK_SET) < 0 ? error_errno(err, errno, "cannot read the file from its beginning") : STATUS_OK;
}

static Status sniff(Add *add, Worker **worker, SniffedFile *file, int fd, uint32_t sheet, Error *err) {
        CLEANUP(buf_deinit) Buf request = { 0 };
        SniffSpec spec = { .name = str_of(file->shown), .sheet = sheet };
        Str reply;
        sniff_spec_write(&request, &spec);
        TRY(rewind_fd(fd, err));
        TRY(lease(add, worker, err));
        TRY(worker_sniff(*worker, buf_view(&request), &fd, 1, add->arena, &reply, err));
        return sniff_result_read(reply, add->arena, &file->sniffed, err);
}

static void leave(Add *add, const SniffedFile *file, Str why, Str hint) {
        vec_push(add->arena, &add->left_over, (LeftOver){ file->shown, why, hint });
}

/* What looking came to; what cannot be read is left over, unless nothing can be looked at. */
static Status take_outcome(Add *add, SniffedFile *file, Status status, Error *err) {
        if (status == STATUS_ENGINE || status == STATUS_SANDBOX || status == STATUS_INTERRUPTED)
                return status;
        if (status != STATUS_OK) {
                file->sniffed = (SniffResult){ 0 };
                leave(add, file, arena_str(add->arena, str_of(err->message)), arena_str(add->arena, str_of(err->hint)));
        } else if (file->sniffed.column_count == 0) {
                leave(add, file, file->sniffed.sheet_count > 1 ? STR("the sheet is empty") : STR("it holds no records"), STR(""));
        } else {
                vec_push(add->arena, &add->looked, *file);
        }
        return STATUS_OK;
}

/* A hidden sheet is most often what the visible ones look things up in. */
static Status sniff_sheet(Add *add, Worker **worker, const SniffedFile *workbook, int fd, const SniffSheet *sheet, uint32_t index,
                          Error *err) {
        SniffedFile file = { .shown = arena_printf(add->arena, "%s, sheet %.*s", workbook->shown, STR_ARG(sheet->name)),
                             .path = workbook->path,
                             .sheet = sheet->name };
        if (!sheet->hidden)
                return take_outcome(add, &file, sniff(add, worker, &file, fd, index, err), err);
        leave(add, &file, STR("the sheet is hidden"),
              arena_strf(add->arena, "if it is data, write a source for it that says sheet: %.*s", STR_ARG(sheet->name)));
        return STATUS_OK;
}

static bool is_visible(const SniffSheet *sheets, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (!sheets[i].hidden)
                        return true;
        return count == 0;
}

/* The first look tells how many sheets there are. */
static Status sniff_file(Add *add, Worker **worker, SniffedFile *file, int fd, Error *err) {
        size_t looked = add->looked.count, left = add->left_over.count;
        TRY(take_outcome(add, file, sniff(add, worker, file, fd, 0, err), err));
        size_t count = file->sniffed.sheet_count;
        const SniffSheet *sheets = file->sniffed.sheets;
        if (count < 2 || !is_visible(sheets, count))
                return STATUS_OK;
        add->looked.count = looked; /* once more, as one of its sheets */
        add->left_over.count = left;
        for (size_t i = 0; i < count; i++)
                TRY(sniff_sheet(add, worker, file, fd, &sheets[i], (uint32_t)i, err));
        return STATUS_OK;
}

static int open_nameless(void) {
        const char *folder = getenv("TMPDIR");
        CLEANUP(arena_deinit) Arena arena = { 0 };
        char *path = arena_printf(&arena, "%s/lode-XXXXXX", folder && folder[0] == '/' ? folder : "/tmp");
        int fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
                unlink(path);
        return fd;
}

/* A member as a file of its own, which a worker can be given without the others. */
static Status copy_member(int spool, uint64_t offset, uint64_t size, int to, Error *err) {
        char block[1 << 16];
        while (size > 0) {
                ssize_t got = pread(spool, block, size < sizeof(block) ? (size_t)size : sizeof(block), (off_t)offset);
                if (got <= 0)
                        return error_errno(err, got < 0 ? errno : EIO, "cannot read what was unpacked");
                TRY(fd_write_all(to, (Str){ block, (size_t)got }, "a temporary file", err));
                offset += (uint64_t)got;
                size -= (uint64_t)got;
        }
        return STATUS_OK;
}

/* Whether it is meant, and no source's yet. */
static bool wants_member(Add *add, const NamedFile *named, const ArchiveMember *member, const char *shown) {
        if (named->members.size > 0 && !str_matches_glob(member->name, named->members))
                return false;
        Str ingress = arena_strf(add->arena, "%s/ingress/%.*s/", add->workspace->project->root, STR_ARG(add->zone)), path = str_of(named->file.path);
        Str archive = str_starts_with(path, ingress) ? str_slice(path, ingress.size, path.size) : str_of(path_base(named->file.path));
        const Feed *feed = discover_member(add->feeds, add->feed_count, add->zone, archive, member->name, add->arena);
        if (feed)
                leave_to(add, shown, feed);
        return feed == NULL;
}

/* Where the pattern of a member's source says that it is: in the zone's ingress, whatever archive it came in there, or else in its own. */
static const char *member_place(const Add *add, const SniffedFile *archive, const char *member) {
        Str ingress = arena_strf(add->arena, "%s/ingress/%.*s/", add->workspace->project->root, STR_ARG(add->zone));
        if (str_starts_with(str_of(archive->path), ingress))
                return arena_printf(add->arena, "%.*s%s", STR_ARG(ingress), path_base(member));
        return arena_printf(add->arena, "%s/%s", archive->path, member);
}

/* Members are called ARCHIVE/MEMBER, and their sources' patterns name them as a run finds them. */
static Status sniff_members(Add *add, Worker **worker, const NamedFile *named, const Archive *archive, int spool, Error *err) {
        uint64_t offset = 0;
        size_t meant = 0;
        for (size_t i = 0; i < archive->count; offset += archive->members[i].size, i++) {
                const ArchiveMember *member = &archive->members[i];
                const char *shown = arena_printf(add->arena, "%s/%.*s", named->file.shown, STR_ARG(member->name));
                meant += named->members.size == 0 || str_matches_glob(member->name, named->members);
                if (!wants_member(add, named, member, shown))
                        continue;
                SniffedFile file = { .shown = shown, .path = member_place(add, &named->file, member->name.data) };
                CLEANUP(close_fdp) int fd = open_nameless();
                if (fd < 0)
                        return error_errno(err, errno, "cannot create a temporary file");
                TRY(copy_member(spool, offset, member->size, fd, err));
                TRY(sniff_file(add, worker, &file, fd, err));
        }
        if (meant == 0)
                leave(add, &named->file, arena_strf(add->arena, "it has no member '%.*s'", STR_ARG(named->members)), STR(""));
        return STATUS_OK;
}

/* If it is an archive, its members lie in the spool, one after the other. */
static Status unpack(Add *add, Worker **worker, int fd, int spool, Archive *out, Error *err) {
        int fds[] = { fd, spool };
        Str reply;
        TRY(lease(add, worker, err));
        TRY(worker_unpack(*worker, fds, COUNT_OF(fds), add->arena, &reply, err));
        return archive_read(reply, add->arena, out, err);
}

static bool may_be_archive(int fd) {
        char head[512];
        ssize_t size = pread(fd, head, sizeof(head), 0);
        return size > 0 && archive_may_be((Str){ head, (size_t)size });
}

static Status sniff_plain(Add *add, Worker **worker, NamedFile *named, int fd, Error *err) {
        if (named->members.size == 0)
                return sniff_file(add, worker, &named->file, fd, err);
        leave(add, &named->file, arena_strf(add->arena, "it is no archive, and has no member '%.*s'", STR_ARG(named->members)), STR(""));
        return STATUS_OK;
}

static Status look_at(Add *add, Worker **worker, NamedFile *named, Error *err) {
        SniffedFile *file = &named->file;
        CLEANUP(close_fdp) int fd = open(file->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return take_outcome(add, file, error_errno(err, errno, "cannot open '%s'", file->shown), err);
        if (!may_be_archive(fd))
                return sniff_plain(add, worker, named, fd, err);
        CLEANUP(close_fdp) int spool = open_nameless();
        if (spool < 0)
                return error_errno(err, errno, "cannot create a temporary file");
        Archive archive;
        Status status = unpack(add, worker, fd, spool, &archive, err);
        if (status != STATUS_OK)
                return take_outcome(add, file, status, err);
        if (!archive.is_one)
                return sniff_plain(add, worker, named, fd, err);
        return sniff_members(add, worker, named, &archive, spool, err);
}

static Status sniff_all(Add *add, Error *err) {
        CLEANUP(worker_releasep) Worker *worker = NULL;
        for (size_t i = 0; i < add->files.count; i++) {
                NamedFile *named = &add->files.items[i];
                output_progress(&add->cli->output, "looking at %s (%zu of %zu)", named->file.shown, i + 1, add->files.count);
                if (cli_interrupted)
                        return error_set(err, STATUS_INTERRUPTED, "interrupted; nothing was written");
                TRY(look_at(add, &worker, named, err));
        }
        return STATUS_OK;
}

/* ---- writing ---- */

/* A new zone belongs to whoever made it, if that is a person whom the store knows: the OS user whose machine this is need not be one. */
static Status find_owner(const Add *add, Str *out, Error *err) {
        Str name = add->workspace->principal.name;
        Account ignored;
        *out = str_starts_with(name, STR("local:")) ? str_slice(name, 6, name.size) : name;
        Status status = add->workspace->lake ? account_load(add->workspace->lake->catalog, *out, add->arena, &ignored, err) : STATUS_NOT_FOUND;
        if (status == STATUS_NOT_FOUND)
                *out = STR("");
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static Status make_zone(Add *add, Error *err) {
        Str owner;
        bool is_new;
        TRY(find_owner(add, &owner, err));
        TRY(init_zone(add->arena, add->workspace->project->root, add->zone, owner, &is_new, err));
        const char *whose = owner.size ? arena_printf(add->arena, "owned by %.*s", STR_ARG(owner)) : "without an owner yet";
        if (is_new)
                output_note(&add->cli->output, PAINT_NONE, "new zone %.*s, %s: zones/%.*s/zone.yml", STR_ARG(add->zone), whose, STR_ARG(add->zone));
        return STATUS_OK;
}

/* A name that no source of the zone has. */
static Status name_group(Add *add, FileGroup *group, Error *err) {
        const char *given = cli_option(add->cli, OPTION_NAME);
        if (given)
                TRY(name_check(str_of(given), "source", err));
        Str wanted = given ? str_of(given) : name_from(add->arena, group->name);
        Str name = wanted;
        bool taken = project_source(add->workspace->project, add->zone, name) != NULL;
        if (given && taken)
                return error_set(err, STATUS_EXISTS, "zone %.*s has a source '%s' already", STR_ARG(add->zone), given);
        for (int n = 2; taken; n++) {
                name = arena_strf(add->arena, "%.*s_%d", STR_ARG(wanted), n);
                taken = project_source(add->workspace->project, add->zone, name) != NULL;
                for (size_t i = 0; i < add->group_count && !taken; i++)
                        taken = &add->groups[i] != group && str_equal(add->groups[i].source_name, name);
        }
        for (int n = 2; given == NULL; n++) { /* two groups of one call */
                bool clash = false;
                for (const FileGroup *other = add->groups; other < group; other++)
                        clash |= str_equal(other->source_name, name);
                if (!clash)
                        break;
                name = arena_strf(add->arena, "%.*s_%d", STR_ARG(wanted), n);
        }
        group->source_name = name;
        return STATUS_OK;
}

/* Why a source's text would not be read as that source; empty where it is. What the files hold is in it, whatever they hold. */
static Str why_unreadable(Add *add, const Source *source, const FileGroup *group, Str text) {
        Problems problems = { .arena = add->arena };
        const Source *again = source_parse(add->arena, add->zone, group->source_name, group->path, text, &problems);
        if (problems.errors.count > 0)
                return arena_strf(add->arena, "the source that it would be cannot be read: %s", problems.errors.items[0]->message);
        bool same = again->column_count == source->column_count;
        for (size_t i = 0; same && i < source->column_count; i++)
                same = str_equal(source_column_in_file(&again->columns[i]), source_column_in_file(&source->columns[i]));
        return same ? STR("") : STR("a source cannot name its columns: their names hold what no text has");
}

static void leave_group(Add *add, const FileGroup *group, Str why) {
        for (size_t i = 0; i < group->file_count; i++)
                leave(add, group->files[i], why, STR("write its source by hand"));
}

/* *out_left: its files are left over. */
static Status write_source(Add *add, FileGroup *group, bool *out_left, Error *err) {
        TRY(name_group(add, group, err));
        const char *root = add->workspace->project->root;
        Str from = group_pattern(add->arena, root, add->zone, group);
        Source *source = source_of_sniff(add->arena, add->zone, group->source_name, from, &group->sniffed);
        if (group->pattern_count > 1) {
                source->from = group->patterns;
                source->from_count = group->pattern_count;
        }
        CLEANUP(buf_deinit) Buf text = { 0 };
        source_print(source, &text);
        group->path = arena_printf(add->arena, "zones/%.*s/sources/%.*s.yml", STR_ARG(add->zone), STR_ARG(group->source_name));
        Str why = why_unreadable(add, source, group, buf_view(&text));
        *out_left = why.size > 0;
        if (*out_left) {
                leave_group(add, group, why);
                return STATUS_OK;
        }
        char *path = path_join(add->arena, root, group->path);
        TRY(dir_make(path_dir(add->arena, path), err));
        if (file_exists(path))
                return error_set(err, STATUS_EXISTS, "'%s' exists already", group->path);
        return file_write_text(path, buf_view(&text), err);
}

static Status write_sources(Add *add, Error *err) {
        size_t written = 0;
        for (size_t i = 0; i < add->group_count; i++) {
                bool left = false;
                TRY(write_source(add, &add->groups[i], &left, err));
                if (!left)
                        add->groups[written++] = add->groups[i];
        }
        add->group_count = written;
        return STATUS_OK;
}

/* ---- telling ---- */

static void char_member(JsonWriter *w, const char *key, char c) {
        json_key(w, key);
        if (c)
                json_put_str(w, (Str){ &c, 1 });
        else
                json_put_null(w);
}

static void dialect_members(JsonWriter *w, const Format *format) {
        static const char *const escapes[] = { [ESCAPES_NONE] = "none", [ESCAPES_MYSQL] = "mysql", [ESCAPES_POSTGRES] = "postgres" };
        char_member(w, "delimiter", format->delimiter);
        char_member(w, "quote", format->quote);
        char_member(w, "escape", format->escape);
        json_member_str(w, "escapes", str_of(escapes[format->escapes]));
}

static void workbook_members(JsonWriter *w, const Format *format) {
        json_key(w, "sheet");
        json_array(w);
        for (size_t i = 0; i < format->sheets.count; i++)
                json_put_str(w, format->sheets.items[i]);
        json_end(w);
        json_member_str(w, "range", format->range.size ? format->range : STR_NONE);
}

static void group_json(JsonWriter *w, const Add *add, const FileGroup *group) {
        const SniffResult *r = &group->sniffed;
        json_object(w);
        json_member_str(w, "zone", add->zone);
        json_member_str(w, "source", group->source_name);
        json_member_str(w, "path", str_of(group->path));
        bool is_workbook = r->format.kind == FORMAT_XLSX;
        json_member_str(w, "format", str_of(format_kind_names[r->format.kind]));
        json_key(w, "dialect");
        json_object(w);
        if (is_workbook)
                workbook_members(w, &r->format);
        else
                dialect_members(w, &r->format);
        json_member_bool(w, "header", r->format.header);
        json_member_int(w, "skip", r->format.skip);
        char_member(w, "decimal", r->format.decimal);
        json_member_str(w, "thousands", r->format.thousands ? thousands_name(&r->format.thousands) : STR_NONE);
        json_end(w);
        json_key(w, "columns");
        json_array(w);
        for (size_t i = 0; i < r->column_count; i++) {
                json_object(w);
                json_member_str(w, "name", r->columns[i].column.name);
                json_member_str(w, "type", type_print(add->arena, r->columns[i].column.type));
                json_member_int(w, "nulls", r->columns[i].nulls);
                json_member_str(w, "example", r->columns[i].example.size ? r->columns[i].example : STR_NONE);
                json_end(w);
        }
        json_end(w);
        json_key(w, "doubts");
        json_array(w);
        for (size_t i = 0; i < r->doubt_count; i++) {
                json_object(w);
                json_member_str(w, "column", r->doubts[i].column.size ? r->doubts[i].column : STR_NONE);
                json_member_str(w, "what", r->doubts[i].what);
                json_member_str(w, "assumed", r->doubts[i].assumed);
                json_end(w);
        }
        json_end(w);
        json_key(w, "preview");
        json_array(w);
        for (size_t i = 0; i < r->preview_count; i++) {
                json_object(w);
                for (size_t j = 0; j < r->column_count; j++)
                        json_member_str(w, arena_cstr(add->arena, r->columns[j].column.name), r->preview[i * r->column_count + j]);
                json_end(w);
        }
        json_end(w);
        json_member_int(w, "records", group->records);
        json_key(w, "files");
        json_array(w);
        for (size_t i = 0; i < group->file_count; i++)
                json_put_cstr(w, group->files[i]->shown);
        json_end(w);
        json_end(w);
}

static Str why_and_what_to_do(const Add *add, size_t index) {
        Str why = add->left_over.items[index].why, hint = add->left_over.items[index].hint;
        return hint.size ? arena_strf(add->arena, "%.*s; %.*s", STR_ARG(why), STR_ARG(hint)) : why;
}

static void print_json(const Add *add) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_key(&w, "sources");
        json_array(&w);
        for (size_t i = 0; i < add->group_count; i++)
                group_json(&w, add, &add->groups[i]);
        json_end(&w);
        json_key(&w, "left_over");
        json_array(&w);
        for (size_t i = 0; i < add->left_over.count; i++) {
                json_object(&w);
                json_member_str(&w, "file", str_of(add->left_over.items[i].file));
                json_member_str(&w, "why", why_and_what_to_do(add, i));
                json_end(&w);
        }
        json_end(&w);
        json_end(&w);
        output_json(&json);
}

static void print_group(const Add *add, const FileGroup *group) {
        const SniffResult *r = &group->sniffed;
        size_t shown = r->column_count > PREVIEW_COLUMNS ? PREVIEW_COLUMNS : r->column_count;
        const Output *o = &add->cli->output;
        output_say(o, PAINT_BOLD, output_line(add->arena, str_of(group->path)).data, "  %zu file%s, %s records%s\n", group->file_count, group->file_count == 1 ? "" : "s",
                   count_print(add->arena, group->records).data, r->whole ? "" : " looked at");
        Str *headers = ARENA_ARRAY(add->arena, Str, shown);
        Str *cells = ARENA_ARRAY(add->arena, Str, shown);
        for (size_t i = 0; i < shown; i++) {
                headers[i] = r->columns[i].column.name;
                cells[i] = type_print(add->arena, r->columns[i].column.type);
        }
        TextTable *table = text_table_new(add->arena, headers, shown);
        text_table_row(table, cells);
        for (size_t i = 0; i < r->preview_count; i++)
                text_table_row(table, &r->preview[i * r->column_count]);
        text_table_print(table, o, stdout);
        if (shown < r->column_count)
                printf("  and %zu columns more, in that file\n", r->column_count - shown);
        for (size_t i = 0; i < r->doubt_count; i++)
                output_say(o, PAINT_YELLOW, "  doubtful: ", "%s%.*s%s%.*s; assumed %.*s\n", r->doubts[i].column.size ? "column " : "",
                           STR_ARG(r->doubts[i].column), r->doubts[i].column.size ? ": " : "", STR_ARG(r->doubts[i].what),
                           STR_ARG(r->doubts[i].assumed));
}

static bool same_reason(const LeftOver *a, const LeftOver *b) {
        return str_equal(a->why, b->why) && str_equal(a->hint, b->hint);
}

/* Each reason once: a folder of a hundred workbooks is one line. */
static void print_left_over(const Add *add) {
        for (size_t i = 0; i < add->left_over.count; i++) {
                const LeftOver *left = &add->left_over.items[i];
                size_t before = 0, more = 0;
                for (size_t k = 0; k < add->left_over.count; k++)
                        if (k != i && same_reason(&add->left_over.items[k], left))
                                *(k < i ? &before : &more) += 1;
                if (before)
                        continue;
                const char *others = more ? arena_printf(add->arena, " and %zu more", more) : "";
                output_say(&add->cli->output, PAINT_NONE, "", "left over: %s%s: %.*s%s%.*s\n", output_line(add->arena, str_of(left->file)).data, others, STR_ARG(left->why),
                           left->hint.size ? "; " : "", STR_ARG(left->hint));
        }
}

/* Keys of the one and headers of the other are compared as the columns are called. */
static bool has_column_of(const SniffResult *result, const SniffResult *other, size_t index) {
        if (format_is_keyed(result->format.kind) == format_is_keyed(other->format.kind))
                return group_column(result, other, index) < result->column_count;
        for (size_t i = 0; i < result->column_count; i++)
                if (str_equal_nocase(result->columns[i].column.name, other->columns[index].column.name))
                        return true;
        return false;
}

static bool same_columns(const SniffResult *a, const SniffResult *b) {
        if (a->column_count != b->column_count || !a->format.header || !b->format.header)
                return false;
        for (size_t i = 0; i < a->column_count; i++)
                if (!has_column_of(a, b, i))
                        return false;
        return true;
}

/* Why one source would not read the files of both as they are; empty: it would. */
static Str why_not_one(const Add *add, const FileGroup *a, const FileGroup *b) {
        SniffedFile *files = ARENA_ARRAY(add->arena, SniffedFile, a->file_count + b->file_count);
        FileGroup *groups;
        size_t count = 0;
        Error err = { 0 };
        for (size_t i = 0; i < a->file_count + b->file_count; i++)
                files[i] = i < a->file_count ? *a->files[i] : *b->files[i - a->file_count];
        if (group_files(files, a->file_count + b->file_count, GROUP_ONE, add->arena, &groups, &count, &err) != STATUS_OK)
                return arena_str(add->arena, str_of(err.message));
        const SniffResult *all = &groups[0].sniffed;
        for (size_t i = 0; i < all->doubt_count && groups[0].clashes > 0; i++) {
                Str assumed = all->doubts[i].assumed;
                if (str_find(assumed, STR("sources of their own")) < assumed.size)
                        return arena_strf(add->arena, "column %.*s: %.*s", STR_ARG(all->doubts[i].column), STR_ARG(all->doubts[i].what));
        }
        return STR("");
}

/* Types or dialect keep files of one header apart; the reader who meant one feed is told how to have it, if it can be had. */
static void note_alike(const Add *add) {
        for (size_t i = 0; i < add->group_count; i++)
                for (size_t k = i + 1; k < add->group_count && !cli_option(add->cli, OPTION_EACH); k++) {
                        const FileGroup *a = &add->groups[i], *b = &add->groups[k];
                        if (!same_columns(&a->sniffed, &b->sniffed))
                                continue;
                        Str why = why_not_one(add, a, b);
                        if (why.size == 0)
                                output_note(&add->cli->output, PAINT_YELLOW,
                                            "%.*s and %.*s have the same columns, with other types or another dialect; if they are one feed, remove "
                                            "both and add them with --one",
                                            STR_ARG(a->source_name), STR_ARG(b->source_name));
                        else
                                output_note(&add->cli->output, PAINT_YELLOW,
                                            "%.*s and %.*s have the same columns, but stay two sources (%.*s); a model puts them together with union all",
                                            STR_ARG(a->source_name), STR_ARG(b->source_name), STR_ARG(why));
                        return;
                }
}

static void print_text(const Add *add) {
        for (size_t i = 0; i < add->group_count; i++)
                print_group(add, &add->groups[i]);
        note_alike(add);
        print_left_over(add);
        if (add->group_count)
                output_note(&add->cli->output, PAINT_DIM, "nothing is loaded yet: look at the file%s, then lode run", add->group_count == 1 ? "" : "s");
}

/* ---- the verb ---- */

static Status check_options(const Cli *cli, Error *err) {
        if (cli_option(cli, OPTION_EACH) && cli_option(cli, OPTION_ONE))
                return error_set(err, STATUS_USAGE, "--each and --one say opposite things");
        return STATUS_OK;
}

static Status add_files(Add *add, Error *err) {
        Cli *cli = add->cli;
        for (size_t i = 1; i < cli->arguments.word_count; i++)
                TRY(expand(add, cli->arguments.words[i], err));
        find_feeds(add);
        TRY(leave_claimed(add, err));
        TRY(sniff_all(add, err));
        output_progress(&cli->output, NULL);
        Grouping how = cli_option(cli, OPTION_EACH) ? GROUP_EACH : cli_option(cli, OPTION_ONE) ? GROUP_ONE : GROUP_BY_SHAPE;
        TRY(group_files(add->looked.items, add->looked.count, how, add->arena, &add->groups, &add->group_count, err));
        if (cli_option(cli, OPTION_NAME) && add->group_count > 1) {
                error_set(err, STATUS_USAGE, "--name is for one source, and these files make %zu", add->group_count);
                return error_hint(err, "name the files of one source only, or leave --name out");
        }
        TRY(make_zone(add, err));
        return write_sources(add, err);
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_add, 1, SIZE_MAX, err));
        TRY(cli_want_formats(cli, false, false, err));
        TRY(check_options(cli, err));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        bool has_files = cli->arguments.word_count > 1;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store_if_there = true, .workers = has_files, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        Add add = { .cli = cli, .workspace = workspace, .zone = str_of(cli->arguments.words[0]), .arena = &cli->arena };
        if (name_check(add.zone, "zone", err) != STATUS_OK) {
                if (file_exists(cli->arguments.words[0]))
                        error_hint(err, "the zone comes first, then the files: lode add ZONE %s", cli->arguments.words[0]);
                return err->status;
        }
        if (has_files)
                TRY(add_files(&add, err));
        else
                TRY(make_zone(&add, err));
        if (cli_json(cli))
                print_json(&add);
        else
                print_text(&add);
        cli->exit_code = has_files && add.group_count == 0 ? 1 : 0;
        return STATUS_OK;
}

const Verb verb_add = {
        .name = "add",
        .usage = "add ZONE [FILE|GLOB...]",
        .words = "look at files and write how they are read",
        .help = "Looks at files, finds their dialect, header and types, and writes zones/ZONE/sources/NAME.yml: one source for\n"
                "each group of files that look alike. Says what was doubtful. Never loads anything; lode run does.\n"
                "Of an archive (zip, tar) each member counts as a file; ARCHIVE/MEMBER means one. ZONE alone makes the zone.\n\n"
                "  lode add shop orders_2026-*.csv\n"
                "  lode add shop ~/Downloads/stock.csv --name stock",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
