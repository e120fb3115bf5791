/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/apply: a tar of the project's text, plain or gzipped, made one commit. A zone that the archive has any file of is
 * replaced whole; zones and central files that it has nothing of stay as they are applied, unless ?whole=true says that the
 * archive is all there is. What nobody may change by whom it was sent refuses all of it. The same checks as `lode apply`.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"
#include "frame/gunzip.h"
#include "model/authority.h"
#include "model/dry.h"
#include "model/text_files.h"
#include "model/text_shape.h"
#include "server/http_parts.h"
#include "server/tar.h"

#define UNPACKED_MAX (64u << 20) /* bytes */
#define FILES_MAX 20000
#define FILE_MAX (4u << 20)

typedef VEC(TextFile) FileVec;

typedef struct Apply {
        Session *session;
        Arena *arena;      /* the request's */
        Buf unpacked;
        const Grants *grants;
        TarFile *sent;
        size_t sent_count;
        Str git;
        bool whole;
        TextFile *applied; /* the text that holds */
        size_t applied_count;
        VEC(Str) passed_over; /* of what was sent: what is no text of a project */
        const char *folder;   /* a temporary one of our own */
        AccessMisfits misfits; /* rules that give nothing of some table */
} Apply;

static void apply_deinit(Apply *apply) {
        Error ignored;
        if (apply->folder)
                (void)dir_remove_all(apply->folder, &ignored);
        buf_deinit(&apply->unpacked);
}

Status http_apply_check(Session *session, Error *err) {
        const Grants *grants;
        TRY(grants_now(session->thread->grants, session->thread->lake->catalog, &grants, err));
        if (grants_may_apply(grants, &session->account))
                return STATUS_OK;
        error_set(err, STATUS_DENIED, "you may change no text of this project");
        return error_hint(err, "administrators may, and a zone's owner and engineers the text of their zone");
}

/* ---- what was sent ---- */

static Status unpack(Apply *apply, Str bytes, Str *out, Error *err) {
        *out = bytes;
        if (!gunzip_is(bytes))
                return STATUS_OK;
        apply->unpacked.limit = UNPACKED_MAX;
        if (gunzip(bytes, &apply->unpacked, err) != STATUS_OK)
                return error_context(err, "the archive");
        *out = buf_view(&apply->unpacked);
        return STATUS_OK;
}

static bool is_commit(Str text) {
        bool hex = text.size == 40;
        for (size_t i = 0; i < text.size && hex; i++)
                hex = char_is_one_of(text.data[i], "0123456789abcdef");
        return hex;
}

/* Of a checkout there is more in an archive than text of the project: README, .gitignore, ingress/. A name that is nearly one of
 * the project's is none of those: whoever sent it takes it for text, and what it says would not hold. */
static Status sort_file(Apply *apply, const TarFile *file, Error *err) {
        Str near = text_file_near(file->path, apply->arena);
        if (near.size > 0) {
                error_set(err, STATUS_BAD_VALUE, "'%.*s' in the archive is no file that a project reads, but nearly one", STR_ARG(file->path));
                return error_hint(err, "call it '%.*s', or leave it out", STR_ARG(near));
        }
        if (text_file_path(file->path) == TEXT_NONE)
                vec_push(apply->arena, &apply->passed_over, file->path);
        else
                apply->sent[apply->sent_count++] = *file;
        return STATUS_OK;
}

