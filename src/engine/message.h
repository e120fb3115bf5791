/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Messages between `lode` and `lode-worker`: the one list of them, their frames, and how a failure travels.
 *
 * Two socket pairs join the programs: control (small messages both ways, with file descriptors towards the worker)
 * and rows (ROWS only, from the worker; its bounded buffer is what holds a fast worker back). A frame is
 *
 *      length u32 | type u16 | flags u16 | statement u64 | payload (length bytes)          all little-endian
 *
 * The low four bits of flags count the descriptors that ride on the frame's first byte. `statement` is the number
 * that the request carried; a reply with another number is left over from an earlier statement and is dropped.
 * Payloads are written with Buf and read with Cursor. `lode` believes nothing that comes from a worker: sizes are
 * checked before memory is taken, texts are checked before they are shown, and descriptors are refused.
 */
#include "base/reason.h"

#define MESSAGE_HEADER_SIZE 16
#define MESSAGE_CONTROL_MAX (8u << 20) /* payload of a control frame, bytes */
#define MESSAGE_ROWS_MAX (256u << 10)  /* payload of a rows frame, bytes */
#define MESSAGE_DESCRIPTORS_MAX 15
#define MESSAGE_FLAG_DESCRIPTORS 0x000f /* how many descriptors come with the frame */
#define MESSAGE_ROW_MAX (64u << 20)     /* one result row, bytes; above it the statement fails with LIMIT */

/* With this status a worker ends that has no memory left (base/error.h, process_end). */
#define WORKER_EXIT_MEMORY 73

/* Both programs must be of one build: the worker says this text in HELLO. */
#define PROTOCOL_BUILD "lode 0.1.0, messages 2"
/* The only engine that the statement walker and the flattening functions were reviewed for. */
#define PROTOCOL_ENGINE_VERSION "v2.0.0"

/* name, number, who sends it (L lode, W worker), payload */
/* clang-format off */
#define MESSAGE_TABLE(X)                                                                                       \
        X(HELLO,     1,  W, "lstr build, lstr engine version: the worker is boxed and its engine open")        \
        X(PARSE,     2,  L, "lstr sql")                                                                        \
        X(TREE,      3,  W, "lstr JSON")                                                                       \
        X(PREPARE,   4,  L, "lstr sql")                                                                        \
        X(COLUMNS,   5,  W, "u32 count, {lstr name, lstr engine type}, u32 count, {lstr parameter, lstr type}") \
        X(EXECUTE,   6,  L, "execute_spec_write()")                                                           \
        X(ROWS,      7,  W, "a stream of PostgreSQL DataRow or CopyData messages, cut anywhere (rows socket)") \
        X(DONE,      8,  W, "u64 rows, u64 rows frames sent")                                                  \
        X(FAIL,      9,  W, "failure_write()")                                                                 \
        X(DEFINE,    10, L, "u32 count, {lstr engine type}: flattening functions; answered by DONE")           \
        X(BUILD,     11, L, "u8 arrow, lstr select, lstr field ids, u32 count, {lstr name, lstr engine type}")           \
        X(FILES,     12, W, "u32 count, {lstr name in out/, file statistics}")                                 \
        X(SNIFF,     13, L, "engine/stage_message.h; one descriptor")                                          \
        X(SNIFFED,   14, W, "engine/stage_message.h")                                                          \
        X(STAGE,     15, L, "engine/stage_message.h; descriptors in, out")                                     \
        X(PROGRESS,  16, W, "engine/stage_message.h; any number before STAGED")                                \
        X(STAGED,    17, W, "engine/stage_message.h")                                                          \
        X(INTERRUPT, 18, L, "nothing; ends the running statement, which answers FAIL")                         \
        X(LOCATE,    19, L, "engine/locate_message.h; one descriptor")                                         \
        X(LOCATED,   20, W, "engine/locate_message.h")                                                         \
        X(ZONE,      21, L, "lstr the engine's name of it, i32 seconds, lstr TZif (empty: always so many seconds); DONE") \
        X(TRY,       26, L, "engine/trial_message.h; one descriptor")                                          \
        X(TRIED,     27, W, "engine/trial_message.h")                                                          \
        X(REVIEW,    28, L, "engine/review_message.h; descriptors in, out")                                    \
        X(REVIEWED,  29, W, "engine/review_message.h")                                                          \
        X(UNPACK,    30, L, "nothing; descriptors in, out")                                                    \
        X(UNPACKED,  31, W, "engine/unpack_message.h")
