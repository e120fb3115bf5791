/* SPDX-License-Identifier: Apache-2.0 */
#include "model/workspace.h"

#include "base/file.h"
#include "catalog/patience.h"
#include "lake/audit_heads.h"
#include "model/audit_rule.h"
#include "model/text_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/wait.h>

/*
 * Where the project had its store. A disk that is not mounted looks like a store that was never made; in a new one all that
 * lies there would be missing, and nobody would be told.
 */
#define REMEMBERED_FOLDER ".lode"
#define REMEMBERED_FILE REMEMBERED_FOLDER "/store"

static bool had_store(Workspace *w) {
        Str place;
        Error ignored;
        const char *path = path_join(&w->arena, w->project->root, REMEMBERED_FILE);
        return file_read(path, PATH_MAX, &w->arena, &place, &ignored) == STATUS_OK && str_equal(str_trim(place), str_of(w->project->store));
}

/* A project's folder in which nothing can be written is not hindered. */
static void remember_store(Workspace *w) {
        Error ignored;
        if (had_store(w))
                return;
        const char *folder = path_join(&w->arena, w->project->root, REMEMBERED_FOLDER), *ignore = path_join(&w->arena, folder, ".gitignore");
        if (dir_make(folder, &ignored) != STATUS_OK)
                return;
        if (!file_exists(ignore)) /* a place on this machine says nothing to others */
                (void)file_replace(ignore, STR("*\n"), &ignored);
        (void)file_replace(path_join(&w->arena, w->project->root, REMEMBERED_FILE), arena_strf(&w->arena, "%s\n", w->project->store), &ignored);
}

static Status refuse_another(const Workspace *w, Error *err) {
        error_set(err, STATUS_NO_STORE, "no store at '%s', and this project had one there", w->project->store);
        return error_hint(err, "mount its disk, or make it again from a backup: lode restore DIR; to begin a new one, without all that was loaded, "
                               "delete '%s/" REMEMBERED_FILE "'", w->project->root);
}

static Status open_store(const WorkspaceSpec *spec, Workspace *w, Error *err) {
        const char *root = w->project->store;
        Status status = lake_open(root, &w->lake, err);
        if (status == STATUS_NO_STORE && (spec->store || spec->make_store || spec->had_store) && had_store(w))
                return refuse_another(w, err);
        if (status == STATUS_NO_STORE && spec->make_store) {
                status = lake_create(root, &w->lake, err);
                if (status == STATUS_EXISTS) /* another process was first */
                        status = lake_open(root, &w->lake, err);
        }
        if (status == STATUS_OK && spec->make_store)
                remember_store(w);
        return status == STATUS_NO_STORE && spec->store_if_there && !spec->store ? STATUS_OK : status;
}

static Status temporary_folder(Workspace *w, const char **out, Error *err) {
        const char *base = getenv("TMPDIR");
        char *path = arena_printf(&w->arena, "%s/lode-XXXXXX", base && *base ? base : "/tmp");
        if (!mkdtemp(path))
                return error_errno(err, errno, "cannot make a temporary folder '%s'", path);
        *out = w->temporary = path;
        return STATUS_OK;
}

/* Workers start before the catalog is opened: both take time, and neither waits for the other. */
static Status open_pool(const WorkspaceSpec *spec, Workspace *w, bool in_store, Error *err) {
        WorkerOptions options = { .ready = spec->ready ? spec->ready : 1, .interrupted = spec->interrupted };
        if (in_store)
                options.run_folder = path_join(&w->arena, w->project->store, "run");
        else
                TRY(temporary_folder(w, &options.run_folder, err));
        return worker_pool_open(&options, &w->pool, err);
}

/* main's text, written down to be read as any other; files are still found below the project's own folder. */
static Status load_applied(Workspace *w, Error *err) {
        CatalogCommit head;
        TextFile *files;
        size_t count;
        TextOrigin *origin = ARENA_NEW(&w->arena, TextOrigin);
        const char *root = w->project->root, *store = w->project->store, *folder;
        TRY(catalog_head(w->lake->catalog, STR("main"), &w->arena, &head, err));
        TRY(text_files(w->lake->catalog, (CatalogAt){ .branch = STR("main"), .seq = head.seq }, &w->arena, &files, &count, err));
        if (count == 0) {
                error_set(err, STATUS_NOT_FOUND, "nothing is applied yet");
                return error_hint(err, "lode apply");
        }
        if (!w->temporary)
                TRY(temporary_folder(w, &folder, err));
        folder = arena_printf(&w->arena, "%s/%lld", w->temporary, (long long)head.seq);
        TRY(dir_remove_all(folder, err));
        TRY(text_files_write(folder, files, count, err));
        TRY(project_load(&w->arena, folder, &w->project, err));
        w->project->root = root;
        w->project->store = store;
        *origin = (TextOrigin){ .via = STR("serve"), .git = STR(""), .seq = head.seq };
        w->origin = origin;
        w->applied = true;
        return STATUS_OK;
}

static Status open_audit(Workspace *w, Error *err) {
        AuditRule rule;
        TRY(audit_rule_load(w->lake->catalog, &rule, err));
        w->audit = audit_open(w->lake->store->audit_dir, "cli");
        audit_set_text(w->audit, rule.statements);
        return STATUS_OK;
}

