/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/file_seen.h"

#include "base/time.h"

#define CLOCK_GRAIN_US 2000000 /* more than that of any file system */

FileSeen file_seen_of(const struct stat *st) {
        return (FileSeen){
                .device = (int64_t)st->st_dev,
                .inode = (int64_t)st->st_ino,
                .size = st->st_size,
                .mtime_ns = time_of_file_ns(st->st_mtim),
                .ctime_ns = time_of_file_ns(st->st_ctim),
                .looked_us = time_now_us(),
        };
}

bool file_seen_fits(const FileSeen *seen, const struct stat *st) {
        return seen->device == (int64_t)st->st_dev && seen->inode == (int64_t)st->st_ino && seen->size == st->st_size &&
               seen->mtime_ns == time_of_file_ns(st->st_mtim) && seen->ctime_ns == time_of_file_ns(st->st_ctim);
}

bool file_seen_is_young(const FileSeen *seen) {
        return seen->looked_us <= seen->ctime_ns / 1000 + CLOCK_GRAIN_US;
}
