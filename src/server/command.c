/* SPDX-License-Identifier: Apache-2.0 */
#include "server/command.h"

#include "base/buf.h"
#include "base/vec.h"
#include "server/timezone.h"
#include "sql/lexer.h"

#define NAME_SIZE_MAX 63 /* bytes; longer ones are cut by PostgreSQL */
#define LITERALS_MAX 1000

/* ---- cutting ---- */

Status commands_split(Str sql, Arena *arena, Command **out, size_t *out_count, Error *err) {
        VEC(Command) commands = { 0 };
        SqlLexer lexer = { .text = sql };
        size_t from = 0;
        bool any = false;
        for (;;) {
                SqlToken token = sql_lex(&lexer);
                bool ended = token.kind == SQL_TOKEN_END;
                if (lexer.unclosed) {
                        error_set(err, STATUS_SQL_SYNTAX, "a quote or comment that begins here is not closed");
                        return error_place(err, "", sql, lexer.unclosed_at);
                }
                if (!ended && !(token.kind == SQL_TOKEN_SYMBOL && token.text.data[0] == ';')) {
                        from = any ? from : token.offset;
                        any = true;
                        continue;
                }
                if (any && commands.count == COMMANDS_MAX)
                        return error_set(err, STATUS_LIMIT, "more than %d statements in one message", COMMANDS_MAX);
                if (any)
                        vec_push(arena, &commands, ((Command){ .text = str_trim(str_slice(sql, from, token.offset)), .offset = from }));
                any = false;
                if (ended)
                        break;
        }
        *out = commands.items;
        *out_count = commands.count;
        return STATUS_OK;
}

/* ---- reading ---- */

typedef struct Reader {
        Str sql; /* all that the client sent, for places */
        Command *command;
        Arena *arena;
        SqlLexer lexer; /* over command->text */
        SqlToken token; /* the next one */
} Reader;

static void advance(Reader *reader) {
        reader->token = sql_lex(&reader->lexer);
}

static Status at_token(const Reader *reader, Error *err) {
        return error_place(err, "", reader->sql, reader->command->offset + reader->token.offset);
}

static Status unexpected(const Reader *reader, const char *wanted, Error *err) {
        if (reader->token.kind == SQL_TOKEN_END)
                error_set(err, STATUS_SQL_SYNTAX, "the statement ends where %s belongs", wanted);
        else
                error_set(err, STATUS_SQL_SYNTAX, "'%.*s' where %s belongs", STR_ARG(reader->token.text), wanted);
        return at_token(reader, err);
}

static bool is_word(const Reader *reader, const char *word) {
        return reader->token.kind == SQL_TOKEN_WORD && str_equal_nocase(reader->token.text, str_of(word));
}

static bool take_word(Reader *reader, const char *word) {
        bool is = is_word(reader, word);
        if (is)
                advance(reader);
        return is;
}

static bool is_symbol(const Reader *reader, char symbol) {
        return reader->token.kind == SQL_TOKEN_SYMBOL && reader->token.text.data[0] == symbol;
}

static bool take_symbol(Reader *reader, char symbol) {
        bool is = is_symbol(reader, symbol);
        if (is)
                advance(reader);
        return is;
}

static Status want_end(const Reader *reader, Error *err) {
        return reader->token.kind == SQL_TOKEN_END ? STATUS_OK : unexpected(reader, "the end", err);
}

/* The text between the quotes, doubled ones made single; of E'' also the escapes that clients use. */
static Str unquote(Arena *arena, Str quoted) {
        bool escapes = quoted.data[0] == 'e' || quoted.data[0] == 'E';
        Str inner = str_slice(quoted, escapes ? 2 : 1, quoted.size - 1);
        char quote = quoted.data[escapes ? 1 : 0];
        char *text = arena_alloc_raw(arena, inner.size + 1);
        size_t size = 0;
        for (size_t i = 0; i < inner.size; i++) {
                if ((inner.data[i] == quote || (escapes && inner.data[i] == '\\')) && i + 1 < inner.size)
                        i++;
                text[size++] = inner.data[i];
        }
        text[size] = '\0';
        return (Str){ text, size };
}

/* $$text$$ or $tag$text$tag$ */
static Str undollar(Str quoted) {
        size_t tag = str_find_byte(str_slice(quoted, 1, quoted.size), '$') + 2;
        return str_slice(quoted, tag, quoted.size - tag);
}