static Status open_all(const WorkspaceSpec *spec, Workspace *w, Error *err) {
        const char *root;
        TRY(project_find(&w->arena, spec->folder, &root, err));
        TRY(project_load(&w->arena, root, &w->project, err));
        w->principal = principal_local(&w->arena);
        bool exists = file_exists(path_join(&w->arena, w->project->store, "catalog.sqlite"));
        if (spec->workers && exists)
                TRY(open_pool(spec, w, true, err));
        if (spec->store || spec->make_store || spec->store_if_there)
                TRY(open_store(spec, w, err));
        if (spec->workers && !w->pool)
                TRY(open_pool(spec, w, w->lake != NULL, err));
        if (spec->applied)
                TRY(load_applied(w, err));
        return w->lake ? open_audit(w, err) : STATUS_OK;
}

Status workspace_reload(Workspace *w, Error *err) {
        return w->applied ? load_applied(w, err) : project_load(&w->arena, w->project->root, &w->project, err);
}

Str workspace_via(const Workspace *w) {
        return w->origin ? w->origin->via : STR("cli");
}

Status workspace_audit(Workspace *w, AuditRecord record, Error *err) {
        if (!w->audit)
                return STATUS_OK;
        record.principal = w->principal.name;
        record.via = workspace_via(w);
        TRY(audit_record(w->audit, &record, &w->arena, NULL, err));
        w->audited = true;
        return STATUS_OK;
}

/* So that a cut of what this process wrote shows. Where the catalog cannot be written now, a later one makes it good. */
static void anchor(Workspace *w) {
        AuditHead head;
        Error ignored;
        if (!w->audited || audit_head(w->audit, &w->arena, &head, &ignored) != STATUS_OK)
                return;
        audit_sync(w->audit);
        int64_t patience = catalog_patience(w->lake->catalog, CATALOG_MOMENT_US); /* whoever only read waits for nobody who writes */
        (void)lake_audit_anchor(w->lake->catalog, w->lake->store->audit_dir, &head, &ignored);
        catalog_patience(w->lake->catalog, patience);
        w->audited = false;
}

Str workspace_audit_head(Workspace *w, Arena *arena) {
        AuditHead head;
        Error ignored;
        if (!w->audit || audit_head(w->audit, arena, &head, &ignored) != STATUS_OK || head.sequence == 0)
                return STR("");
        anchor(w);
        return audit_head_print(&head, arena);
}

Status workspace_audit_change(Workspace *w, AuditRecord record, Arena *arena, Str *out_head, Error *err) {
        TRY(workspace_audit(w, record, err));
        Str head = workspace_audit_head(w, arena);
        if (out_head)
                *out_head = head;
        return STATUS_OK;
}

Status workspace_open(const WorkspaceSpec *spec, Workspace **out, Error *err) {
        Workspace *w = calloc(1, sizeof(*w));
        if (!w)
                out_of_memory();
        Status status = open_all(spec, w, err);
        if (status != STATUS_OK) {
                workspace_close(w);
                return status;
        }
        *out = w;
        return STATUS_OK;
}

Status workspace_workers(Workspace *w, int ready, const volatile sig_atomic_t *interrupted, Error *err) {
        WorkspaceSpec spec = { .ready = ready, .interrupted = interrupted };
        return w->pool ? STATUS_OK : open_pool(&spec, w, true, err);
}

void workspace_close(Workspace *w) {
        if (!w)
                return;
        worker_pool_close(w->pool);
        Error ignored;
        if (w->temporary)
                dir_remove_all(w->temporary, &ignored);
        anchor(w);
        audit_close(w->audit);
        lake_free(w->lake);
        arena_deinit(&w->arena);
        free(w);
}

void workspace_closep(Workspace **w) {
        workspace_close(*w);
        *w = NULL;
}

Status workspace_at(Workspace *w, Str branch, const char *text, CatalogAt *out, Error *err) {
        CatalogCommit commit;
        if (text)
                TRY(catalog_find(w->lake->catalog, branch, str_of(text), &w->arena, &commit, err));
        else
                TRY(catalog_head(w->lake->catalog, branch, &w->arena, &commit, err));
        *out = (CatalogAt){ branch, commit.seq };
        return STATUS_OK;
}

extern char **environ;

/* What a program prints, if it ends well. */
static bool program_output(char *const argv[], Arena *arena, Str *out) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
                return false;
        CLEANUP(close_fdp) int from = ends[0];
        CLEANUP(close_fdp) int to = ends[1];
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        pid_t child;
        int failed = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (failed)
                return false;
        close_fdp(&to);
        CLEANUP(buf_deinit) Buf text = { .limit = 1u << 20 };
        char block[4096];
        for (ssize_t got; (got = read(from, block, sizeof(block))) != 0;) {
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        break;
                buf_append(&text, (Str){ block, (size_t)got });
        }
        int status;
        while (waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        return false;
        *out = str_trim(buf_dup(&text, arena));
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Str workspace_git(Workspace *w) {
        char *root = arena_cstr(&w->arena, str_of(w->project->root));
        char *const head[] = { (char[]){ "git" }, (char[]){ "-C" }, root, (char[]){ "rev-parse" }, (char[]){ "HEAD" }, NULL };
        char *const dirty[] = { (char[]){ "git" }, (char[]){ "-C" }, root, (char[]){ "status" }, (char[]){ "--porcelain" },
                                (char[]){ "--" }, (char[]){ "." }, NULL };
        Str commit, changes;
        if (!program_output(head, &w->arena, &commit) || commit.size < 40)
                return STR("");
        bool clean = program_output(dirty, &w->arena, &changes) && changes.size == 0;
        return arena_strf(&w->arena, "%.*s%s", STR_ARG(commit), clean ? "" : "+dirty");
}