static Status read_archive(Apply *apply, Error *err) {
        static const char *const names[] = { "whole" };
        static const TarLimits limits = { FILES_MAX, FILE_MAX };
        Str bytes, comment, whole;
        TarFile *files;
        size_t count;
        TRY(http_arguments_known(apply->session, names, COUNT_OF(names), err));
        TRY(http_argument(apply->session, "whole", &whole, err));
        if (whole.size > 0 && !str_is(whole, "true") && !str_is(whole, "false"))
                return error_set(err, STATUS_BAD_VALUE, "whole is true or false");
        apply->whole = str_is(whole, "true");
        TRY(unpack(apply, buf_view(&apply->session->http->content), &bytes, err));
        TRY(tar_read(bytes, &limits, apply->arena, &files, &count, &comment, err));
        apply->git = is_commit(comment) ? comment : STR("");
        apply->sent = ARENA_ARRAY(apply->arena, TarFile, count);
        for (size_t i = 0; i < count; i++)
                TRY(sort_file(apply, &files[i], err));
        if (apply->sent_count > 0)
                return STATUS_OK;
        error_set(err, STATUS_BAD_VALUE, "the archive holds no text of a project");
        return error_hint(err, "make it in the project's folder: tar c lode.yml zones");
}

/* ---- the text as it is to be ---- */

static bool sends_zone(const Apply *apply, Str zone) {
        for (size_t i = 0; i < apply->sent_count; i++)
                if (str_equal(text_file_zone(apply->sent[i].path), zone))
                        return true;
        return false;
}

static bool sends_file(const Apply *apply, Str path) {
        for (size_t i = 0; i < apply->sent_count; i++)
                if (str_equal(apply->sent[i].path, path))
                        return true;
        return false;
}

/* What is applied and not replaced, and what was sent. lode.yml always is. */
static Status merge(Apply *apply, CatalogAt at, FileVec *out, Error *err) {
        TextFile *applied;
        size_t count;
        TRY(text_files(apply->session->thread->lake->catalog, at, apply->arena, &applied, &count, err));
        apply->applied = applied;
        apply->applied_count = count;
        Str last_zone = STR("");
        bool last_sent = false;
        for (size_t i = 0; i < count; i++) {
                Str zone = text_file_zone(applied[i].path);
                if (!str_equal(zone, last_zone)) {
                        last_zone = zone;
                        last_sent = sends_zone(apply, zone);
                }
                bool replaced = zone.size > 0 ? last_sent : sends_file(apply, applied[i].path);
                if (!replaced && (!apply->whole || str_is(applied[i].path, "lode.yml")))
                        vec_push(apply->arena, out, applied[i]);
        }
        for (size_t i = 0; i < apply->sent_count; i++)
                vec_push(apply->arena, out, ((TextFile){ apply->sent[i].path, apply->sent[i].bytes }));
        return STATUS_OK;
}

static Status write_down(Apply *apply, const FileVec *files, Error *err) {
        const char *base = getenv("TMPDIR");
        Error ignored;
        if (apply->folder)
                (void)dir_remove_all(apply->folder, &ignored);
        char *folder = arena_printf(apply->arena, "%s/lode-apply-XXXXXX", base && *base ? base : "/tmp");
        apply->folder = NULL;
        if (!mkdtemp(folder))
                return error_errno(err, errno, "cannot make a temporary folder '%s'", folder);
        apply->folder = folder;
        return text_files_write(folder, files->items, files->count, err);
}

/* ---- errors ---- */

/* A file that was sent and not the sender's to change: authority says no more than whose it is. */
static bool is_of_sent(const Apply *apply, const Error *err) {
        return err->status == STATUS_DENIED && sends_file(apply, str_of(err->file));
}

/* What else is wrong in a zone that is not the sender's is told without its text and files. */
static bool hide(const Apply *apply, Error *err) {
        Str zone = text_file_zone(str_of(err->file));
        const Account *account = &apply->session->account;
        if (is_of_sent(apply, err) || account->is_admin || zone.size == 0 || grants_role(apply->grants, account, zone) != ZONE_ROLE_NONE)
                return false;
        Error shown = { 0 };
        error_set(&shown, STATUS_DENIED, "the text of zone '%.*s' does not hold with this change", STR_ARG(zone));
        error_hint(&shown, "ask its owner what it needs of yours");
        *err = shown;
        return true;
}

