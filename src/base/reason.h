/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reason: why our own code in a worker failed, as a number and typed arguments. A worker sends nothing else; the words
 * are made of this table by `lode`, so that no worker can put a sentence of its own before anybody. What has no reason
 * here is told by a worker as UNEXPLAINED: its words stay where they are.
 *
 * The rooms whose code runs in a worker raise their failures with error_reason(); in `lode` itself they read the same.
 *
 *      return error_reason(err, HEADER_WIDTH, reason_number(count), reason_number(FORMAT_COLUMNS_MAX));
 *
 * Types of arguments: n an integer; e a number of errno, shown in the system's words; t a text out of the user's file,
 * at most REASON_TEXT_MAX bytes, shown between quotes with all that is not printable escaped.
 * Errors: a number, count, type or size that is not the table's is CORRUPT when it is read (a worker that lies), and a
 * broken invariant when it is raised.
 */
#include "base/buf.h"

#define REASON_ARGUMENTS_MAX 4
#define REASON_TEXT_MAX 120 /* bytes; a longer text is cut where the failure is raised */

/* The remedy of everything that this kernel has no box for. */
#define REASON_NO_BOX "SQL and files run only in a box: Linux 5.13 or newer, with Landlock and seccomp switched on; LODE_UNSAFE_NO_SANDBOX=1 does without"