static Status read_name(Reader *reader, const char *wanted, Str *out, Error *err) {
        if (reader->token.kind == SQL_TOKEN_WORD)
                *out = arena_lower(reader->arena, reader->token.text);
        else if (reader->token.kind == SQL_TOKEN_NAME)
                *out = unquote(reader->arena, reader->token.text);
        else
                return unexpected(reader, wanted, err);
        advance(reader);
        return STATUS_OK;
}

/* A literal's text, a number, or a word as it stands; with a sign before a number. */
static Status read_value(Reader *reader, const char *wanted, Str *out, Error *err) {
        const char *sign = take_symbol(reader, '-') ? "-" : "";
        if (*sign == '\0')
                take_symbol(reader, '+');
        Str text = reader->token.text;
        if (reader->token.kind == SQL_TOKEN_STRING)
                *out = text.data[0] == '$' ? undollar(text) : unquote(reader->arena, text);
        else if (reader->token.kind == SQL_TOKEN_NAME)
                *out = unquote(reader->arena, text);
        else if (reader->token.kind == SQL_TOKEN_WORD || reader->token.kind == SQL_TOKEN_NUMBER)
                *out = arena_strf(reader->arena, "%s%.*s", sign, STR_ARG(text));
        else
                return unexpected(reader, wanted, err);
        advance(reader);
        return STATUS_OK;
}

/* From here to the end of the statement. */
static void take_inner(Reader *reader) {
        Command *command = reader->command;
        command->inner = str_slice(command->text, reader->token.offset, command->text.size);
        command->inner_offset = command->offset + reader->token.offset;
}

/* ---- transactions ---- */

/* ISOLATION LEVEL x among a transaction's modes: the setting's name and value. The others (READ ONLY, DEFERRABLE ...) are
 * taken as they come: every transaction here only reads, and sees one commit. */
static void read_modes(Reader *reader, Str setting) {
        static const char *const levels[][3] = { { "serializable", NULL, "serializable" },
                                                 { "repeatable", "read", "repeatable read" },
                                                 { "read", "committed", "read committed" },
                                                 { "read", "uncommitted", "read uncommitted" } };
        Command *command = reader->command;
        while (reader->token.kind != SQL_TOKEN_END) {
                bool is_level = take_word(reader, "level");
                for (size_t i = 0; is_level && i < COUNT_OF(levels); i++) {
                        Reader behind = *reader;
                        if (!take_word(&behind, levels[i][0]) || (levels[i][1] && !take_word(&behind, levels[i][1])))
                                continue;
                        command->name = setting;
                        command->values = ARENA_NEW(reader->arena, Str);
                        command->values[0] = str_of(levels[i][2]);
                        command->value_count = 1;
                }
                advance(reader);
        }
}

static Status read_begin(Reader *reader, Error *err UNUSED) {
        reader->command->kind = COMMAND_BEGIN;
        read_modes(reader, STR("transaction_isolation"));
        return STATUS_OK;
}

static Status read_start(Reader *reader, Error *err) {
        return take_word(reader, "transaction") ? read_begin(reader, err) : unexpected(reader, "TRANSACTION", err);
}

static void skip_transaction_word(Reader *reader) {
        if (!take_word(reader, "work"))
                take_word(reader, "transaction");
}

static Status read_commit(Reader *reader, Error *err) {
        reader->command->kind = COMMAND_COMMIT;
        skip_transaction_word(reader);
        if (take_word(reader, "and")) {
                reader->command->chain = !take_word(reader, "no");
                if (!take_word(reader, "chain"))
                        return unexpected(reader, "CHAIN", err);
        }
        return want_end(reader, err);
}

static Status read_rollback(Reader *reader, Error *err) {
        Command *command = reader->command;
        skip_transaction_word(reader);
        if (take_word(reader, "to")) {
                command->kind = COMMAND_ROLLBACK_TO;
                take_word(reader, "savepoint");
                TRY(read_name(reader, "a savepoint", &command->name, err));
        } else {
                TRY(read_commit(reader, err));
                command->kind = COMMAND_ROLLBACK;
        }
        return want_end(reader, err);
}

static Status read_savepoint(Reader *reader, Error *err) {
        reader->command->kind = COMMAND_SAVEPOINT;
        TRY(read_name(reader, "a savepoint", &reader->command->name, err));
        return want_end(reader, err);
}

static Status read_release(Reader *reader, Error *err) {
        take_word(reader, "savepoint");
        TRY(read_savepoint(reader, err));
        reader->command->kind = COMMAND_RELEASE;
        return STATUS_OK;
}

/* ---- settings ---- */

