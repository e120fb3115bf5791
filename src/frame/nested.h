/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Nested: a list or a struct, which stands in a field as JSON text whatever the file's format is, as a tree of typed
 * values. Exactly or not at all: every element and field is read by the type that it has, by the rules of the source for
 * texts in JSON's quotes, by JSON's own for numbers and words; the first that does not fit is named with its path.
 *
 * null is NULL. A key that is not there is NULL, `{}` is a struct of NULLs and `[]` a list of nothing. A text field takes a
 * number, a word, a list or an object as its text. A key twice does not fit. Keys that no field takes are told, and what
 * becomes of them is the caller's to say. They find their field as columns do, without case where none is equal with it.
 *
 * A tree lies in the arena of whoever asked; texts may point into it. No state, any thread.
 */
#include "frame/misfit.h"
#include "frame/typing.h"

#define NESTED_VALUES_MAX (1u << 20) /* values of one field, those inside each other included */
#define NESTED_UNKNOWN_MAX 1000      /* keys of one field that the type does not have; more are data */

/* A key that the type does not have. */
typedef struct NestedUnknown {
        struct NestedUnknown *next; /* in the order of the text */
        Str path;                   /* as in json_tree.h; the elements of a list are `[]` */
        Str text;                   /* its value: a text's own text, else JSON */
} NestedUnknown;

struct Nested {
        bool null;
        bool met;                     /* for this file alone */
        uint32_t count;               /* of items: a list's, or one for each field of the struct */
        const NestedUnknown *unknown; /* of the root: all below it */
        union {
                Value value; /* of a flat type */
                Nested *items;
        };
};

/* What does not fit: its path from the column on, and what stands there. */
typedef struct NestedFault {
        Rule rule;
        Str path; /* `[2].price`; empty: the field itself */
        Str text;
        int64_t at, fault; /* BAD_JSON: the byte of the field, from 1, and the JsonFault */
} NestedFault;

/* Whether all values in it are of types that text can be read into. */
bool nested_type_is_readable(Type type);
/* typing is of a nested type; text is the field's, unquoted and not empty. */
Rule nested_read(const Typing *typing, Str text, Arena *arena, const Nested **out, NestedFault *fault);
/* What inside a field does not fit, and where: path, field and, of JSON that is none, the place. field: unquoted. */
void nested_look_inside(Misfit *misfit, const Typing *typing, Str field, Arena *arena);
/* JSON text without blanks; dates and the like as texts. */
Str nested_print(const Type *type, const Nested *value, Arena *arena);
/* The path for people: `lines[].sku` for a column and what NestedUnknown calls its path. */
Str nested_path_print(Str column, Str path, Arena *arena);
