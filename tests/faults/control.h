/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The memory that a test shares with the programs it troubles: a file, mapped by all. tests/preload.py has the same
 * layout (little endian, no holes) and fills in what is to happen; the programs count, and log. It is mapped, not
 * read, because a boxed worker opens nothing and has its descriptors closed.
 */
#include <stdint.h>

#define CONTROL_MAGIC UINT64_C(0x3273746c75616621)
#define CONTROL_SIZE 8192 /* the log begins there */
#define CONTROL_PROCESSES 1024
#define CONTROL_PATH 256

/* The calls, each with its bit in Control.kinds. */
enum Kind {
        KIND_WRITE,
        KIND_PWRITE,
        KIND_TRUNCATE,
        KIND_FSYNC,
        KIND_FDATASYNC,
        KIND_RENAME,
        KIND_LINK,
        KIND_UNLINK,
        KIND_RMDIR,
        KIND_MKDIR,
        KIND_CREATE, /* open with O_CREAT */
        KIND_OPEN,   /* any other */
        KIND_READ,   /* of a regular file, as PREAD */
        KIND_PREAD,
        KIND_COUNT
};

/* What happens at the call. */
enum Action {
        ACTION_NONE,    /* only counted */
        ACTION_FAIL,    /* it is not made and fails with `error` */
        ACTION_SHORT,   /* a write writes half and says so; others are made */
        ACTION_KILL,    /* a write writes half, others are not made; the process ends */
        ACTION_SWALLOW, /* it is not made and claims success */
};

struct Control {
        uint64_t magic;
        uint64_t kinds;   /* bits: which calls count */
        uint64_t at;      /* the first call that is troubled, from 1; 0 = none */
        uint64_t until;   /* the last one */
        uint32_t action;
        int32_t error;
        uint64_t calls;   /* so far, over all processes */
        uint64_t hits;    /* how many were troubled */
        uint32_t hit_kind; /* the first of them */
        int32_t hit_process;
        char hit_path[CONTROL_PATH]; /* what is known of it without asking: the path given, or empty */
        uint64_t clock_at; /* from this call on, the clock is wrong; UINT64_MAX = never */
        int64_t clock_shift; /* by so many seconds */
        uint64_t log_size; /* bytes behind CONTROL_SIZE; 0 = nothing is logged */
        uint64_t log_used;
        uint32_t log_lock;
        uint32_t process_count;
        int32_t processes[CONTROL_PROCESSES]; /* all that ever had the library in them */
};

/* One record of the log, followed by two paths and the data, padded to 8 bytes. All in the order in which it happened. */
struct Record {
        uint32_t size; /* with all that follows */
        uint16_t kind;
        uint16_t flags;
        int32_t process;
        int32_t path_size, other_size;
        uint32_t data_size;
        uint64_t device, inode; /* of the file written, synced, made or named */
        uint64_t folder;        /* inode of the folder that `path` is relative to; 0: absolute */
        uint64_t offset;        /* of a write; the new size of a truncation */
};

enum RecordFlag {
        RECORD_MADE = 1,  /* an open made the file */
        RECORD_EMPTIED = 2, /* an open emptied it */
};