/* a, or a.b */
static Status read_setting_name(Reader *reader, Error *err) {
        Str *name = &reader->command->name;
        TRY(read_name(reader, "a setting", name, err));
        while (take_symbol(reader, '.')) {
                Str part;
                TRY(read_name(reader, "a setting", &part, err));
                *name = arena_strf(reader->arena, "%.*s.%.*s", STR_ARG(*name), STR_ARG(part));
        }
        return STATUS_OK;
}

static Status read_values(Reader *reader, Error *err) {
        VEC(Str) values = { 0 };
        if (take_word(reader, "default")) {
                reader->command->to_default = true;
                return want_end(reader, err);
        }
        do {
                Str value;
                bool word = reader->token.kind == SQL_TOKEN_WORD;
                TRY(read_value(reader, "a value", &value, err));
                if (word)
                        value = arena_lower(reader->arena, value);
                vec_push(reader->arena, &values, value);
        } while (take_symbol(reader, ','));
        reader->command->values = values.items;
        reader->command->value_count = values.count;
        return want_end(reader, err);
}

/* A name, hours, LOCAL and DEFAULT, or INTERVAL '+05:30' HOUR TO MINUTE. */
static Status read_zone(Reader *reader, Error *err) {
        Command *command = reader->command;
        int64_t seconds;
        Str text;
        if (take_word(reader, "local")) {
                command->to_default = true;
                return want_end(reader, err);
        }
        if (!take_word(reader, "interval"))
                return read_values(reader, err);
        SqlToken at = reader->token;
        TRY(read_value(reader, "an interval", &text, err));
        if (take_word(reader, "hour") && take_word(reader, "to") && !take_word(reader, "minute"))
                return unexpected(reader, "MINUTE", err);
        if (!timezone_seconds(text, &seconds)) {
                error_set(err, STATUS_BAD_VALUE, "invalid value for parameter \"TimeZone\": hours and minutes, as '+05:30', are wanted");
                return error_place(err, "", reader->sql, command->offset + at.offset);
        }
        command->values = ARENA_NEW(reader->arena, Str);
        command->values[0] = timezone_fixed_name(reader->arena, seconds);
        command->value_count = 1;
        return want_end(reader, err);
}

static Status read_set(Reader *reader, Error *err) {
        Command *command = reader->command;
        command->kind = COMMAND_SET;
        bool session = take_word(reader, "session");
        command->local = !session && take_word(reader, "local");
        if (is_word(reader, "transaction") || is_word(reader, "constraints") || (session && is_word(reader, "characteristics"))) {
                read_modes(reader, session ? STR("default_transaction_isolation") : STR("transaction_isolation"));
                command->local = !session;
                command->kind = command->value_count > 0 ? COMMAND_SET : COMMAND_SET_NOTHING;
                return STATUS_OK;
        }
        if (take_word(reader, "time")) { /* TIME ZONE value */
                if (!take_word(reader, "zone"))
                        return unexpected(reader, "ZONE", err);
                command->name = STR("timezone");
                return read_zone(reader, err);
        }
        if (take_word(reader, "names")) { /* NAMES encoding */
                command->name = STR("client_encoding");
                return read_values(reader, err);
        }
        if (is_word(reader, "role") || (session && is_word(reader, "authorization")) || is_word(reader, "schema")) {
                TRY(read_name(reader, "a setting", &command->name, err));
                if (str_is(command->name, "authorization"))
                        command->name = STR("session_authorization");
                else if (str_is(command->name, "schema"))
                        command->name = STR("search_path");
                return read_values(reader, err);
        }
        TRY(read_setting_name(reader, err));
        if (!take_symbol(reader, '=') && !take_word(reader, "to"))
                return unexpected(reader, "TO or =", err);
        return read_values(reader, err);
}

/* Of SHOW and RESET: a name, ALL, and the names of two words that have no other form. */
static Status read_setting(Reader *reader, CommandKind kind, Error *err) {
        Command *command = reader->command;
        command->kind = kind;
        if (take_word(reader, "all")) {
                command->all = true;
        } else if (take_word(reader, "time")) {
                if (!take_word(reader, "zone"))
                        return unexpected(reader, "ZONE", err);
                command->name = STR("timezone");
        } else if (take_word(reader, "transaction")) {
                if (!take_word(reader, "isolation") || !take_word(reader, "level"))
                        return unexpected(reader, "ISOLATION LEVEL", err);
                command->name = STR("transaction_isolation");
        } else if (take_word(reader, "session")) {
                if (!take_word(reader, "authorization"))
                        return unexpected(reader, "AUTHORIZATION", err);
                command->name = STR("session_authorization");
        } else {
                TRY(read_setting_name(reader, err));
        }
        return want_end(reader, err);
}

static Status read_reset(Reader *reader, Error *err) {
        return read_setting(reader, COMMAND_RESET, err);
}

