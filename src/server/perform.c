/* SPDX-License-Identifier: Apache-2.0 */
/* The session's own statements: transactions, settings, cursors, prepared statements. */
#include <inttypes.h>

#include "engine/client_type.h"
#include "server/session_parts.h"

bool command_wants_worker(const Command *command) {
        if (command_is_literal(command))
                return false;
        return command_asks(command) || command->kind == COMMAND_PREPARE || command->kind == COMMAND_EXECUTE || command->kind == COMMAND_FETCH;
}

static void complete(Session *session, const char *tag) {
        reply_complete(&session->out, str_of(tag));
}

/* Rows that were made ahead, as many as may be sent now, and what ends them. */
static void send_own(Session *session, Portal *portal, const char *tag) {
        Str rows = str_slice(buf_view(&portal->own), portal->own_at, portal->own.size);
        int64_t count = 0;
        size_t size = 0;
        while (size < rows.size && (portal->most == 0 || count < portal->most)) {
                Cursor cursor = cursor_of(str_slice(rows, size + 1, rows.size));
                size += 1 + cursor_be32(&cursor);
                count++;
        }
        buf_append(&session->out, str_slice(rows, 0, size));
        portal->own_at += size;
        if (portal->most > 0 && count == portal->most)
                reply_mark(&session->out, REPLY_SUSPENDED);
        else
                complete(session, tag);
}

static bool in_block(const Session *session) {
        return session->transaction == TRANSACTION_BLOCK || session->transaction == TRANSACTION_FAILED;
}

/* ---- what they answer with ---- */

static void one_text_column(Prepared *prepared, Str name) {
        prepared->columns = ARENA_NEW(&prepared->arena, ReplyColumn);
        prepared->columns[0] = (ReplyColumn){ .name = name, .oid = OID_TEXT, .size = -1, .modifier = -1 };
        prepared->column_count = 1;
        prepared->has_rows = true;
}

static void show_columns(const Session *session, Prepared *prepared) {
        static const char *const names[] = { "name", "setting", "description" };
        if (!prepared->command.all) {
                Str name = prepared->command.name, shown, value, words;
                for (size_t i = 0; settings_at(session->settings, i, &shown, &value, &words); i++)
                        name = str_equal_nocase(shown, name) ? arena_str(&prepared->arena, shown) : name; /* DateStyle, however it was asked for */
                one_text_column(prepared, name);
                return;
        }
        prepared->columns = ARENA_ARRAY(&prepared->arena, ReplyColumn, COUNT_OF(names));
        prepared->column_count = COUNT_OF(names);
        prepared->has_rows = true;
        for (size_t i = 0; i < COUNT_OF(names); i++)
                prepared->columns[i] = (ReplyColumn){ .name = str_of(names[i]), .oid = OID_TEXT, .size = -1, .modifier = -1 };
}

/* Another's columns: of the statement that EXECUTE names, of the cursor that FETCH reads. */
static void columns_of(Prepared *prepared, const Prepared *other) {
        prepared->columns = ARENA_ARRAY(&prepared->arena, ReplyColumn, other->column_count);
        prepared->column_count = other->column_count;
        prepared->has_rows = true;
        for (size_t i = 0; i < other->column_count; i++) {
                prepared->columns[i] = other->columns[i];
                prepared->columns[i].name = arena_str(&prepared->arena, other->columns[i].name);
        }
}

static Status no_cursor(Session *session, Str name, Error *err) {
        return session_refuse(session, "34000", STATUS_NOT_FOUND, err, "cursor \"%.*s\" does not exist", STR_ARG(name));
}

static Status check_values(Session *session, const Command *execute, const Prepared *statement, Error *err) {
        if (execute->value_count == statement->type_count)
                return STATUS_OK;
        return session_refuse(session, "42601", STATUS_SQL_SYNTAX, err, "%zu parameters were given; \"%.*s\" takes %zu", execute->value_count,
                              STR_ARG(execute->name), statement->type_count);
}

static bool same_columns(const Prepared *a, const Prepared *b) {
        bool same = a->column_count == b->column_count;
        for (size_t i = 0; same && i < a->column_count; i++)
                same = a->columns[i].oid == b->columns[i].oid && a->columns[i].modifier == b->columns[i].modifier &&
                       str_equal(a->columns[i].name, b->columns[i].name);
        return same;
}

