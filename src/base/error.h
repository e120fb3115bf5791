/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Error: why an operation failed, as a code for programs and words for people.
 *
 * A function that can fail returns Status and takes `Error *err` last. The place that knows the reason
 * fills err, once; callers hand it up unchanged or say what they were doing with error_context(). A
 * failing call leaves its out parameters alone, and a succeeding one leaves err alone. err is never NULL.
 *
 * An Error owns nothing (fixed buffers), so it can be reported with no memory left and needs no release.
 * It may name a place in the user's own text: file, line and column (from 1, column in characters), with the
 * line itself as excerpt, so that the command line can draw a caret under it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"

/*
 * One row per kind of failure: name, code that users see, SQLSTATE for the PostgreSQL protocol, status for
 * HTTP, exit code of the command line (1 held or failed check, 2 wrong input, 3 environment: safe to retry,
 * 130 interrupted), and the sentence that docs/errors.md gives (generated from here).
 */
#define STATUS_TABLE(X)                                                                                           \
        X(OK,            "E000", "00000", 200, 0,   "no error")                                                   \
        X(USAGE,         "E101", "42601", 400, 2,   "the command line is wrong: an unknown verb, option or argument") \
        X(NO_PROJECT,    "E102", "42704", 404, 2,   "no lode.yml here or in any folder above")                    \
        X(SYNTAX,        "E103", "42601", 400, 2,   "a text file of the project cannot be parsed")                \
        X(UNKNOWN_KEY,   "E104", "42704", 400, 2,   "a key that this file does not have")                         \
        X(BAD_VALUE,     "E105", "22023", 400, 2,   "a value that this key cannot take")                          \
        X(DUPLICATE_KEY, "E106", "42712", 400, 2,   "the same key twice")                                         \
        X(EXISTS,        "E107", "42710", 409, 2,   "something of that name exists already")                      \
        X(NOT_FOUND,     "E108", "42704", 404, 2,   "nothing of that name exists, or it is not granted")          \
        X(AMBIGUOUS,     "E109", "42702", 400, 2,   "more than one thing fits: two sources claim a file, a name is not unique") \
        X(CYCLE,         "E110", "42P19", 400, 2,   "models need each other in a circle")                         \
        X(EXPIRED,       "E111", "58P01", 410, 2,   "the rows of that version are gone: a rule of retention removed its files") \
        X(SQL_SYNTAX,    "E201", "42601", 400, 2,   "the SQL cannot be parsed")                                   \
        X(SQL_REFUSED,   "E202", "0A000", 400, 2,   "a statement, function, type or setting that Lode does not allow") \
        X(NO_TABLE,      "E203", "42P01", 404, 2,   "no such table, or it is not granted")                        \
        X(NO_COLUMN,     "E204", "42703", 400, 2,   "no such column, or it is not granted")                       \
        X(SQL_TYPE,      "E205", "42804", 400, 2,   "types that do not fit together")                             \
        X(SQL_DATA,      "E206", "22000", 400, 2,   "a value on which the SQL fails: a cast, a division, an overflow") \
        X(SQL_BIND,      "E207", "42000", 400, 2,   "the SQL parses but has no meaning here")                     \
        X(DENIED,        "E208", "42501", 403, 2,   "the principal may not do this")                              \
        X(HELD,          "E301", "22000", 422, 1,   "a delivery was held; nothing of it is in the tables")        \
        X(CHECK_FAILED,  "E302", "23514", 422, 1,   "a check failed; what it guards is not published")            \
        X(MODEL_FAILED,  "E303", "XX000", 422, 1,   "a model could not be built; its zone keeps the tables it had") \
        X(CONTRACT,      "E304", "23514", 422, 1,   "a product takes back what its version promised; its zone keeps the tables it had") \
        X(LIMIT,         "E401", "54000", 413, 2,   "a size over its limit")                                      \
        X(MEMORY,        "E402", "53200", 503, 2,   "the statement needs more memory than a worker may have")     \
        X(TIMEOUT,       "E403", "57014", 503, 2,   "the statement ran longer than it may")                       \
        X(WORKER_LOST,   "E404", "57P02", 500, 1,   "a worker ended in the middle of its work; only that work is lost") \
        X(PROTOCOL,      "E405", "08P01", 400, 2,   "a client's message breaks the protocol")                     \
        X(LOGIN,         "E406", "28P01", 401, 2,   "the login failed")                                           \
        X(BUSY,          "E407", "53300", 429, 3,   "too much at once: connections, cursors, statements that wait") \
        X(QUOTA,         "E408", "53400", 403, 2,   "more than the principal's limits allow: rows, bytes, data read") \
        X(CONFLICT,      "E501", "40001", 409, 3,   "another writer got there first; safe to run again")          \
        X(IO,            "E502", "58030", 503, 3,   "reading or writing failed")                                  \
        X(DISK_FULL,     "E503", "53100", 503, 3,   "no space is left where the store lies")                      \
        X(NO_STORE,      "E504", "58P01", 503, 3,   "the store is not there")                                     \
        X(STORE_FORMAT,  "E505", "0A000", 503, 3,   "the store was written by another format version")            \
        X(STORE_MOVED,   "E506", "58000", 503, 3,   "the store lies elsewhere than it was made")                  \
        X(ENGINE,        "E507", "58000", 503, 3,   "the engine library is missing or of another version")        \
        X(SANDBOX,       "E508", "58000", 503, 3,   "this kernel cannot box a worker")                            \
        X(CORRUPT,       "E601", "XX001", 500, 3,   "stored bytes break their format")                            \
        X(INTERNAL,      "E602", "XX000", 500, 3,   "a bug in Lode")                                              \
        X(INTERRUPTED,   "E130", "57014", 499, 130, "interrupted; safe to run again")

