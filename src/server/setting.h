/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Settings: what SET, SHOW and RESET are about, one set a session. Values follow transactions as PostgreSQL's do: what a
 * transaction set is gone when it rolls back, what it set LOCAL is gone when it ends.
 *
 * Names are those of PostgreSQL, plus lode.branch and lode.as_of; any other name with a dot in it is kept and means nothing,
 * as PostgreSQL does with the settings of extensions. One thread at a time; owns its values.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct Settings Settings;

Settings *settings_new(void);
void settings_free(Settings *settings); /* NULL is fine */

/* The value, never NULL; STR_NONE if there is no such setting. Valid until the next change. */
Str settings_get(const Settings *settings, Str name);
/* Sets it for the session, or with `local` until the transaction ends. NOT_FOUND, BAD_VALUE, DENIED for what cannot be changed. */
Status settings_set(Settings *settings, Str name, Str value, bool local, Error *err);
Status settings_reset(Settings *settings, Str name, Error *err);
void settings_reset_all(Settings *settings); /* but role and session_authorization, as PostgreSQL does */
/* As the connection begins: becomes what RESET goes back to. Also for settings that SET may not change. */
void settings_begin_with(Settings *settings, Str name, Str value);

void settings_begin_transaction(Settings *settings);
void settings_end_transaction(Settings *settings, bool committed);

/* Savepoints: a level each, numbered from 1, inside a transaction. What is set belongs to the newest; a level that is released leaves it
 * to the one below, one that is undone takes it back and goes on. Both end the levels above. */
size_t settings_savepoint(Settings *settings);
void settings_release(Settings *settings, size_t level);
void settings_undo(Settings *settings, size_t level); /* 0: all that the transaction set; that goes on too */
size_t settings_level(const Settings *settings);      /* 0: there is none */

/* The settings whose value clients are told (ParameterStatus) and that are not what they were told last; NULL when there are
 * no more. Marks it told. */
const char *settings_next_report(Settings *settings, Str *out_value);

/* For SHOW ALL: by index from 0, false after the last. */
bool settings_at(const Settings *settings, size_t index, Str *out_name, Str *out_value, Str *out_words);

/* The names in a search_path: a, "B c". False if it is no list of names. */
bool setting_path(Str value, Arena *arena, Str **out, size_t *out_count);

/* on, true, yes, 1, t, y, or off, false, no, 0, f, n. False if it is none of them. */
bool setting_boolean(Str value, bool *out);

/* Microseconds from "30s", "500ms", "2min", "1h", or a bare number of milliseconds; 0 for 0. Fails otherwise. */
bool setting_duration(Str value, int64_t *out_us);