bool perform_is_outdated(Session *session, const Prepared *prepared) {
        const Command *command = &prepared->command;
        if (command->kind == COMMAND_EXECUTE) {
                const Prepared *statement = session_find_statement(session, command->name);
                return statement && (statement->has_rows != prepared->has_rows || (statement->has_rows && !same_columns(statement, prepared)));
        }
        const Portal *cursor = command->kind == COMMAND_FETCH && !command->move ? session_find_portal(session, command->name) : NULL;
        return cursor && !same_columns(cursor->prepared, prepared);
}

Status perform_describe(Session *session, Prepared *prepared, Error *err) {
        const Command *command = &prepared->command;
        const Prepared *statement;
        const Portal *cursor;
        switch (command->kind) {
        case COMMAND_SHOW:
                if (!command->all && !settings_get(session->settings, command->name).data)
                        return error_set(err, STATUS_NOT_FOUND, "unrecognized configuration parameter \"%.*s\"", STR_ARG(command->name));
                show_columns(session, prepared);
                return STATUS_OK;
        case COMMAND_EXPLAIN:
                one_text_column(prepared, STR("QUERY PLAN"));
                return STATUS_OK;
        case COMMAND_EXECUTE:
                statement = session_find_statement(session, command->name);
                if (!statement)
                        return session_no_statement(session, command->name, err);
                TRY(check_values(session, command, statement, err));
                if (statement->has_rows)
                        columns_of(prepared, statement);
                return STATUS_OK;
        case COMMAND_FETCH:
                cursor = session_find_portal(session, command->name);
                if (!cursor)
                        return no_cursor(session, command->name, err);
                if (!command->move)
                        columns_of(prepared, cursor->prepared);
                return STATUS_OK;
        default:
                prepared->has_rows = false; /* of a DECLARE and a COPY the columns are not the answer's */
                return STATUS_OK;
        }
}

/* ---- transactions ---- */

static Status do_begin(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        if (in_block(session))
                session_warn(session, "25001", "there is already a transaction in progress");
        else
                session_begin(session, TRANSACTION_BLOCK);
        if (command->value_count > 0)
                TRY(settings_set(session->settings, command->name, command->values[0], true, err));
        complete(session, str_starts_with(arena_lower(&portal->arena, command->text), STR("start")) ? "START TRANSACTION" : "BEGIN");
        return STATUS_OK;
}

static Status want_block(Session *session, const char *what, Error *err) {
        if (in_block(session))
                return STATUS_OK;
        return session_refuse(session, "25P01", STATUS_SQL_REFUSED, err, "%s can only be used in transaction blocks", what);
}

static Status end_transaction(Session *session, bool commit) {
        bool failed = session->transaction == TRANSACTION_FAILED;
        if (!in_block(session))
                session_warn(session, "25P01", "there is no transaction in progress");
        session_end_transaction(session, commit && !failed);
        complete(session, commit && !failed ? "COMMIT" : "ROLLBACK");
        return STATUS_OK;
}

/* What a transaction is, which one that is chained to it is too. */
static const char *const CHARACTERISTICS[] = { "transaction_isolation", "transaction_read_only", "transaction_deferrable" };

static Status end_and_chain(Session *session, Portal *portal, bool commit, Error *err) {
        Str values[COUNT_OF(CHARACTERISTICS)];
        TRY(want_block(session, commit ? "COMMIT AND CHAIN" : "ROLLBACK AND CHAIN", err));
        for (size_t i = 0; i < COUNT_OF(values); i++)
                values[i] = arena_str(&portal->arena, settings_get(session->settings, str_of(CHARACTERISTICS[i])));
        TRY(end_transaction(session, commit));
        session_begin(session, TRANSACTION_BLOCK);
        for (size_t i = 0; i < COUNT_OF(values); i++)
                TRY(settings_set(session->settings, str_of(CHARACTERISTICS[i]), values[i], true, err));
        return STATUS_OK;
}

static Status do_end(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        bool commit = command->kind == COMMAND_COMMIT;
        return command->chain ? end_and_chain(session, portal, commit, err) : end_transaction(session, commit);
}