/* name, kind of failure, types of %1 %2 ..., words, what to do */
/* clang-format off */
#define REASON_TABLE(X)                                                                                                              \
        X(UNEXPLAINED,     INTERNAL,    "",     "the worker failed inside", "")                                                      \
        X(REFUSED,         INTERNAL,    "",     "the worker refuses what it was asked", "")                                          \
        X(TOO_MUCH,        LIMIT,       "",     "the worker met one of its limits", "")                                              \
        X(INTERRUPTED,     INTERRUPTED, "",     "interrupted while reading the delivery", "")                                        \
        /* bytes of a delivery */                                                                                                    \
        X(IS_ZIP,          HELD,        "",     "the file is a zip archive", "archives in archives are not unpacked") \
        X(IS_PARQUET,      HELD,        "",     "the file is a Parquet file", "the source's text says how its files are read: format: parquet") \
        X(IS_OFFICE,       HELD,        "",     "the file is an old Excel or Office file, which is not read", "save the sheet as CSV UTF-8") \
        X(IS_OPEN_DOCUMENT, HELD,       "",     "the file is an OpenDocument, such as a sheet of LibreOffice (.ods), which is not read", "save the sheet as CSV UTF-8 or .xlsx") \
        X(IS_PDF,          HELD,        "",     "the file is a PDF, which is not read", "CSV, JSON, Excel workbooks, Parquet, Avro and lines of fixed width are read")          \
        X(IS_NO_TABLE,     HELD,        "t",    "the file is %1, and no table", "CSV, JSON, Excel workbooks, Parquet, Avro and lines of fixed width are read")                                    \
        X(IS_EBCDIC,       HELD,        "",     "the file is text in EBCDIC, as mainframes write it, which is not read", "let the sender convert it, as iconv -f IBM037 -t UTF-8 does") \
        X(IS_DRESSED_JSON, HELD,        "t",    "the file is JSON %1, which is no JSON", "ask for the JSON alone") \
        X(IS_HTML,         HELD,        "",     "the file is a web page (HTML), and no table", "is it what a server said instead of the data? ask for the file again") \
        X(IS_PROSE,        HELD,        "",     "the file is prose: lines of words, in paragraphs, that nothing parts into fields", "if its lines are data, write a source for them by hand") \
        X(IS_WORKBOOK,     HELD,        "",     "the file is a workbook, or another document of an office program", "`format: xlsx` in the source's text reads workbooks")  \
        X(IS_TAR,          HELD,        "",     "the file is a tar archive", "archives in archives are not unpacked")                   \
        X(AVRO_HEADER,     HELD,        "",     "the file begins as Avro, and its header cannot be read", "ask for the file again")  \
        X(AVRO_CODEC,      HELD,        "t",    "the file's blocks are packed by '%1', which is not read", "null, deflate, snappy, zstandard, bzip2 and xz are read") \
        X(AVRO_BLOCK,      HELD,        "nn",   "block %1 of the Avro file, at byte %2, is damaged or cut", "ask for the file again") \
        X(AVRO_SIZE,       HELD,        "nnn",  "block %1 of the Avro file, at byte %2, has more than %3 MB, the limit", "let the sender write smaller blocks") \
        X(AVRO_NOT,        HELD,        "",     "the source says avro, and the file is none", "") \
        X(PARQUET_NOT,     HELD,        "",     "the source says parquet, and the file is none, or was cut short", "ask for the file again") \
        X(PARQUET_FOOTER,  HELD,        "",     "the footer of the Parquet file is damaged, or says what cannot be", "ask for the file again") \
        X(PARQUET_FOOTER_SIZE, HELD,    "n",    "the footer of the Parquet file has more than %1 MB, the limit", "let the sender write fewer and larger row groups") \
        X(PARQUET_ENCRYPTED, HELD,      "",     "the Parquet file is encrypted, which is not read", "send it without encryption") \
        X(PARQUET_PACKED,  HELD,        "",     "the file is a Parquet file inside of another compression", "Parquet packs its own pages: send the file as it is") \
        X(PARQUET_DAMAGED, HELD,        "",     "a page of the Parquet file is damaged", "ask for the file again") \
        X(PARQUET_PAGE,    HELD,        "tn",   "column '%1' of the Parquet file is damaged in the chunk at byte %2", "ask for the file again") \
        X(PARQUET_CODEC,   HELD,        "t",    "the Parquet file's pages are packed by '%1', which is not read", "snappy, gzip, zstd and lz4 are read") \
        X(PARQUET_ENCODING, HELD,       "tn",   "column '%1' of the Parquet file is in encoding %2, which is not read for its type", "let the sender write it with the usual encodings") \
        X(PARQUET_PAGE_SIZE, HELD,      "nn",   "a page of the Parquet file has more than %1 MB or %2 values, the limit", "let the sender write smaller pages") \
        X(PARQUET_VALUES,  HELD,        "t",    "column '%1' of the Parquet file has records with more values than are read at once", "let the sender write smaller row groups or lists") \
        X(PARQUET_NESTED,  HELD,        "t",    "the levels of the columns below '%1' do not go together", "ask for the file again") \
        X(IS_AVRO,         HELD,        "",     "the file is an Avro file", "the source's text says how its files are read: format: avro") \
        X(TYPED_TEXT,      HELD,        "n",    "the records before record %1 have more than 2 GB as text", "") \
        X(TYPE_CLASH,      HELD,        "ttt",  "column '%1' is declared '%2', and the file has it as '%3'", "if the feed has changed for good, correct the source's column; if not, have the file sent again") \
        X(PACKED_DAMAGED,  HELD,        "tn",   "the data, compressed by '%1', is damaged near byte %2", "ask for the file again")       \
        X(PACKED_TAIL,     HELD,        "tn",   "bytes that are no '%1' follow the compressed data at byte %2", "ask for the file again") \
        X(PACKED_CUT,      HELD,        "t",    "the data, compressed by '%1', ends too early: the file was cut short", "ask for the file again") \
        X(PACKED_MEMORY,   HELD,        "tn",   "decompressing this '%1' file takes more than %2 MB of memory, the limit", "compress it with a smaller window or dictionary (zstd without --long, xz -9 at most)") \
        X(PACKED_TWICE,    HELD,        "t",    "the file is compressed twice: inside is '%1' data", "decompress it once")             \
        X(PACKED_BOMB,     HELD,        "nn",   "the file holds more than %1 times its size, which is the limit for what has more than %2 GB when decompressed", "if it is meant, send it decompressed or in parts") \
        X(ARCHIVE_DAMAGED, HELD,        "",     "the archive is damaged, or was cut short", "ask for the file again")              \
        X(ARCHIVE_CUT,     HELD,        "",     "the archive ends too early: the file was cut short", "ask for the file again")    \
        X(ARCHIVE_ENCRYPTED, HELD,      "t",    "the archive's member '%1' is encrypted", "send it without a password")          \
        X(ARCHIVE_METHOD,  HELD,        "tn",   "the archive's member '%1' is compressed by zip's method %2, which is not read", "pack it with the usual one, deflate") \
        X(ARCHIVE_OUTSIDE, HELD,        "t",    "the archive's member '%1' would lie outside of it", "no member's name may lead up or begin with a slash") \
        X(ARCHIVE_NAME,    HELD,        "t",    "the archive's member '%1' has a name that no file of ours can have", "names are of 400 bytes at most, in 8 folders, without control characters") \
        X(ARCHIVE_KIND,    HELD,        "t",    "the archive's member '%1' is a link, a device or a part of a file, and no file", "pack files alone") \
        X(ARCHIVE_TWICE,   HELD,        "t",    "two members of the archive are called '%1'", "")                                 \
        X(ARCHIVE_MEMBERS, HELD,        "n",    "the archive has more than %1 members, the limit", "send it in parts")           \
        X(PACKED_START,    INTERNAL,    "t",    "the decoder of '%1' does not start", "")                                            \
        X(INFLATED,        HELD,        "n",    "the file has more than %1 bytes when decompressed, its limit", "")                  \
        X(IS_ENCRYPTED,    HELD,        "",     "the file is an Office file that a password protects, which is not read", "save it without a password") \
        X(WORKBOOK_NOT,    HELD,        "",     "the source says xlsx, and the file is none", "")                                    \
        X(WORKBOOK_ZIP,    HELD,        "",     "the file is a zip archive that is damaged, or was cut short", "open it in a spreadsheet program and save it again") \
        X(WORKBOOK_ENTRIES, HELD,       "n",    "the workbook's zip archive lists more parts than a list of %1 bytes names, its limit", "") \
        X(WORKBOOK_LACKS,  HELD,        "t",    "the workbook lacks its part '%1'", "open it in a spreadsheet program and save it again") \
        X(WORKBOOK_PACKED, HELD,        "t",    "the workbook's part '%1' is encrypted or compressed in a way that workbooks are not", "") \
        X(WORKBOOK_CRC,    HELD,        "t",    "the workbook's part '%1' is damaged", "open it in a spreadsheet program and save it again") \
        X(WORKBOOK_PART,   HELD,        "tn",   "the workbook's part '%1' has more than %2 bytes when decompressed, its limit", "") \
        X(WORKBOOK_XML,    HELD,        "tn",   "the workbook's part '%1' is no well-formed XML at line %2", "open it in a spreadsheet program and save it again") \
        X(WORKBOOK_DTD,    HELD,        "t",    "the workbook's part '%1' declares a document type, which workbooks do not", "")     \
        X(WORKBOOK_DEPTH,  HELD,        "tn",   "the workbook's part '%1' is nested deeper than %2 elements, its limit", "")         \
        X(WORKBOOK_TAG,    HELD,        "tn",   "the workbook's part '%1' has a tag of more than %2 bytes, its limit", "")           \
        X(WORKBOOK_TEXTS,  HELD,        "n",    "the workbook's shared texts take more than %1 bytes, their limit", "save the sheet as CSV UTF-8") \
        X(WORKBOOK_SHEETS, HELD,        "n",    "the workbook has more than %1 sheets, its limit", "")                               \
        X(WORKBOOK_EMPTY,  HELD,        "",     "the workbook has no sheet with cells", "")                                          \
        X(SHEET_NONE,      HELD,        "tt",   "the workbook has no sheet '%1'; its sheets are '%2'", "correct `sheet` in the source") \
        X(SHEET_COLUMN,    HELD,        "tn",   "cell '%1' stands beyond column %2, the last that is read", "`range` reads a part of the sheet") \
        X(SHEET_ROW,       HELD,        "nn",   "row %1 of the sheet stands behind row %2", "open it in a spreadsheet program and save it again") \
        X(SHEET_CELL,      HELD,        "tn",   "in row %2 of the sheet, '%1' is no place for a cell, or is taken", "open it in a spreadsheet program and save it again") \
        X(SHEET_TEXT,      HELD,        "t",    "cell '%1' names a shared text that the workbook does not have", "open it in a spreadsheet program and save it again") \
        X(SHEET_HEADER,    HELD,        "t",    "sheet '%1' has another header than the sheets before it", "give it a source of its own: `sheet` names the sheets of a source") \
        X(HEADER_SHORT,    HELD,        "n",    "the header, row %1 of the sheet, is over the limit for a record", "")               \
        /* its records */                                                                                                            \
        X(RECORD_LIMIT,    HELD,        "nn",   "line %1 is over the limit of %2 bytes for a record", "")                            \
        X(RECORD_WIDTH,    HELD,        "nnn",  "line %1 has %2 fields; at most %3 are read", "")                                    \
        X(HEADER_QUOTE,    HELD,        "n",    "the header on line %1 has a quote in a wrong place, or one that is never closed", "correct the file, or say how it is quoted: quote: none, or another quote") \
        X(HEADER_LIMIT,    HELD,        "nn",   "the header on line %1 is over the limit of %2 bytes for a record", "")              \
        X(HEADER_WIDTH,    HELD,        "nn",   "the header has %1 fields; at most %2 are read", "")                                 \
        X(SCHEMA_LIMIT,    HELD,        "n",    "the file names more columns than are read, or nests them too deeply; at most %1 are read", "a file so wide is often a matrix: turn it into rows of key and value") \
        X(HEADER_SIZE,     HELD,        "nn",   "the header has %1 bytes; at most %2 are read", "")                                  \
        X(HEADER_UTF8,     HELD,        "n",    "the header on line %1 is not text of the source's encoding", "the source's text says it: encoding: cp1252")                                            \
        X(HEADER_NUL,      HELD,        "n",    "the header on line %1 holds a NUL byte", "")                                        \
        X(HEADER_STRANGE,  HELD,        "t",    "the header names none of the source's columns; it begins with '%1'", "perhaps the file has no header, another delimiter, or belongs to another source") \
        X(JSON_BROKEN,     HELD,        "nnt",  "the document is not JSON from line %1, column %2 on: %3", "nobody can tell where its next record begins; ask for it again, or send JSON lines, of which a bad one is kept alone") \
        X(JSON_LIMIT,      HELD,        "nn",   "a value near line %1 is over the limit of %2 bytes for a record", "if the records are a list inside the document, name its path: records: PATH") \
        X(JSON_KEYS,       HELD,        "nn",   "the record on line %1 brings more different keys than can be columns (%2)", "where keys are data, keep their object as text: a text column with the object's own key") \
        X(JSON_NOTHING,    HELD,        "t",    "the document has nothing at the path '%1' of its records", "") \
        X(KEYS_STRANGE,    HELD,        "t",    "no record has a key that the source's columns name; the first key is '%1'", "perhaps the records are deeper in the document (records: PATH), or it belongs to another source") \
        X(TEXT_UNSURE,     HELD,        "tttt", "the file's text is not UTF-8; as %1 it has '%2' and as %3 '%4', and nothing tells which", "say its encoding in a source written by hand") \
        X(TEXT_UTF8,       HELD,        "",     "the file's text is not UTF-8, and no other encoding makes sense of it", "if it is text, say its encoding in a source written by hand") \
        X(TEXT_NUL,        HELD,        "",     "the file holds NUL bytes: it is no text", "") \
        X(NO_CSV,          HELD,        "",     "no record of the file can be read as CSV", "is it a table of lines and fields? XML and the like are not read") \
        X(SEVERAL_TABLES,  HELD,        "nnn",  "the file holds several tables: lines %1 to %2 are another one than those from line %3 on", "split it, a file for each table") \
        X(FILE_EMPTY,      HELD,        "",     "the file is empty: nothing but blanks is in it", "was it a failed export? ask for the file again") \
        X(JSON_EMPTY,      HELD,        "",     "the file is an empty list", "add one of the feed that has records")             \
        X(JSON_DEPTH,      HELD,        "n",    "the file nests more than %1 values inside each other, the limit", "")            \
        X(JSON_BAD,        HELD,        "",     "no record of the file is JSON that can be read", "is it cut short, or something else?") \
        X(NO_RECORDS,      HELD,        "",     "the file has no records: it is empty or blank", "add one of the feed that has some") \
        X(FILE_WIDTH,      LIMIT,       "nn",   "the file has %1 columns; at most %2 are read", "a file so wide is often a matrix: turn it into rows of key and value") \
        X(COUNTS,          INTERNAL,    "nnnn", "the delivery's records do not add up: %1 read, %2 accepted, %3 quarantined, %4 skipped", "") \
        X(LOCATED_SIZE,    LIMIT,       "n",    "the records' text is more than %1 MB together; ask for fewer rows", "")             \
        /* files and memory */                                                                                                       \
        X(READ,            IO,          "e",    "cannot read the file: %1", "")                                                      \
        X(WRITE,           IO,          "e",    "the worker cannot read or write a file: %1", "")                                    \
        X(FULL,            DISK_FULL,   "e",    "the worker cannot write a file: %1", "")                                            \
        X(MEMORY,          MEMORY,      "",     "the worker has not the memory for this", "")                                        \
        X(BUILT_OPEN,      IO,          "e",    "cannot open the file just built: %1", "")                                           \
        X(BUILT_BROKEN,    CORRUPT,     "",     "the file just built is not one that Lode can publish", "")                          \
        /* how a worker starts */                                                                                                    \
        X(BOX_PATH,        SANDBOX,     "e",    "a folder of the worker cannot be opened: %1", REASON_NO_BOX)                        \
        X(BOX_LANDLOCK,    SANDBOX,     "e",    "this kernel has no Landlock: %1", REASON_NO_BOX)                                    \
        X(BOX_RULES,       SANDBOX,     "e",    "Landlock makes no rules: %1", REASON_NO_BOX)                                        \
        X(BOX_RULE,        SANDBOX,     "e",    "Landlock takes no rule for a folder of the worker: %1", REASON_NO_BOX)              \
        X(BOX_RESTRICT,    SANDBOX,     "e",    "Landlock does not restrict: %1", REASON_NO_BOX)                                     \
        X(BOX_FILTER,      SANDBOX,     "",     "seccomp makes no filter", REASON_NO_BOX)                                            \
        X(BOX_CALLS,       SANDBOX,     "e",    "this kernel has no seccomp filter: %1", REASON_NO_BOX)                              \
        X(BOX_CORES,       SANDBOX,     "e",    "cannot limit cores: %1", "")                                                        \
        X(BOX_OPEN_FILES,  SANDBOX,     "e",    "cannot limit open files: %1", "")                                                   \
        X(BOX_ADDRESSES,   SANDBOX,     "e",    "cannot limit the address space: %1", "")                                            \
        X(BOX_PARENT,      SANDBOX,     "e",    "cannot tie the worker to its parent: %1", "")                                       \
        X(BOX_PRIVILEGES,  SANDBOX,     "e",    "cannot give up privileges: %1", "")                                                 \
        X(ENGINE_VERSION,  ENGINE,      "tt",   "the engine library is DuckDB '%1'; Lode was reviewed for '%2' and takes no other", "") \
        X(ENGINE_CONFIG,   ENGINE,      "",     "the engine refuses its configuration", "")                                          \
        X(ENGINE_OPEN,     ENGINE,      "",     "the engine does not open", "is the memory limit too small?")                        \
        X(ENGINE_CONNECT,  ENGINE,      "",     "the engine does not connect", "")                                                   \
        X(ENGINE_SETTING,  ENGINE,      "n",    "the engine refuses setting %1 of those that lock it", "")                           \
        X(ENGINE_PARSER,   ENGINE,      "",     "the engine has no parser", "")                                                      \
        X(ENGINE_TYPE,     ENGINE,      "n",    "the engine does not take type %1 of those that a catalog needs", "")                \
        X(ENGINE_FUNCTION, ENGINE,      "n",    "the engine does not take function %1 of those that guard scans", "")                \
        X(THREAD,          IO,          "e",    "cannot start a thread: %1", "")