static Status read_show(Reader *reader, Error *err) {
        return read_setting(reader, COMMAND_SHOW, err);
}

static Status read_discard(Reader *reader, Error *err) {
        static const char *const parts[] = { "all", "plans", "sequences", "temp", "temporary" };
        reader->command->kind = COMMAND_DISCARD;
        for (size_t i = 0; i < COUNT_OF(parts); i++) {
                if (!take_word(reader, parts[i]))
                        continue;
                reader->command->all = i == 0;
                reader->command->name = str_of(i == 4 ? "temp" : parts[i]);
                return want_end(reader, err);
        }
        return unexpected(reader, "ALL, PLANS, SEQUENCES or TEMP", err);
}

/* ---- prepared statements ---- */

static Status read_deallocate(Reader *reader, Error *err) {
        reader->command->kind = COMMAND_DEALLOCATE;
        take_word(reader, "prepare");
        reader->command->all = take_word(reader, "all");
        if (!reader->command->all)
                TRY(read_name(reader, "a prepared statement", &reader->command->name, err));
        return want_end(reader, err);
}

/* Behind an opening bracket: texts between commas at this level, as written, up to the closing one. */
static Status read_list(Reader *reader, Error *err) {
        VEC(Str) values = { 0 };
        size_t from = reader->token.offset, depth = 0;
        while (reader->token.kind != SQL_TOKEN_END) {
                bool closes = depth == 0 && is_symbol(reader, ')');
                if (closes || (depth == 0 && is_symbol(reader, ','))) {
                        Str value = str_trim(str_slice(reader->command->text, from, reader->token.offset));
                        if (value.size == 0 && !(closes && values.count == 0))
                                return unexpected(reader, "a value", err);
                        if (value.size > 0)
                                vec_push(reader->arena, &values, value);
                        from = reader->token.offset + 1;
                }
                if (closes) {
                        advance(reader);
                        reader->command->values = values.items;
                        reader->command->value_count = values.count;
                        return STATUS_OK;
                }
                if (is_symbol(reader, '(') || is_symbol(reader, '['))
                        depth++;
                if (depth > 0 && (is_symbol(reader, ')') || is_symbol(reader, ']')))
                        depth--;
                advance(reader);
        }
        return unexpected(reader, "')'", err);
}

static Status read_prepare(Reader *reader, Error *err) {
        Command *command = reader->command;
        command->kind = COMMAND_PREPARE;
        TRY(read_name(reader, "a name", &command->name, err));
        if (take_symbol(reader, '('))
                TRY(read_list(reader, err));
        if (!take_word(reader, "as"))
                return unexpected(reader, "AS", err);
        take_inner(reader);
        return STATUS_OK;
}

static Status read_execute(Reader *reader, Error *err) {
        reader->command->kind = COMMAND_EXECUTE;
        TRY(read_name(reader, "a prepared statement", &reader->command->name, err));
        if (take_symbol(reader, '('))
                TRY(read_list(reader, err));
        return want_end(reader, err);
}

/* ---- cursors ---- */

static Status read_declare(Reader *reader, Error *err) {
        Command *command = reader->command;
        command->kind = COMMAND_DECLARE;
        TRY(read_name(reader, "a cursor", &command->name, err));
        for (;;) {
                if (take_word(reader, "binary"))
                        command->binary = true;
                else if (take_word(reader, "no") && !is_word(reader, "scroll"))
                        return unexpected(reader, "SCROLL", err);
                else if (!take_word(reader, "scroll") && !take_word(reader, "insensitive") && !take_word(reader, "asensitive"))
                        break;
        }
        if (!take_word(reader, "cursor"))
                return unexpected(reader, "CURSOR", err);
        bool with = take_word(reader, "with");
        if ((with || take_word(reader, "without")) && !take_word(reader, "hold"))
                return unexpected(reader, "HOLD", err);
        command->hold = with;
        if (!take_word(reader, "for"))
                return unexpected(reader, "FOR", err);
        take_inner(reader);
        return STATUS_OK;
}

/* A number with a sign, or where it may stand ALL; what there was before if there is none. */
static Status read_count(Reader *reader, bool all, int64_t *out, Error *err) {
        if (all && take_word(reader, "all")) {
                *out = FETCH_ALL;
                return STATUS_OK;
        }
        bool minus = take_symbol(reader, '-'), sign = minus || take_symbol(reader, '+');
        if (reader->token.kind != SQL_TOKEN_NUMBER)
                return sign || !all ? unexpected(reader, "a number of rows", err) : STATUS_OK;
        if (!str_to_int64(reader->token.text, out) || *out > INT32_MAX)
                return unexpected(reader, "a number of rows", err);
        *out = minus ? -*out : *out;
        advance(reader);
        return STATUS_OK;
}