static Status do_savepoint(Session *session, Portal *portal, Error *err) {
        TRY(want_block(session, "SAVEPOINT", err));
        if (settings_level(session->settings) >= SAVEPOINTS_MOST)
                return error_set(err, STATUS_LIMIT, "a transaction may have %d savepoints at a time", SAVEPOINTS_MOST);
        Savepoint *savepoint = calloc(1, sizeof(*savepoint));
        char *name = strndup(portal->prepared->command.name.data, portal->prepared->command.name.size);
        if (!savepoint || !name)
                out_of_memory();
        *savepoint = (Savepoint){ session->savepoints, name, settings_savepoint(session->settings) };
        session->savepoints = savepoint;
        complete(session, "SAVEPOINT");
        return STATUS_OK;
}

/* Down to the savepoint of that name; it too goes, if asked. *out_level: its own. */
static Status drop_savepoints(Session *session, Str name, bool with_it, size_t *out_level, Error *err) {
        Savepoint *found = session->savepoints;
        while (found && !str_is(name, found->name))
                found = found->below;
        if (!found)
                return session_refuse(session, "3B001", STATUS_NOT_FOUND, err, "savepoint \"%.*s\" does not exist", STR_ARG(name));
        *out_level = found->level;
        while (session->savepoints != (with_it ? found->below : found)) {
                Savepoint *top = session->savepoints;
                bool last = top == found;
                session->savepoints = top->below;
                free(top->name);
                free(top);
                if (last)
                        break;
        }
        return STATUS_OK;
}

static Status do_release(Session *session, Portal *portal, Error *err) {
        size_t level;
        TRY(want_block(session, "RELEASE SAVEPOINT", err));
        TRY(drop_savepoints(session, portal->prepared->command.name, true, &level, err));
        settings_release(session->settings, level);
        for (Named *named = session->portals; named; named = named->next)
                if (named->portal->level >= level)
                        named->portal->level = level - 1;
        complete(session, "RELEASE");
        return STATUS_OK;
}

static Status do_rollback_to(Session *session, Portal *portal, Error *err) {
        size_t level;
        TRY(want_block(session, "ROLLBACK TO SAVEPOINT", err));
        TRY(drop_savepoints(session, portal->prepared->command.name, false, &level, err));
        session->transaction = TRANSACTION_BLOCK;
        session_undo(session, level);
        complete(session, "ROLLBACK");
        return STATUS_OK;
}

/* ---- settings ---- */

static bool is_plain_name(Str name) {
        bool plain = name.size > 0 && !(name.data[0] >= '0' && name.data[0] <= '9');
        for (size_t i = 0; i < name.size; i++)
                plain &= (name.data[i] >= 'a' && name.data[i] <= 'z') || (name.data[i] >= '0' && name.data[i] <= '9') || name.data[i] == '_';
        return plain;
}

/* A list as PostgreSQL keeps it: a, "B c". Only of search_path are the values names. */
static Str join(Arena *arena, const Command *command) {
        CLEANUP(buf_deinit) Buf all = { 0 };
        bool names = str_is(command->name, "search_path");
        for (size_t i = 0; i < command->value_count; i++) {
                buf_append_cstr(&all, i ? ", " : "");
                if (!names || is_plain_name(command->values[i]))
                        buf_append(&all, command->values[i]);
                else
                        buf_append_quoted(&all, command->values[i], '"');
        }
        return buf_dup(&all, arena);
}

static Status do_set(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        if (command->local && !in_block(session) && !session->is_one_of)
                session_warn(session, "25P01", str_is(command->name, "transaction_isolation") ? "SET TRANSACTION can only be used in transaction blocks"
                                                                                               : "SET LOCAL can only be used in transaction blocks");
        if (command->to_default)
                TRY(session_reset(session, command->name, err));
        else
                TRY(session_set(session, command->name, join(&portal->arena, command), command->local, err));
        complete(session, "SET");
        return STATUS_OK;
}

static Status do_nothing(Session *session, Portal *portal, Error *err UNUSED) {
        complete(session, portal->prepared->command.kind == COMMAND_UNLISTEN ? "UNLISTEN" : "SET");
        return STATUS_OK;
}

static Status do_reset(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        if (command->all)
                settings_reset_all(session->settings);
        else
                TRY(session_reset(session, command->name, err));
        complete(session, "RESET");
        return STATUS_OK;
}