/* clang-format on */

typedef enum Reason {
#define X(name, status, types, words, remedy) REASON_##name,
        REASON_TABLE(X)
#undef X
                REASON_COUNT
} Reason;

typedef struct ReasonArgument {
        char type; /* n, e or t */
        int64_t number;
        Str text; /* borrowed */
} ReasonArgument;

static inline ReasonArgument reason_number(int64_t number) {
        return (ReasonArgument){ .type = 'n', .number = number };
}

static inline ReasonArgument reason_errno(int number) {
        return (ReasonArgument){ .type = 'e', .number = number };
}

static inline ReasonArgument reason_text(Str text) {
        return (ReasonArgument){ .type = 't', .text = text };
}

/* Records the failure, its words, what to do, and what a worker has to send of it; returns its status. */
#define error_reason(err, ...) ERROR_REASON_(err, __VA_ARGS__, )
#define ERROR_REASON_(err, name, ...) ERROR_REASON_OF_(err, REASON_##name, __VA_ARGS__)
/* The same for a reason that is a value. */
#define error_reason_of(err, ...) ERROR_REASON_OF_(err, __VA_ARGS__, )
#define ERROR_REASON_OF_(err, reason, ...)                                                                       \
        error_failed_(error_reason_at(err, reason, (ReasonArgument[]){ { 0 }, __VA_ARGS__ },                     \
                                      COUNT_OF(((ReasonArgument[]){ { 0 }, __VA_ARGS__ })), __FILE__, __LINE__))

/* arguments[0] is no argument: a list in C is never empty. */
Status error_reason_at(Error *err, Reason reason, const ReasonArgument *arguments, size_t count, const char *file, int line);

/* Whether the failure was raised with this reason, in this program or another. */
bool error_is_reason(const Error *err, Reason reason);

Status reason_status(Reason reason);
const char *reason_types(Reason reason);
const char *reason_words(Reason reason); /* with its %1 */

/*
 * The failure for the other program: u16 reason, u8 count, {u8 type, u64 number | lstr text}. An error that was not
 * raised with a reason is written as what its kind and its errno tell.
 */
void reason_write(Buf *out, const Error *err);
/* CORRUPT, with nothing of what was sent in its words, on anything that the table does not have. */
Status reason_read(Cursor *cursor, Error *out, Error *err);