/* Once for each zone, and not where a file that was sent is refused anyway: whether the zone has others, and how many, is its
 * own matter. */
static void hide_all(const Apply *apply, Problems *problems) {
        Map told; /* zones */
        size_t kept = 0;
        map_init(&told, apply->arena);
        for (size_t i = 0; i < problems->errors.count; i++)
                if (is_of_sent(apply, problems->errors.items[i]))
                        map_put(&told, arena_str(apply->arena, text_file_zone(str_of(problems->errors.items[i]->file))), &told);
        for (size_t i = 0; i < problems->errors.count; i++) {
                Error *err = problems->errors.items[i];
                Str zone = arena_str(apply->arena, text_file_zone(str_of(err->file)));
                if (hide(apply, err) && map_has(&told, zone))
                        continue;
                map_put(&told, zone, &told);
                problems->errors.items[kept++] = err;
        }
        problems->errors.count = kept;
}

/* {"error": the first, "errors": all}; nothing was applied. */
static Status answer_problems(Apply *apply, Problems *problems) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        problems_sort(problems);
        hide_all(apply, problems);
        int status = status_http(problems->errors.items[0]->status);
        json_object(&w);
        json_key(&w, "error");
        json_put_error(&w, problems->errors.items[0], NULL);
        json_key(&w, "errors");
        json_array(&w);
        for (size_t i = 0; i < problems->errors.count; i++)
                json_put_error(&w, problems->errors.items[i], NULL);
        json_end(&w);
        json_end(&w);
        buf_append_byte(&json, '\n');
        metrics_add(apply->session->host->metrics, METRICS_APPLY_REFUSED, 1);
        http_answer(apply->session, status, HTTP_JSON, buf_view(&json));
        return STATUS_OK;
}

/* ---- applying ---- */

/* What the sender may read of the rules that give nothing. Whoever is no administrator is told which rule, of zones that are
 * theirs: why it does not fit would tell of other zones' tables. */
static void keep_warnings(const Apply *apply, Problems *warnings) {
        const Account *account = &apply->session->account;
        size_t kept = 0;
        for (size_t i = 0; i < warnings->errors.count; i++) {
                Error *err = warnings->errors.items[i];
                Str zone = text_file_zone(str_of(err->file));
                if (account->is_admin) {
                        kept++;
                        continue;
                }
                if (zone.size == 0 || grants_role(apply->grants, account, zone) == ZONE_ROLE_NONE)
                        continue;
                Error shown = { 0 };
                error_set(&shown, err->status, "the rule does not fit all tables that it is on, or names what is masked: it gives nothing of those");
                error_hint(&shown, "lode check, where the whole project is, says which and why");
                snprintf(shown.file, sizeof(shown.file), "%s", err->file);
                shown.line = err->line;
                shown.column = err->column;
                *err = shown;
                warnings->errors.items[kept++] = err;
        }
        warnings->errors.count = kept;
}

static void answer_done(Apply *apply, ApplyReport *report) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        access_changes_fit(&apply->misfits, report->access, &report->access_count);
        keep_warnings(apply, &apply->misfits.problems);
        json_object(&w);
        apply_json(&w, report, STR("main"), apply->arena);
        warnings_json(&w, &apply->misfits.problems);
        decisions_json(&w, report->decisions, report->decision_count);
        json_member_strs(&w, "passed_over", apply->passed_over.items, apply->passed_over.count);
        json_end(&w);
        buf_append_byte(&json, '\n');
        metrics_add(apply->session->host->metrics, METRICS_APPLIED, 1);
        http_answer(apply->session, 200, HTTP_JSON, buf_view(&json));
}

