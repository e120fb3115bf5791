/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON as records, of two kinds.
 *
 * FORMAT_JSONL: values one after the other, each within one line; a line may hold several objects. A line that is not
 * JSON is bad by itself, from the value at fault to its end, and reading goes on with the next. Blank lines are
 * skipped.
 *
 * FORMAT_JSON: a document. Its records are the items of the list that the format's `records` names, or of the list
 * that the document is, or the objects that it consists of. Lists on the way to them are entered. Where the grammar
 * breaks, nobody knows where the next record begins, so the whole file is HELD, with line and column. So is one of
 * nothing but blanks, which is no document.
 *
 * In both, a value whose grammar holds and that still cannot be kept (a key twice, half a surrogate pair, nesting
 * beyond JSON_DEPTH_MAX, NUL, bytes that are not UTF-8) is bad alone.
 *
 * The fields of a record are found by key (see json_tree.h): objects become columns, lists stay JSON text without
 * blanks. null is NULL, as is a key that is not there; "" is an empty text. A record that is no object is a field
 * `value`. Numbers keep their digits as they stand.
 */
#include "frame/reader.h"

extern const ReaderKind json_kind;  /* documents */
extern const ReaderKind jsonl_kind; /* lines */