static Status do_show(Session *session, Portal *portal, Error *err UNUSED) {
        const Command *command = &portal->prepared->command;
        Str name, value, words;
        for (size_t i = 0; portal->state == PORTAL_NEW && settings_at(session->settings, i, &name, &value, &words); i++) {
                if (!command->all && !str_equal_nocase(name, command->name))
                        continue;
                size_t mark = reply_row_begin(&portal->own, command->all ? 3 : 1);
                if (command->all)
                        reply_row_value(&portal->own, name);
                reply_row_value(&portal->own, value);
                if (command->all)
                        reply_row_value(&portal->own, words);
                reply_row_end(&portal->own, mark);
        }
        portal->state = PORTAL_DONE;
        send_own(session, portal, "SHOW");
        return STATUS_OK;
}

static void drop_statements(Session *session) {
        while (session->statements)
                session_drop_statement(session, str_of(session->statements->name));
}

static void drop_portals(Session *session) {
        while (session->portals)
                session_drop_portal(session, str_of(session->portals->name));
}

static Status do_discard(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        char tag[32];
        if (command->all && (in_block(session) || session->is_one_of))
                return session_refuse(session, "25001", STATUS_SQL_REFUSED, err, "DISCARD ALL cannot run inside a transaction block");
        if (command->all) {
                drop_portals(session);
                drop_statements(session);
                settings_reset_all(session->settings);
                TRY(session_reset(session, STR("session_authorization"), err));
        }
        snprintf(tag, sizeof(tag), "DISCARD %.*s", STR_ARG(command->name));
        for (char *at = tag; *at; at++)
                *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        complete(session, tag);
        return STATUS_OK;
}

/* ---- prepared statements ---- */

static Status do_deallocate(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        if (command->all)
                drop_statements(session);
        else if (!session_find_statement(session, command->name))
                return session_no_statement(session, command->name, err);
        else
                session_drop_statement(session, command->name);
        complete(session, command->all ? "DEALLOCATE ALL" : "DEALLOCATE");
        return STATUS_OK;
}

static Status do_prepare(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        Command *inner;
        size_t count;
        if (session_find_statement(session, command->name))
                return session_refuse(session, "42P05", STATUS_EXISTS, err, "prepared statement \"%.*s\" already exists", STR_ARG(command->name));
        TRY(commands_split(command->inner, &portal->arena, &inner, &count, err));
        if (count != 1)
                return error_set(err, STATUS_SQL_SYNTAX, "PREPARE takes one statement");
        uint32_t *types = ARENA_ARRAY(&portal->arena, uint32_t, command->value_count);
        for (size_t i = 0; i < command->value_count; i++)
                types[i] = parameter_oid_of_word(command->values[i]);
        Prepared *made;
        TRY(prepared_make(session, command->inner, inner, types, command->value_count, &made, err));
        TRY(session_keep_statement(session, command->name, made, err));
        complete(session, "PREPARE");
        return STATUS_OK;
}

/* A literal of SQL: 'text', 12.5, true, null. */
static Status literal_value(Session *session, Str text, Arena *arena, WireParameter *out, Error *err) {
        bool quoted = text.size >= 2 && text.data[0] == '\'' && text.data[text.size - 1] == '\'';
        *out = (WireParameter){ .null = str_equal_nocase(text, STR("null")), .bytes = text };
        for (size_t i = 0; i < text.size && !quoted; i++)
                if (!char_is_one_of(text.data[i], "0123456789.+-eE") && !str_equal_nocase(text, STR("true")) && !str_equal_nocase(text, STR("false")) && !out->null)
                        return session_refuse(session, "0A000", STATUS_SQL_REFUSED, err, "EXECUTE takes literals, not '%.*s'", STR_ARG(text));
        if (!quoted)
                return STATUS_OK;
        char *plain = arena_alloc_raw(arena, text.size);
        size_t size = 0;
        for (size_t i = 1; i + 1 < text.size; i++) {
                plain[size++] = text.data[i];
                i += text.data[i] == '\'';
        }
        out->bytes = (Str){ plain, size };
        return STATUS_OK;
}

static Status read_literals(Session *session, const Command *command, Portal *inner, Error *err) {
        const Prepared *prepared = inner->prepared;
        for (size_t i = 0; i < prepared->type_count; i++) {
                WireParameter parameter;
                bool quoted = command->values[i].data[0] == '\''; /* else a number, which is cast */
                TRY(literal_value(session, command->values[i], &inner->arena, &parameter, err));
                Status status = parameter_read(i + 1, prepared->types[i], quoted ? 0 : PARAMETER_LITERAL, &parameter, &inner->arena, &inner->values[i], err);
                if (status != STATUS_OK)
                        session->sqlstate = status == STATUS_LIMIT ? "22003" : "22P02";
                TRY(status);
        }
        return STATUS_OK;
}

