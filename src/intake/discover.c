/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/discover.h"

#include <errno.h>

#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"
#include "intake/archive_mark.h"

typedef struct Discovery {
        const DiscoverSpec *spec;
        Arena *arena;
        VEC(FoundFile) files;
        StrList *patterns; /* of each feed, in the one spelling that names a file */
        Map seen; /* zone and path: a file is found once */
        Map unpacked; /* path of an archive in ingress: the folder of its members */
        bool is_stray;
        size_t archive_size; /* of the archive's name whose members are walked; 0: none are */
        bool is_elsewhere;   /* where that archive lies */
} Discovery;

static bool is_half_written(Str name) {
        static const char *const endings[] = { ".tmp", ".part", ".filepart" };
        if (name.size == 0 || name.data[0] == '.')
                return true;
        for (size_t i = 0; i < COUNT_OF(endings); i++)
                if (str_ends_with(name, str_of(endings[i])))
                        return true;
        return false;
}

/* A member is meant by its own name as well as by its archive's. */
static bool matches_in_ingress(const FoundFile *file, Str pattern) {
        if (str_matches_glob(file->name, pattern))
                return true;
        if (file->archive.size == 0)
                return false;
        Str member = str_slice(file->name, file->archive.size + 1, file->name.size), base = str_of(path_base(file->path));
        return str_matches_glob(member, pattern) || str_matches_glob(base, pattern) || str_matches_glob(file->archive, pattern);
}

bool discover_is_archive(Str name) {
        static const char *const endings[] = { ".zip", ".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.bz2", ".tar.xz" };
        for (size_t i = 0; i < COUNT_OF(endings); i++)
                if (str_ends_with(name, str_of(endings[i])))
                        return true;
        return false;
}

/* A pattern of members, `in/may.zip/orders.csv`, means the archive, which is to be unpacked for it. */
static bool means_members(const char *path, Str name, Str pattern) {
        Str whole = pattern.data[0] == '/' ? str_of(path) : name;
        for (size_t i = 1; discover_is_archive(name) && i < pattern.size; i++)
                if (pattern.data[i] == '/' && str_matches_glob(whole, str_slice(pattern, 0, i)))
                        return true;
        return false;
}

static bool feed_claims(StrList patterns, const FoundFile *file) {
        for (size_t i = 0; i < patterns.count; i++) {
                Str pattern = patterns.items[i];
                bool wants_ingress = str_starts_with(pattern, STR("ingress/"));
                if (wants_ingress != (file->in_ingress && !file->is_elsewhere))
                        continue;
                if (file->is_elsewhere && (str_matches_glob(file->name, pattern) || str_matches_glob(file->archive, pattern)))
                        return true;
                if (file->is_elsewhere)
                        continue;
                if (wants_ingress && matches_in_ingress(file, str_slice(pattern, 8, pattern.size)))
                        return true;
                if (wants_ingress)
                        continue;
                if (pattern.data[0] == '/' ? str_matches_glob(str_of(file->path), pattern) : str_matches_glob(file->name, pattern))
                        return true;
                if (means_members(file->path, file->name, pattern))
                        return true;
        }
        return false;
}

typedef VEC(const Feed *) Feeds;

static bool shares_with_all(const Feeds *feeds, const Feed *feed) {
        for (size_t i = 0; i < feeds->count; i++)
                if (!format_shares(&feeds->items[i]->format, &feed->format))
                        return false;
        return true;
}

static void claim(const Discovery *d, FoundFile *file, Feeds *out) {
        for (size_t i = 0; i < d->spec->feed_count; i++) {
                const Feed *feed = d->spec->feeds[i];
                if (!str_equal(feed->zone, file->zone) || !feed_claims(d->patterns[i], file))
                        continue;
                if (shares_with_all(out, feed))
                        vec_push(d->arena, out, feed);
                else if (!file->rival)
                        file->rival = feed;
        }
        file->feed = out->count ? out->items[0] : NULL;
        file->sharers = (uint32_t)out->count;
}