/* clang-format on */

typedef enum MessageType {
#define X(name, number, sender, words) MESSAGE_##name = number,
        MESSAGE_TABLE(X)
#undef X
} MessageType;

typedef struct Message {
        MessageType type;
        uint16_t flags;
        uint64_t statement;
        Str payload; /* borrowed from the buffer given to message_receive() */
} Message;

const char *message_name(MessageType type); /* "unknown" for a number that is not in the table */

/*
 * Blocking send of one frame, with descriptors (which stay the caller's). Whole or not at all towards the reader
 * as long as one thread at a time sends on a socket. LIMIT when the payload is over the socket's limit;
 * WORKER_LOST when the other end is gone.
 */
Status message_send(int socket, MessageType type, uint16_t flags, uint64_t statement, Str payload, const int *fds,
                    size_t fd_count, Error *err);

/*
 * Blocking receive of one frame. `limit` bounds the payload (CORRUPT above it). `into` holds the payload until the
 * next call. fds may be NULL: descriptors are then refused (CORRUPT). Otherwise it has room for
 * MESSAGE_DESCRIPTORS_MAX and the caller closes what it got. At a clean end of the stream: WORKER_LOST.
 */
Status message_receive(int socket, size_t limit, Buf *into, Message *out, int *fds, size_t *out_fd_count, Error *err);

/* Only the header: what the fuzzer and both receivers use. CORRUPT on an unknown type or a length over limit. */
Status message_parse_header(Str header, size_t limit, Message *out, uint32_t *out_length, Error *err);

/*
 * Failure: why a statement failed, as facts. The worker names a kind and arguments (a failure of our own code: a
 * reason and its arguments, base/reason.h); the words are made by failure_to_error() in `lode`, so that nothing a
 * worker says is shown as it is, and policy can leave out what the reader may not know. `detail` is the engine's own sentence, for the local administrator only.
 */