/* [NEXT | PRIOR | FIRST | LAST | ABSOLUTE n | RELATIVE n | n | ALL | FORWARD [n | ALL] | BACKWARD [n | ALL]] */
static Status read_direction(Reader *reader, Error *err) {
        static const struct {
                const char *word;
                FetchDirection direction;
                int64_t count;
                bool counted, may_be_all;
        } words[] = {
                { "next", FETCH_FORWARD, 1, false, false },        { "prior", FETCH_BACKWARD, 1, false, false },
                { "first", FETCH_ABSOLUTE, 1, false, false },      { "last", FETCH_ABSOLUTE, -1, false, false },
                { "absolute", FETCH_ABSOLUTE, 0, true, false },    { "relative", FETCH_RELATIVE, 0, true, false },
                { "forward", FETCH_FORWARD, 1, true, true },       { "backward", FETCH_BACKWARD, 1, true, true },
                { "", FETCH_FORWARD, 1, true, true },
        };
        Command *command = reader->command;
        size_t i = 0;
        while (i + 1 < COUNT_OF(words) && !take_word(reader, words[i].word))
                i++;
        command->direction = words[i].direction;
        command->count = words[i].count;
        if (words[i].counted)
                TRY(read_count(reader, words[i].may_be_all, &command->count, err));
        if (command->count < 0 && (command->direction == FETCH_FORWARD || command->direction == FETCH_BACKWARD)) {
                command->direction = command->direction == FETCH_FORWARD ? FETCH_BACKWARD : FETCH_FORWARD;
                command->count = -command->count;
        }
        return STATUS_OK;
}

static Status read_fetch(Reader *reader, Error *err) {
        reader->command->kind = COMMAND_FETCH;
        TRY(read_direction(reader, err));
        if (!take_word(reader, "from"))
                take_word(reader, "in");
        TRY(read_name(reader, "a cursor", &reader->command->name, err));
        return want_end(reader, err);
}

static Status read_move(Reader *reader, Error *err) {
        reader->command->move = true;
        return read_fetch(reader, err);
}

static Status read_close(Reader *reader, Error *err) {
        reader->command->kind = COMMAND_CLOSE;
        reader->command->all = take_word(reader, "all");
        if (!reader->command->all)
                TRY(read_name(reader, "a cursor", &reader->command->name, err));
        return want_end(reader, err);
}

/* ---- COPY ---- */

static Status read_char(Reader *reader, char *out, Error *err) {
        Str value;
        TRY(read_value(reader, "one character", &value, err));
        if (value.size != 1 || value.data[0] == '\n' || value.data[0] == '\r') {
                error_set(err, STATUS_SQL_SYNTAX, "a delimiter, quote or escape is one character of one byte");
                return at_token(reader, err);
        }
        *out = value.data[0];
        return STATUS_OK;
}

static Status read_copy_kind(Reader *reader, Error *err) {
        static const char *const names[] = { "text", "csv", "binary" };
        Str value;
        TRY(read_value(reader, "text, csv or binary", &value, err));
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                if (str_equal_nocase(value, str_of(names[i]))) {
                        reader->command->copy.kind = (CopyKind)i;
                        return STATUS_OK;
                }
        }
        error_set(err, STATUS_SQL_REFUSED, "COPY has the formats text, csv and binary, not '%.*s'", STR_ARG(value));
        return at_token(reader, err);
}

static Status read_null(Reader *reader, Error *err) {
        return read_value(reader, "a text for NULL", &reader->command->copy.null, err);
}

static Status read_delimiter(Reader *reader, Error *err) {
        return read_char(reader, &reader->command->copy.delimiter, err);
}

static Status read_quote(Reader *reader, Error *err) {
        return read_char(reader, &reader->command->copy.quote, err);
}

static Status read_escape(Reader *reader, Error *err) {
        return read_char(reader, &reader->command->copy.escape, err);
}

/* A bare word means yes. */
static Status read_header(Reader *reader, Error *err) {
        Str value = STR("true");
        if (reader->token.kind == SQL_TOKEN_WORD || reader->token.kind == SQL_TOKEN_STRING || reader->token.kind == SQL_TOKEN_NUMBER)
                TRY(read_value(reader, "true or false", &value, err));
        reader->command->copy.header = str_equal_nocase(value, STR("true")) || str_equal_nocase(value, STR("on")) || str_is(value, "1");
        return STATUS_OK;
}