static Status add(Discovery *d, Str zone, const char *path, Str name, bool in_ingress, Error *err) {
        Str key = arena_strf(d->arena, "%.*s %s", STR_ARG(zone), path);
        if (map_has(&d->seen, key))
                return STATUS_OK;
        FoundFile file = { .path = path, .zone = zone, .name = name, .in_ingress = in_ingress, .is_elsewhere = d->is_elsewhere };
        if (d->archive_size > 0)
                file.archive = str_slice(name, 0, d->archive_size);
        if ((in_ingress ? lstat : stat)(path, &file.st) < 0)
                return STATUS_OK; /* gone since */
        file.unpacked = in_ingress && d->archive_size == 0 ? map_get(&d->unpacked, str_of(path)) : NULL;
        file.is_stray = d->is_stray;
        file.is_link = S_ISLNK(file.st.st_mode);
        file.is_too_deep = S_ISDIR(file.st.st_mode);
        file.is_special = !file.is_link && !file.is_too_deep && !S_ISREG(file.st.st_mode);
        Feeds feeds = { 0 };
        if (S_ISREG(file.st.st_mode) && !file.unpacked)
                claim(d, &file, &feeds);
        if (!in_ingress && !file.feed)
                return STATUS_OK;
        if (d->files.count == DISCOVER_FILES_MAX)
                return error_set(err, STATUS_LIMIT, "more than %d files wait; at most so many are taken in one run",
                                 DISCOVER_FILES_MAX);
        map_put(&d->seen, key, d);
        vec_push(d->arena, &d->files, file);
        for (size_t i = 1; i < feeds.count && !file.rival; i++) {
                file.feed = feeds.items[i];
                vec_push(d->arena, &d->files, file);
        }
        return STATUS_OK;
}