typedef enum Status {
#define X(name, code, sqlstate, http, exit, words) STATUS_##name,
        STATUS_TABLE(X)
#undef X
                STATUS_COUNT
} Status;

typedef struct Error {
        Status status;
        const char *sqlstate;    /* a finer one than the status has, or NULL */
        int raised_line;         /* where in our source it was raised, for the log */
        const char *raised_file;
        char message[640];
        char hint[320];          /* what the user can do about it, or empty */
        char file[256];          /* the user's file, or empty */
        int line, column;        /* from 1; 0 where there is none */
        char excerpt[200];       /* the line of the user's text that holds the place, or empty */
        int number;              /* errno, if the failure was the system's; else 0 */
        uint16_t reason_size;    /* of what a worker sends of this failure, see base/reason.h; or 0 */
        char reason[280];
} Error;

/* Each returns the status it recorded, so a failure is one line: return error_set(err, ...). */
#define error_set(err, status, ...) error_failed_(error_set_at(err, status, __FILE__, __LINE__, __VA_ARGS__))
/* From errno: ENOSPC, EDQUOT and EFBIG become DISK_FULL, all else IO; the system's words are added. */
#define error_errno(err, errnum, ...) error_failed_(error_errno_at(err, errnum, __FILE__, __LINE__, __VA_ARGS__))

/* Tells the compiler that what comes back is a failure, so that it follows out parameters through TRY. */
static inline Status error_failed_(Status status) {
        return status == STATUS_OK ? STATUS_INTERNAL : status;
}

Status error_set_at(Error *err, Status status, const char *file, int line, const char *format, ...) PRINTF_LIKE(5, 6);
Status error_errno_at(Error *err, int errnum, const char *file, int line, const char *format, ...) PRINTF_LIKE(5, 6);
/* Adds what to do; returns err's status. Call after error_set. */
Status error_hint(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* For drivers, where they tell apart more than the status does; returns err's status. */
Status error_sqlstate(Error *err, const char *sqlstate);
/* "doing X: message"; returns err's status. */
Status error_context(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* Records the user's place by byte offset into text: line, column and excerpt are worked out. name may be empty. */
Status error_place(Error *err, const char *name, Str text, size_t offset);
/* Records the user's place where line and column are known (text, if not empty, gives the excerpt). */
Status error_place_line(Error *err, const char *name, Str text, int line, int column);

/* They return a failure, and the compiler may know it. */
#define error_hint(...)       error_failed_((error_hint)(__VA_ARGS__))
#define error_context(...)    error_failed_((error_context)(__VA_ARGS__))
#define error_place(...)      error_failed_((error_place)(__VA_ARGS__))
#define error_place_line(...) error_failed_((error_place_line)(__VA_ARGS__))

const char *status_code(Status status);
const char *status_sqlstate(Status status);
const char *error_state(const Error *err); /* its SQLSTATE: the finer one if it has one */
int status_http(Status status);
int status_exit(Status status);
const char *status_words(Status status);
const char *status_name(Status status);

/* Ends the process with a message; for broken invariants that assert cannot word. */
void panic(const char *format, ...) PRINTF_LIKE(1, 2) NORETURN;
/*
 * Ends the process because of its surroundings, where going on would be worse: a disk that does not keep what was
 * written, no memory. The error is told; nothing that is buffered is written out and no handler runs. Exit status 3.
 */
void process_end(const Error *err) NORETURN;
void out_of_memory(void) NORETURN;
#define EXIT_SURROUNDINGS 3
/* Who tells such an error; once, at the program's start. By default it is a line on stderr. */
void process_end_teller(void (*tell)(const Error *err));

/* The one macro that hides a return; CLEANUP makes leaving early safe. */
#define TRY(expr)                                \
        do {                                     \
                Status try_status_ = (expr);     \
                if (try_status_ != STATUS_OK)    \
                        return try_status_;      \
        } while (0)