/* kind, status, words; %1 and %2 are the arguments, quoted by the words */
/* clang-format off */
#define FAILURE_TABLE(X)                                                                                      \
        X(SYNTAX,        SQL_SYNTAX,  "the SQL cannot be parsed near '%1'")                                   \
        X(SYNTAX_END,    SQL_SYNTAX,  "the SQL cannot be parsed: it ends too early")                          \
        X(DEPTH,         LIMIT,       "the statement is nested too deeply")                                   \
        X(NOT_ONE,       SQL_REFUSED, "one statement at a time; this text has %1")                            \
        X(NOT_SELECT,    SQL_REFUSED, "only SELECT can be asked here")                                        \
        X(NO_COLUMN,     NO_COLUMN,   "no column '%1'")                                                       \
        X(NO_TABLE,      NO_TABLE,    "no table '%1'")                                                        \
        X(NO_FUNCTION,   SQL_BIND,    "no function '%1' for these arguments")                                 \
        X(NO_TYPE,       SQL_TYPE,    "no type '%1'")                                                         \
        X(AMBIGUOUS,     AMBIGUOUS,   "column '%1' is in more than one table")                                \
        X(NOT_GROUPED,   SQL_BIND,    "column '%1' must be in GROUP BY or inside an aggregate")               \
        X(AGGREGATE,     SQL_BIND,    "an aggregate cannot stand here")                                       \
        X(WINDOW,        SQL_BIND,    "a window function cannot stand here")                                  \
        X(NO_WINDOW,     SQL_BIND,    "a window function needs OVER (...)")                                   \
        X(SET_COLUMNS,   SQL_SYNTAX,  "the sides of UNION, INTERSECT or EXCEPT have different numbers of columns") \
        X(MANY_COLUMNS,  SQL_SYNTAX,  "a subquery that stands for one value gives more than one column")      \
        X(NO_PLACE,      SQL_BIND,    "a number that stands for a column, and there are not so many")         \
        X(ALIAS_TWICE,   AMBIGUOUS,   "two tables are called '%1' here")                                      \
        X(ALIAS_COLUMNS, SQL_BIND,    "'%1' has fewer columns than are named")                                \
        X(VALUES,        SQL_SYNTAX,  "the lists of VALUES have different lengths")                           \
        X(NO_FROM,       SQL_SYNTAX,  "* needs FROM")                                                         \
        X(NO_FIELD,      SQL_BIND,    "a field is asked of a value that has none")                            \
        X(NEGATIVE,      SQL_DATA,    "LIMIT or OFFSET is negative")                                          \
        X(NO_PART,       SQL_DATA,    "a word that is no part of a date or time")                             \
        X(NO_CAST,       SQL_TYPE,    "no cast leads from the one type to the other")                         \
        X(NO_DATE,       SQL_DATA,    "a text that is no date or time")                                       \
        X(TYPES,         SQL_TYPE,    "types that do not fit together")                                       \
        X(BIND,          SQL_BIND,    "the SQL parses but has no meaning here")                               \
        X(CAST,          SQL_DATA,    "a value cannot be converted")                                          \
        X(DIVISION,      SQL_DATA,    "a division by zero")                                                   \
        X(RANGE,         SQL_DATA,    "a value out of its type's range")                                      \
        X(DATE_RANGE,    SQL_DATA,    "a date or time that there is not")                                     \
        X(MANY_ROWS,     SQL_DATA,    "a subquery that stands for one value gives more than one row")         \
        X(VALUE,         SQL_DATA,    "a value on which the SQL fails")                                       \
        X(NOT_SUPPORTED, SQL_REFUSED, "the engine does not support this")                                     \
        X(NOT_ALLOWED,   SQL_REFUSED, "the engine refuses this")                                              \
        X(MEMORY,        MEMORY,      "the statement needs more memory than a worker may have")               \
        X(SPILL_FULL,    DISK_FULL,   "no space is left for the statement's temporary files")                 \
        X(FILE,          IO,          "a file of the statement cannot be read or written")                    \
        X(ROW_SIZE,      LIMIT,       "a result row is over %1 bytes")                                        \
        X(TREE_SIZE,     LIMIT,       "the statement is too large: its syntax tree is over %1 bytes")         \
        X(INTERRUPTED,   INTERRUPTED, "the statement was interrupted")                                        \
        X(UNSENDABLE,    LIMIT,       "an answer of the worker is over its limit")                            \
        X(ENGINE,        INTERNAL,    "the engine failed inside; its worker ended")                           \
        X(OTHER,         INTERNAL,    "the worker failed")                                                    \
        X(REASON,        OK,          "") /* a failure of our own code: a row of base/reason.h */
/* clang-format on */

typedef enum FailureKind {
#define X(name, status, words) FAILURE_##name,
        FAILURE_TABLE(X)
#undef X
                FAILURE_COUNT
} FailureKind;

#define FAILURE_ARGUMENTS_MAX 2
#define FAILURE_CANDIDATES_MAX 5
#define FAILURE_TEXT_MAX 400 /* bytes of one argument; a longer one is cut */

typedef struct Failure {
        FailureKind kind;
        Status status;                          /* of REASON: that of the reason; otherwise the table's */
        int64_t position;                       /* byte offset in the SQL that was sent, or -1 */
        Str arguments[FAILURE_ARGUMENTS_MAX];   /* names and words of the SQL, never values */
        Str candidates[FAILURE_CANDIDATES_MAX]; /* names the engine finds near */
        Str detail;                             /* the engine's sentence: may hold values and paths */
        const Error *reason;                    /* REASON only; borrowed, or in the arena that it was read into */
} Failure;

void failure_write(Buf *out, const Failure *failure);
/* CORRUPT on anything that is not a failure. Texts are cut to their limits and cleaned: what is not UTF-8 or is a
 * control character becomes '?'. They live in the arena. */
Status failure_read(Cursor *cursor, Arena *arena, Failure *out, Error *err);
/* Our own code's Error as a REASON; borrows it. */
Failure failure_of_error(const Error *err);
/*
 * The failure in words; returns its status. `sql` (may be empty) is the user's own text, if that is what was sent:
 * then the error gets a place in it. `with_detail` adds the engine's sentence, which only an administrator may see.
 */
Status failure_to_error(const Failure *failure, Str sql, bool with_detail, Error *err);