static Status read_force_quote(Reader *reader, Error *err) {
        CopyOptions *copy = &reader->command->copy;
        VEC(Str) names = { 0 };
        if (take_symbol(reader, '*')) {
                copy->quote_all = true;
                return STATUS_OK;
        }
        bool bracket = take_symbol(reader, '(');
        do {
                Str name;
                TRY(read_name(reader, "a column", &name, err));
                vec_push(reader->arena, &names, name);
        } while (take_symbol(reader, ','));
        if (bracket && !take_symbol(reader, ')'))
                return unexpected(reader, "')'", err);
        copy->quote_columns = names.items;
        copy->quote_count = names.count;
        return STATUS_OK;
}

static Status read_encoding(Reader *reader, Error *err) {
        Str value;
        TRY(read_value(reader, "an encoding", &value, err));
        if (str_equal_nocase(value, STR("utf8")) || str_equal_nocase(value, STR("utf-8")))
                return STATUS_OK;
        error_set(err, STATUS_SQL_REFUSED, "COPY writes UTF-8 only");
        return at_token(reader, err);
}

static const struct {
        const char *word;
        Status (*read)(Reader *reader, Error *err);
} COPY_OPTIONS[] = {
        { "format", read_copy_kind }, { "null", read_null },     { "delimiter", read_delimiter },
        { "quote", read_quote },      { "escape", read_escape }, { "header", read_header },
        { "force_quote", read_force_quote }, { "encoding", read_encoding },
};

static Status read_copy_option(Reader *reader, Error *err) {
        for (size_t i = 0; i < COUNT_OF(COPY_OPTIONS); i++)
                if (take_word(reader, COPY_OPTIONS[i].word))
                        return COPY_OPTIONS[i].read(reader, err);
        return unexpected(reader, "an option of COPY", err);
}

/* WITH CSV HEADER DELIMITER AS ';' NULL AS '' FORCE QUOTE a, b: as it was before PostgreSQL 9.0 */
static Status read_old_copy_option(Reader *reader, Error *err) {
        CopyOptions *copy = &reader->command->copy;
        if (take_word(reader, "csv")) {
                copy->kind = COPY_CSV;
                return STATUS_OK;
        }
        if (take_word(reader, "binary")) {
                copy->kind = COPY_BINARY;
                return STATUS_OK;
        }
        if (take_word(reader, "header")) {
                copy->header = true;
                return STATUS_OK;
        }
        if (take_word(reader, "force"))
                return take_word(reader, "quote") ? read_force_quote(reader, err) : unexpected(reader, "QUOTE", err);
        for (size_t i = 0; i < COUNT_OF(COPY_OPTIONS); i++) {
                if (!take_word(reader, COPY_OPTIONS[i].word))
                        continue;
                take_word(reader, "as");
                return COPY_OPTIONS[i].read(reader, err);
        }
        return unexpected(reader, "an option of COPY", err);
}

static Status read_copy_options(Reader *reader, Error *err) {
        take_word(reader, "with");
        if (take_symbol(reader, '(')) {
                do
                        TRY(read_copy_option(reader, err));
                while (take_symbol(reader, ','));
                if (!take_symbol(reader, ')'))
                        return unexpected(reader, "')'", err);
        } else {
                while (reader->token.kind != SQL_TOKEN_END)
                        TRY(read_old_copy_option(reader, err));
        }
        return want_end(reader, err);
}

/* What was not said. */
static void fill_copy_options(CopyOptions *copy) {
        bool csv = copy->kind == COPY_CSV;
        if (!copy->delimiter)
                copy->delimiter = csv ? ',' : '\t';
        if (!copy->null.data)
                copy->null = csv ? STR("") : STR("\\N");
        if (!copy->quote)
                copy->quote = '"';
        if (!copy->escape)
                copy->escape = copy->quote;
}

/* ( query ): inner is what stands between the brackets. */
static Status read_copy_query(Reader *reader, Error *err) {
        Command *command = reader->command;
        size_t from = reader->token.offset, depth = 1;
        while (reader->token.kind != SQL_TOKEN_END) {
                depth += is_symbol(reader, '(');
                depth -= is_symbol(reader, ')');
                if (depth == 0)
                        break;
                advance(reader);
        }
        if (depth > 0)
                return unexpected(reader, "')'", err);
        command->inner = str_slice(command->text, from, reader->token.offset);
        command->inner_offset = command->offset + from;
        advance(reader);
        return STATUS_OK;
}