/* What it runs, with its values. */
static Status begin_execute(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        Prepared *prepared = session_find_statement(session, command->name);
        if (!prepared)
                return session_no_statement(session, command->name, err);
        if (prepared->command.kind == COMMAND_EXECUTE) /* names are looked up late, so it could be itself */
                return session_refuse(session, "0A000", STATUS_SQL_REFUSED, err, "\"%.*s\" is an EXECUTE itself; EXECUTE runs what PREPARE was given",
                                      STR_ARG(command->name));
        TRY(check_values(session, command, prepared, err));
        Portal *inner = portal_new(prepared);
        inner->values = ARENA_ARRAY(&inner->arena, SqlValue, prepared->type_count);
        memcpy(inner->formats, portal->formats, (portal->prepared->column_count < prepared->column_count ? portal->prepared->column_count : prepared->column_count) * sizeof(uint16_t));
        portal->inner = inner;
        TRY(read_literals(session, command, inner, err));
        if (portal->columns_ahead && portal->prepared->has_rows)
                portal_reply_columns(session, portal);
        return STATUS_OK;
}

static Status do_execute(Session *session, Portal *portal, Error *err) {
        if (!portal->inner)
                TRY(begin_execute(session, portal, err));
        return session_run_portal(session, portal->inner, portal->most, err);
}

/* ---- cursors ---- */

static SqlValue *values_copy(Arena *arena, const SqlValue *values, size_t count) {
        SqlValue *copy = ARENA_ARRAY(arena, SqlValue, count);
        for (size_t i = 0; i < count; i++) {
                copy[i] = values[i];
                copy[i].text = arena_str(arena, values[i].text);
                copy[i].items = values_copy(arena, values[i].items, values[i].item_count);
        }
        return copy;
}

static Status do_declare(Session *session, Portal *portal, Error *err) {
        Prepared *prepared = portal->prepared;
        const Command *command = &prepared->command;
        if (!command->hold && !session->is_one_of)
                TRY(want_block(session, "DECLARE CURSOR", err));
        if (session_find_portal(session, command->name))
                return session_refuse(session, "42P03", STATUS_EXISTS, err, "cursor \"%.*s\" already exists", STR_ARG(command->name));
        Portal *cursor = portal_new(prepared);
        cursor->values = values_copy(&cursor->arena, portal->values, prepared->type_count);
        cursor->hold = command->hold;
        cursor->is_cursor = true;
        for (size_t i = 0; i < prepared->column_count; i++)
                cursor->formats[i] = command->binary;
        TRY(session_keep_portal(session, command->name, cursor, err));
        complete(session, "DECLARE CURSOR");
        return STATUS_OK;
}

/* Rows come as the FETCH was bound (psycopg's binary cursors); the first one decides, for they are made ahead. */
static Status agree_on_formats(Portal *cursor, const Portal *fetch, Error *err) {
        bool differs = false, binary = false;
        size_t count = cursor->prepared->column_count;
        for (size_t i = 0; i < count && count == fetch->prepared->column_count; i++) {
                binary |= fetch->formats[i] == 1;
                differs |= fetch->formats[i] != cursor->formats[i];
        }
        if (!binary || !differs)
                return STATUS_OK; /* what a BINARY CURSOR said stands */
        if (cursor->state != PORTAL_NEW)
                return error_set(err, STATUS_SQL_REFUSED, "this cursor's rows are being read in another format");
        memcpy(cursor->formats, fetch->formats, count * sizeof(*cursor->formats));
        return STATUS_OK;
}

static Status backwards(Session *session, Error *err) {
        session_refuse(session, "55000", STATUS_SQL_REFUSED, err, "cursor can only scan forward");
        return error_hint(err, "rows are read once, as they come: FETCH FORWARD n, FETCH ALL, FETCH NEXT, or DECLARE it again");
}

/* How many rows to pass over and how many to read then, from where the cursor stands: `taken` rows in, or behind the last. It
 * goes forward only, by the rules of one that PostgreSQL was told NO SCROLL of. */