/* Rights first: nobody learns by trial what would be wrong with text that is not theirs. */
static Status check(Apply *apply, Workspace *w, Worker *worker, CatalogAt at, Problems **out, Error *err) {
        TextChange *changes;
        size_t count;
        ProjectText text;
        Problems *denied = ARENA_NEW(apply->arena, Problems);
        denied->arena = apply->arena;
        TRY(text_changes(w, at, apply->arena, &changes, &count, err));
        authority_check(apply->grants, &apply->session->account, w->project, changes, count, denied);
        if (!problems_any(denied))
                authority_check_tags(&apply->session->account, w->project, apply->applied, apply->applied_count, denied);
        *out = denied;
        if (problems_any(denied))
                return STATUS_OK;
        *out = &w->project->problems;
        if (problems_any(*out))
                return STATUS_OK;
        TRY(text_load(w, worker, apply->arena, &text, err));
        return problems_any(*out) ? STATUS_OK : dry_access(w->lake, at, worker, &text, w->project, apply->arena, &apply->misfits, err);
}

/* *out_problems: what is wrong; nothing was applied then. report->stale: others were faster, try again. */
static Status try_once(Apply *apply, Worker *worker, Audit *audit, ApplyReport *report, Problems **out_problems, Error *err) {
        Session *session = apply->session;
        CatalogCommit head;
        FileVec files = { 0 };
        TRY(catalog_head(session->thread->lake->catalog, STR("main"), apply->arena, &head, err));
        CatalogAt at = { .branch = STR("main"), .seq = head.seq };
        TRY(merge(apply, at, &files, err));
        TRY(write_down(apply, &files, err));
        TextOrigin origin = { .via = session_via(session), .git = apply->git, .seq = head.seq };
        Workspace w = { .lake = session->thread->lake, .pool = session->host->pool, .principal = session->principal, .audit = audit, .origin = &origin, .discreet = !session->account.is_admin };
        TRY(project_load(apply->arena, apply->folder, &w.project, err));
        Status status = check(apply, &w, worker, at, out_problems, err);
        if (status == STATUS_OK && !problems_any(*out_problems))
                status = text_apply(&w, STR(""), apply->arena, report, err);
        arena_deinit(&w.arena);
        return status;
}

static Status apply_text(Apply *apply, Error *err) {
        Session *session = apply->session;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        Problems *problems = NULL;
        ApplyReport report = { .stale = true };
        TRY(worker_lease(session->host->pool, session->principal.name, &worker, err));
        TRY(session_work_with(session, worker, err));
        Audit *audit = audit_open(session->thread->lake->store->audit_dir, "apply"); /* its head goes into the commit */
        Status status = STATUS_OK;
        for (int i = 0; i < TEXT_TRIES && status == STATUS_OK && report.stale; i++) {
                status = try_once(apply, worker, audit, &report, &problems, err);
                if (status == STATUS_OK && problems_any(problems))
                        break;
        }
        audit_close(audit);
        session_work_done(session);
        TRY(status);
        if (problems_any(problems))
                return answer_problems(apply, problems);
        if (report.stale)
                return error_set(err, STATUS_CONFLICT, "others published each time that this was tried: send it again");
        if (report.changed)
                session->host->applied(session->host->context);
        answer_done(apply, &report);
        return STATUS_OK;
}

/* That something was refused is kept too, as with questions. */
static void note_refused(Session *session) {
        Error ignored;
        AuditRecord record = { .principal = session->principal.name, .service = session_service(session), .via = session_via(session), .action = STR("apply"), .rows = -1, .bytes = -1, .denied = true };
        (void)session->host->audit(session->host->context, &record, false, &ignored);
}

Status http_apply(Session *session, Error *err) {
        CLEANUP(apply_deinit) Apply apply = { .session = session, .arena = &session->http->arena };
        Status status = grants_now(session->thread->grants, session->thread->lake->catalog, &apply.grants, err);
        if (status == STATUS_OK)
                status = read_archive(&apply, err);
        if (status == STATUS_OK)
                status = apply_text(&apply, err);
        if (status != STATUS_OK) {
                note_refused(session);
                metrics_add(session->host->metrics, METRICS_APPLY_REFUSED, 1);
        }
        return status;
}