/* name [(columns)]: becomes SELECT columns FROM name, both as written. */
static Status read_copy_table(Reader *reader, Error *err) {
        Command *command = reader->command;
        size_t from = reader->token.offset, to = from;
        Str columns = STR("*"), name;
        do {
                TRY(read_name(reader, "a table", &name, err));
                to = reader->token.offset;
        } while (take_symbol(reader, '.'));
        Str table = str_trim(str_slice(command->text, from, to));
        if (is_symbol(reader, '(')) {
                size_t open = reader->token.offset + 1;
                while (!is_symbol(reader, ')') && reader->token.kind != SQL_TOKEN_END)
                        advance(reader);
                columns = str_slice(command->text, open, reader->token.offset);
                if (!take_symbol(reader, ')'))
                        return unexpected(reader, "')'", err);
        }
        command->inner = arena_strf(reader->arena, "SELECT %.*s FROM %.*s", STR_ARG(columns), STR_ARG(table));
        command->inner_offset = command->offset + from;
        return STATUS_OK;
}

static Status read_copy(Reader *reader, Error *err) {
        reader->command->kind = COMMAND_COPY_OUT;
        if (take_symbol(reader, '('))
                TRY(read_copy_query(reader, err));
        else
                TRY(read_copy_table(reader, err));
        if (is_word(reader, "from")) {
                error_set(err, STATUS_DENIED, "COPY FROM is not allowed: tables are written by sources and models");
                error_hint(err, "drop the file into the zone's ingress folder: ingress/ZONE/");
                return at_token(reader, err);
        }
        if (!take_word(reader, "to"))
                return unexpected(reader, "TO", err);
        if (!take_word(reader, "stdout")) {
                error_set(err, STATUS_DENIED, "COPY writes to the client only: TO STDOUT");
                return at_token(reader, err);
        }
        TRY(read_copy_options(reader, err));
        fill_copy_options(&reader->command->copy);
        return STATUS_OK;
}

/* ---- the rest ---- */

static Status read_explain(Reader *reader, Error *err) {
        Command *command = reader->command;
        command->kind = COMMAND_EXPLAIN;
        if (take_symbol(reader, '(')) {
                TRY(read_list(reader, err));
                for (size_t i = 0; i < command->value_count; i++)
                        command->analyze |= str_starts_with(arena_lower(reader->arena, command->values[i]), STR("analyze"));
        }
        for (;;) {
                if (take_word(reader, "analyze"))
                        command->analyze = true;
                else if (!take_word(reader, "verbose"))
                        break;
        }
        take_inner(reader);
        return STATUS_OK;
}

static Status read_unlisten(Reader *reader, Error *err UNUSED) {
        reader->command->kind = COMMAND_UNLISTEN;
        return STATUS_OK;
}

static Status refuse_write(Reader *reader, Error *err) {
        SqlLexer lexer = { .text = reader->command->text };
        Str word = sql_lex(&lexer).text; /* STR_ARG would lex twice */
        error_set(err, STATUS_DENIED, "%.*s is not allowed: SQL only reads here", STR_ARG(word));
        return error_hint(err, "tables are written by sources and models, access by access.yml");
}

/* ALTER USER|ROLE name [WITH] [ENCRYPTED] PASSWORD 'text': what psql's \password sends. */
static Status read_alter(Reader *reader, Error *err) {
        Command *command = reader->command;
        if (!take_word(reader, "user") && !take_word(reader, "role"))
                return refuse_write(reader, err);
        TRY(read_name(reader, "a user", &command->name, err));
        if (str_is(command->name, "current_user"))
                command->name = STR("");
        take_word(reader, "with");
        take_word(reader, "encrypted");
        if (!take_word(reader, "password"))
                return refuse_write(reader, err);
        command->kind = COMMAND_PASSWORD;
        if (reader->token.kind != SQL_TOKEN_STRING)
                return unexpected(reader, "a password between quotes", err);
        return read_values(reader, err);
}

static Status read_query(Reader *reader, Error *err UNUSED) {
        Command *command = reader->command;
        command->kind = COMMAND_QUERY;
        command->inner = command->text;
        command->inner_offset = command->offset;
        return STATUS_OK;
}

/* An int4 or a text between plain quotes; what else there is has its type from the engine. */
static bool take_literal(Reader *reader, Literal *out) {
        SqlToken token = reader->token;
        uint64_t number;
        *out = (Literal){ .name = STR("?column?") };
        if (token.kind == SQL_TOKEN_NUMBER && str_to_uint64(token.text, &number) && number <= INT32_MAX) {
                out->is_integer = true;
                out->integer = (int32_t)number;
        } else if (token.kind == SQL_TOKEN_STRING && token.text.data[0] == '\'') {
                out->text = unquote(reader->arena, token.text);
        } else {
                return false;
        }
        advance(reader);
        Error ignored;
        if (!take_word(reader, "as"))
                return true;
        return read_name(reader, "a name", &out->name, &ignored) == STATUS_OK && out->name.size > 0 && out->name.size <= NAME_SIZE_MAX;
}