static Status find_rows(Session *session, const Command *command, const Portal *cursor, int64_t *out_skip, int64_t *out_count, Error *err) {
        bool at_start = cursor->taken == 0 && !cursor->at_end, on_row = cursor->taken > 0 && !cursor->at_end;
        int64_t place = cursor->taken + cursor->at_end, count = command->count;
        *out_skip = 0;
        *out_count = 1;
        switch (command->direction) {
        case FETCH_FORWARD:
                *out_count = count;
                return count == 0 && on_row ? backwards(session, err) : STATUS_OK; /* 0 is the row that it stands on */
        case FETCH_BACKWARD:
                *out_count = 0;
                return at_start && command->move && count == FETCH_ALL ? STATUS_OK : backwards(session, err);
        case FETCH_ABSOLUTE:
                *out_skip = count - place - 1;
                if (count == 0 && at_start)
                        *out_skip = *out_count = 0;
                return *out_skip < 0 ? backwards(session, err) : STATUS_OK;
        case FETCH_RELATIVE:
                *out_count = count > 0;
                *out_skip = count > 0 ? count - 1 : 0;
                return count < 0 || (count == 0 && on_row) ? backwards(session, err) : STATUS_OK;
        }
        return STATUS_OK;
}

/* Of a portal that was bound by message, too, if it asks: rows of the session's own are sent by Execute alone. */
static Status find_cursor(Session *session, Str name, Portal **out, Error *err) {
        Portal *cursor = session_find_portal(session, name);
        if (!cursor)
                return no_cursor(session, name, err);
        if (!cursor->is_cursor && cursor->prepared->command.kind != COMMAND_QUERY)
                return session_refuse(session, "55000", STATUS_SQL_REFUSED, err, "\"%.*s\" is a portal of a statement that is no question", STR_ARG(name));
        *out = cursor;
        return STATUS_OK;
}

/* Passes over what is before its first row. What it has to send, the cursor owes it. */
static Status begin_fetch(Session *session, Portal *portal, Portal *cursor, Error *err) {
        int64_t skip, count, passed;
        TRY(agree_on_formats(cursor, portal, err));
        TRY(portal_settle(session, cursor, err));
        TRY(find_rows(session, &portal->prepared->command, cursor, &skip, &count, err));
        TRY(portal_fetch(session, cursor, skip, true, &passed, err));
        portal->fetch_number = cursor->owed_to = ++session->fetch_count;
        cursor->owed = count;
        if (portal->columns_ahead && portal->prepared->has_rows)
                portal_reply_columns(session, portal);
        return STATUS_OK;
}

/* The next rows of what it is owed. PostgreSQL runs a FETCH whole and keeps what was not sent yet; here that stays in the cursor. */
static Status go_on_fetching(Session *session, Portal *portal, int64_t *out_count, Error *err) {
        const Command *command = &portal->prepared->command;
        Portal *cursor;
        *out_count = 0;
        if (portal->at_end)
                return STATUS_OK; /* all was sent, wherever the cursor is now */
        TRY(find_cursor(session, command->name, &cursor, err));
        if (portal->fetch_number == 0)
                TRY(begin_fetch(session, portal, cursor, err));
        if (portal->fetch_number != cursor->owed_to)
                return session_refuse(session, "55000", STATUS_SQL_REFUSED, err, "cursor \"%.*s\" was used before all rows of this FETCH were sent",
                                      STR_ARG(command->name));
        int64_t owed = cursor->owed;
        bool limited = portal->most > 0 && portal->most < owed && !command->move;
        TRY(portal_fetch(session, cursor, limited ? portal->most : owed, command->move, out_count, err));
        cursor->owed = cursor->at_end ? 0 : owed == FETCH_ALL ? owed : owed - *out_count;
        portal->at_end = cursor->owed == 0;
        return STATUS_OK;
}

/* MOVE 0 tells whether the cursor stands on a row. */
static bool tells_place(const Command *command) {
        return command->move && command->count == 0 && command->direction != FETCH_ABSOLUTE;
}

static Status tell_place(Session *session, const Command *command, int64_t *out_count, Error *err) {
        Portal *cursor;
        TRY(find_cursor(session, command->name, &cursor, err));
        TRY(portal_settle(session, cursor, err));
        *out_count = cursor->taken > 0 && !cursor->at_end;
        return STATUS_OK;
}

static Status do_fetch(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        int64_t count = 0;
        char tag[40];
        if (tells_place(command))
                TRY(tell_place(session, command, &count, err));
        else if (portal->state != PORTAL_DONE)
                TRY(go_on_fetching(session, portal, &count, err));
        if (!command->move && portal->most > 0 && count == portal->most) {
                reply_mark(&session->out, REPLY_SUSPENDED);
                return STATUS_OK;
        }
        portal->state = PORTAL_DONE; /* another Execute of the same has no more */
        snprintf(tag, sizeof(tag), "%s %" PRId64, command->move ? "MOVE" : "FETCH", count);
        complete(session, tag);
        return STATUS_OK;
}