/* A link to a folder is none in ingress, where links are not followed. */
static bool is_folder(const char *path, const DirEntry *entry, bool in_ingress) {
        struct stat st;
        return entry->is_dir && !(in_ingress && lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
}

/* All files below folder; name is what has been walked of the name so far, with its slash. */
static Status walk(Discovery *d, Str zone, const char *folder, Str name, bool in_ingress, int depth, Error *err) {
        DirEntry *entries;
        size_t count;
        Status status = dir_list(folder, d->arena, &entries, &count, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        if (status == STATUS_IO && depth > 0) {
                /* one sender's closed folder stops nobody else's files */
                FoundFile closed = { .path = folder, .zone = zone, .name = name, .in_ingress = in_ingress, .is_closed = true };
                if (in_ingress)
                        vec_push(d->arena, &d->files, closed);
                return STATUS_OK;
        }
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                bool half = d->archive_size > 0 ? entries[i].name.data[0] == '.' : is_half_written(entries[i].name); /* a member is whole, whatever its name */
                if (half)
                        continue;
                const char *path = path_join(d->arena, folder, entries[i].name.data);
                Str below = arena_strf(d->arena, "%.*s%.*s", STR_ARG(name), STR_ARG(entries[i].name));
                if (is_folder(path, &entries[i], in_ingress) && depth < DISCOVER_DEPTH_MAX)
                        TRY(walk(d, zone, path, arena_strf(d->arena, "%.*s/", STR_ARG(below)), in_ingress, depth + 1, err));
                else if (entries[i].is_file || in_ingress)
                        TRY(add(d, zone, path, below, in_ingress, err));
        }
        return STATUS_OK;
}

/* The part of a pattern before its first wildcard, up to a slash: the folder below which its files can be. */
static Str fixed_folder(Str pattern) {
        size_t wild = 0;
        while (wild < pattern.size && !char_is_one_of(pattern.data[wild], "*?["))
                wild++;
        size_t slash = wild;
        while (slash > 0 && pattern.data[slash - 1] != '/')
                slash--;
        return str_slice(pattern, 0, slash);
}

static bool is_same_folder(const Discovery *d, Str a, Str b) {
        struct stat x, y;
        return stat(arena_cstr(d->arena, a), &x) < 0 || stat(arena_cstr(d->arena, b), &y) < 0 || (x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/*
 * `x.csv`, `./x.csv`, `../project/x.csv` and the whole path are one file, and its deliveries must be of one name: below the
 * project where it lies there, else the whole path. Dots are taken out as they are written, unless a link makes them lead
 * elsewhere; links stay as they are called, since what they lead to may move.
 */
static Str one_spelling(const Discovery *d, Str pattern) {
        const char *root = d->spec->project_root;
        if (pattern.size == 0 || str_starts_with(pattern, STR("ingress/")))
                return pattern;
        const char *whole = pattern.data[0] == '/' ? arena_cstr(d->arena, pattern) : path_join(d->arena, root, arena_cstr(d->arena, pattern));
        Str plain = str_of(path_absolute(d->arena, whole));
        if (!is_same_folder(d, fixed_folder(str_of(whole)), fixed_folder(plain)))
                return pattern;
        CLEANUP(freep) char *real = realpath(root, NULL);
        const Str roots[] = { str_of(root), str_of(real ? real : root) };
        for (size_t i = 0; i < COUNT_OF(roots); i++) {
                Str below = str_slice(plain, roots[i].size + 1, plain.size);
                bool inside = plain.size > roots[i].size + 1 && str_starts_with(plain, roots[i]) && plain.data[roots[i].size] == '/';
                if (inside && !str_starts_with(below, STR("ingress/")))
                        return below;
        }
        return plain;
}

static void spell_patterns(Discovery *d) {
        d->patterns = ARENA_ARRAY(d->arena, StrList, d->spec->feed_count + 1);
        for (size_t i = 0; i < d->spec->feed_count; i++) {
                const Feed *feed = d->spec->feeds[i];
                d->patterns[i] = (StrList){ ARENA_ARRAY(d->arena, Str, feed->pattern_count + 1), feed->pattern_count };
                for (size_t j = 0; j < feed->pattern_count; j++)
                        d->patterns[i].items[j] = one_spelling(d, feed->patterns[j]);
        }
}

static Status walk_pattern(Discovery *d, const Feed *feed, Str pattern, Error *err) {
        bool absolute = str_starts_with(pattern, STR("/"));
        Str folder = fixed_folder(pattern);
        const char *root = absolute ? "" : d->spec->project_root;
        const char *path = folder.size ? path_join(d->arena, root, arena_cstr(d->arena, folder)) : root;
        Str trimmed = str_of(path), name = str_slice(folder, 0, folder.size ? folder.size - 1 : 0);
        struct stat st;
        while (trimmed.size > 1 && trimmed.data[trimmed.size - 1] == '/')
                trimmed.size--;
        path = arena_cstr(d->arena, trimmed);
        int found = stat(path, &st);
        while (found < 0 && errno == ENOTDIR && memchr(name.data, '/', name.size)) { /* a folder inside an archive */
                name = str_slice(name, 0, name.size - strlen(path_base(arena_cstr(d->arena, name))) - 1);
                trimmed = str_of(path_dir(d->arena, path));
                path = arena_cstr(d->arena, trimmed);
                found = stat(path, &st);
        }
        if (found == 0 && S_ISREG(st.st_mode))
                return folder.size ? add(d, feed->zone, path, name, false, err) : STATUS_OK;
        return walk(d, feed->zone, path, folder, false, 0, err);
}

static int by_zone_and_name(const void *a, const void *b) {
        const FoundFile *x = a, *y = b;
        int order = str_compare(x->zone, y->zone);
        return order ? order : str_compare(x->name, y->name);
}

static bool is_zone(const DiscoverSpec *spec, Str name) {
        for (size_t i = 0; i < spec->zone_count; i++)
                if (str_equal(spec->zones[i], name))
                        return true;
        return false;
}

/* Files that nobody will ever take, since no zone is theirs. They are found so that they can be told of. */
static Status find_strays(Discovery *d, Error *err) {
        DirEntry *entries;
        size_t count;
        const char *folder = path_join(d->arena, d->spec->project_root, "ingress");
        Status status = dir_list(folder, d->arena, &entries, &count, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                Str name = arena_str(d->arena, entries[i].name);
                const char *path = path_join(d->arena, folder, arena_cstr(d->arena, name));
                if (is_half_written(name) || is_zone(d->spec, name))
                        continue;
                if (is_folder(path, &entries[i], true))
                        TRY(walk(d, name, path, STR(""), true, 1, err));
                else
                        TRY(add(d, STR(""), path, name, true, err));
        }
        return STATUS_OK;
}

/* Those of an archive that was taken back or sent anew are none of ingress any more. */
static bool is_there(Discovery *d, Str zone, const ArchiveMark *mark, const char *folder) {
        struct stat st;
        char *path = arena_printf(d->arena, "%s/ingress/%.*s/%.*s", d->spec->project_root, STR_ARG(zone), STR_ARG(mark->name));
        if (lstat(path, &st) < 0 || !archive_mark_fits(mark, &st))
                return false;
        map_put(&d->unpacked, str_of(path), (void *)(uintptr_t)folder);
        return true;
}

static Status find_unpacked(Discovery *d, const char *root, Str zone, Error *err) {
        DirEntry *entries;
        size_t count;
        const char *folder = arena_printf(d->arena, "%s/%.*s", root, STR_ARG(zone));
        Status status = dir_list(folder, d->arena, &entries, &count, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                Str id, where;
                ArchiveMark mark;
                const char *path = path_join(d->arena, folder, arena_cstr(d->arena, entries[i].name));
                if (is_half_written(entries[i].name) || !str_cut(entries[i].name, '.', &id, &where) || !archive_mark_read(path, d->arena, &mark))
                        continue;
                bool elsewhere = str_is(where, UNPACKED_ELSEWHERE);
                if (!elsewhere && !is_there(d, zone, &mark, path))
                        continue;
                d->archive_size = mark.name.size;
                d->is_elsewhere = elsewhere;
                status = walk(d, zone, path, arena_strf(d->arena, "%.*s/", STR_ARG(mark.name)), true, 0, err);
                d->archive_size = 0;
                d->is_elsewhere = false;
                TRY(status);
        }
        return STATUS_OK;
}

static void discovery_init(Discovery *d) {
        map_init(&d->seen, d->arena);
        map_init(&d->unpacked, d->arena);
        spell_patterns(d);
}

const Feed *discover_member(const Feed *const *feeds, size_t feed_count, Str zone, Str archive, Str member, Arena *arena) {
        DiscoverSpec spec = { .project_root = "", .feeds = feeds, .feed_count = feed_count };
        Discovery d = { .spec = &spec, .arena = arena };
        discovery_init(&d);
        Str name = arena_strf(arena, "%.*s/%.*s", STR_ARG(archive), STR_ARG(member));
        FoundFile file = { .path = arena_cstr(arena, name), .zone = zone, .name = name, .archive = str_slice(name, 0, archive.size), .in_ingress = true };
        Feeds claimed = { 0 };
        claim(&d, &file, &claimed);
        return file.feed;
}

/* A zone's own folder is no link and no file either: else somebody's folder elsewhere would be emptied. It is found, as what it
 * is, so that it can be told of. */
static Status find_in_zone(Discovery *d, Str zone, Error *err) {
        struct stat st;
        char *folder = arena_printf(d->arena, "%s/ingress/%.*s", d->spec->project_root, STR_ARG(zone));
        if (lstat(folder, &st) < 0 || S_ISDIR(st.st_mode))
                return walk(d, zone, folder, STR(""), true, 0, err);
        d->is_stray = true;
        Status status = add(d, STR(""), folder, zone, true, err);
        d->is_stray = false;
        return status;
}

Status discover_files(const DiscoverSpec *spec, Arena *arena, FoundFile **out, size_t *out_count, Error *err) {
        Discovery d = { .spec = spec, .arena = arena };
        discovery_init(&d);
        for (size_t i = 0; i < spec->zone_count; i++) {
                for (size_t k = 0; k < COUNT_OF(spec->unpacked); k++)
                        if (spec->unpacked[k])
                                TRY(find_unpacked(&d, spec->unpacked[k], spec->zones[i], err));
                TRY(find_in_zone(&d, spec->zones[i], err));
        }
        for (size_t i = 0; i < spec->feed_count; i++) {
                const Feed *feed = spec->feeds[i];
                for (size_t j = 0; j < d.patterns[i].count; j++)
                        if (d.patterns[i].items[j].size && !str_starts_with(d.patterns[i].items[j], STR("ingress/")))
                                TRY(walk_pattern(&d, feed, d.patterns[i].items[j], err));
        }
        d.is_stray = true;
        if (spec->strays)
                TRY(find_strays(&d, err));
        if (d.files.count)
                qsort(d.files.items, d.files.count, sizeof(FoundFile), by_zone_and_name);
        *out = d.files.items;
        *out_count = d.files.count;
        return STATUS_OK;
}