/* SELECT 1, 'x' AS y. What is more than that is left to who reads SQL. */
static Status read_select(Reader *reader, Error *err) {
        VEC(Literal) literals = { 0 };
        Literal literal;
        TRY(read_query(reader, err));
        do {
                if (literals.count == LITERALS_MAX || !take_literal(reader, &literal))
                        return STATUS_OK;
                vec_push(reader->arena, &literals, literal);
        } while (take_symbol(reader, ','));
        if (reader->token.kind != SQL_TOKEN_END)
                return STATUS_OK;
        reader->command->literals = literals.items;
        reader->command->literal_count = literals.count;
        return STATUS_OK;
}

static Status refuse_other(Reader *reader UNUSED, Error *err) {
        error_set(err, STATUS_SQL_REFUSED, "this statement is not supported");
        return error_hint(err, "questions (SELECT, WITH, VALUES), COPY ... TO STDOUT, cursors and settings are");
}

/* first word, whether it stays for the reader, who reads on */
static const struct {
        const char *word;
        bool keep;
        Status (*read)(Reader *reader, Error *err);
} COMMANDS[] = {
        { "select", false, read_select },    { "with", true, read_query },        { "values", true, read_query },
        { "table", true, read_query },       { "from", true, read_query },        { "pivot", true, read_query },
        { "unpivot", true, read_query },     { "explain", false, read_explain },  { "begin", false, read_begin },
        { "start", false, read_start },      { "commit", false, read_commit },    { "end", false, read_commit },
        { "rollback", false, read_rollback }, { "abort", false, read_rollback },  { "savepoint", false, read_savepoint },
        { "release", false, read_release },  { "set", false, read_set },          { "reset", false, read_reset },
        { "show", false, read_show },        { "discard", false, read_discard },  { "deallocate", false, read_deallocate },
        { "prepare", false, read_prepare },  { "execute", false, read_execute },  { "declare", false, read_declare },
        { "fetch", false, read_fetch },      { "move", false, read_move },        { "close", false, read_close },
        { "copy", false, read_copy },        { "unlisten", false, read_unlisten }, { "alter", false, read_alter },
        { "insert", true, refuse_write },    { "update", true, refuse_write },    { "delete", true, refuse_write },
        { "merge", true, refuse_write },     { "truncate", true, refuse_write },  { "create", true, refuse_write },
        { "drop", true, refuse_write },      { "grant", true, refuse_write },     { "revoke", true, refuse_write },
        { "comment", true, refuse_write },   { "attach", true, refuse_write },    { "detach", true, refuse_write },
        { "vacuum", true, refuse_write },    { "analyze", true, refuse_write },   { "reindex", true, refuse_write },
        { "cluster", true, refuse_write },   { "lock", true, refuse_write },      { "refresh", true, refuse_write },
        { "import", true, refuse_write },    { "export", true, refuse_write },    { "reassign", true, refuse_write },
        { "call", true, refuse_other },      { "do", true, refuse_other },        { "listen", true, refuse_other },
        { "notify", true, refuse_other },    { "load", true, refuse_other },      { "install", true, refuse_other },
        { "pragma", true, refuse_other },    { "use", true, refuse_other },       { "checkpoint", true, refuse_other },
        { "describe", true, refuse_other },  { "desc", true, refuse_other },      { "summarize", true, refuse_other },
        { "connect", true, refuse_other },   { "force", true, refuse_other },     { "security", true, refuse_other },
};

Status command_read(Str sql, Command *command, Arena *arena, Error *err) {
        Reader reader = { .sql = sql, .command = command, .arena = arena, .lexer = { .text = command->text } };
        advance(&reader);
        if (reader.token.kind == SQL_TOKEN_END) {
                command->kind = COMMAND_EMPTY;
                return STATUS_OK;
        }
        if (is_symbol(&reader, '('))
                return read_query(&reader, err);
        for (size_t i = 0; i < COUNT_OF(COMMANDS); i++) {
                if (!is_word(&reader, COMMANDS[i].word))
                        continue;
                if (!COMMANDS[i].keep)
                        advance(&reader);
                return COMMANDS[i].read(&reader, err);
        }
        error_set(err, STATUS_SQL_SYNTAX, "a statement does not begin with '%.*s'", STR_ARG(reader.token.text));
        return at_token(&reader, err);
}