static Status do_close(Session *session, Portal *portal, Error *err) {
        const Command *command = &portal->prepared->command;
        if (!command->all && !session_find_portal(session, command->name))
                return no_cursor(session, command->name, err);
        if (command->all)
                drop_portals(session);
        else
                session_drop_portal(session, command->name);
        complete(session, command->all ? "CLOSE CURSOR ALL" : "CLOSE CURSOR");
        return STATUS_OK;
}

/* ---- the rest ---- */

static Status do_empty(Session *session, Portal *portal UNUSED, Error *err UNUSED) {
        reply_mark(&session->out, REPLY_EMPTY_QUERY);
        return STATUS_OK;
}

static Status do_copy(Session *session, Portal *portal, Error *err) {
        return portal_copy(session, portal, err);
}

static Status do_explain(Session *session, Portal *portal, Error *err) {
        if (portal->state == PORTAL_NEW)
                TRY(portal_explain(session, portal, err));
        send_own(session, portal, "EXPLAIN");
        return STATUS_OK;
}

/* One's own password only; what psql sends is a verifier already, so that the server never sees the password. */
static Status take_password(Session *session, Portal *portal, ScramVerifier *out, Error *err) {
        const Command *command = &portal->prepared->command;
        TRY(session_refresh(session, err));
        if (session_service(session).size > 0 || (command->name.size > 0 && !str_equal(command->name, session->login)))
                return error_set(err, STATUS_DENIED, "only one's own password can be changed here");
        if (scram_verifier_parse(command->values[0], &portal->arena, out, err) != STATUS_OK) {
                error_set(err, STATUS_BAD_VALUE, "a password in clear is not taken");
                return error_hint(err, "psql's \\password sends it as a verifier");
        }
        return scram_verifier_fits(out, STR_NONE) ? error_set(err, STATUS_BAD_VALUE, "an empty password is not taken") : STATUS_OK;
}

static Status do_password(Session *session, Portal *portal, Error *err) {
        ScramVerifier verifier;
        Status status = take_password(session, portal, &verifier, err);
        AuditRecord record = { .principal = session->principal.name, .service = session_service(session), .via = STR("pg"), .action = STR("password"),
                               .rows = -1, .bytes = -1, .denied = status != STATUS_OK };
        if (status != STATUS_OK) {
                Error ignored;
                (void)session->host->audit(session->host->context, &record, false, &ignored);
                return status;
        }
        TRY(session->host->audit(session->host->context, &record, true, err));
        TRY(account_set_verifier(session->thread->lake->catalog, session->login, scram_verifier_print(&portal->arena, &verifier), err));
        complete(session, "ALTER ROLE");
        return STATUS_OK;
}

typedef Status (*Perform)(Session *session, Portal *portal, Error *err);

Status perform(Session *session, Portal *portal, Error *err) {
        static const Perform performers[] = {
                [COMMAND_EMPTY] = do_empty,         [COMMAND_EXPLAIN] = do_explain,   [COMMAND_BEGIN] = do_begin,
                [COMMAND_COMMIT] = do_end,          [COMMAND_ROLLBACK] = do_end,      [COMMAND_SAVEPOINT] = do_savepoint,
                [COMMAND_RELEASE] = do_release,     [COMMAND_ROLLBACK_TO] = do_rollback_to, [COMMAND_SET] = do_set,
                [COMMAND_SET_NOTHING] = do_nothing, [COMMAND_RESET] = do_reset,       [COMMAND_SHOW] = do_show,
                [COMMAND_DISCARD] = do_discard,     [COMMAND_DEALLOCATE] = do_deallocate, [COMMAND_PREPARE] = do_prepare,
                [COMMAND_EXECUTE] = do_execute,     [COMMAND_DECLARE] = do_declare,   [COMMAND_FETCH] = do_fetch,
                [COMMAND_CLOSE] = do_close,         [COMMAND_COPY_OUT] = do_copy,     [COMMAND_UNLISTEN] = do_nothing,
                [COMMAND_PASSWORD] = do_password,
        };
        return performers[portal->prepared->command.kind](session, portal, err);
}
