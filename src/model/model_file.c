/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model_file.h"

#include "model/project.h"
#include "model/tables.h"

static const char *const stage_names[] = { "canonical", "analytical", "egress" };
static const char *const kind_names[] = { "table", "view" };
static const char *const severity_names[] = { "warn", "quarantine", "stop" };

const char *stage_name(ModelStage stage) {
        return stage_names[stage];
}

bool stage_parse(Str text, ModelStage *out) {
        for (size_t i = 0; i < COUNT_OF(stage_names); i++) {
                if (!str_is(text, stage_names[i]))
                        continue;
                *out = (ModelStage)i;
                return true;
        }
        return false;
}

const char *model_kind_name(ModelKind kind) {
        return kind_names[kind];
}

const char *severity_name(CheckSeverity severity) {
        return severity_names[severity];
}

/* ---- -- column NAME: [type] [required] [unique] [-> table.column], unit X, class X, tag X, untag X ---- */

/* The next part up to a comma that stands outside of brackets. */
static Str cut_part(Str *rest) {
        int depth = 0;
        size_t at = 0;
        for (; at < rest->size; at++) {
                char c = rest->data[at];
                depth += c == '(' || c == '<' ? 1 : c == ')' || c == '>' ? -1 : 0;
                if (c == ',' && depth <= 0)
                        break;
        }
        Str part = str_trim(str_slice(*rest, 0, at));
        *rest = str_slice(*rest, at + 1, rest->size);
        return part;
}

/* One more item at the end of a list in the arena. */
#define list_push(arena, list, count, ...)                                                                    \
        do {                                                                                                  \
                (list) = arena_grow(arena, list, (count) * sizeof(*(list)), ((count) + 1) * sizeof(*(list))); \
                (list)[(count)++] = __VA_ARGS__;                                                              \
        } while (0)

static const char *const property_words[] = { "unit ", "class ", "tag ", "untag ", "about " };

/* `text tag secret`: a property that lacks the comma before it. */
static void want_comma(Str part, Error *err) {
        for (size_t at = 1; at < part.size; at++)
                for (size_t i = 0; i < COUNT_OF(property_words) && part.data[at - 1] == ' '; i++) {
                        Str property = str_slice(part, at, part.size);
                        if (!str_starts_with(property, str_of(property_words[i])))
                                continue;
                        Str type = str_trim(str_slice(part, 0, at));
                        error_hint(err, "a comma stands before it: `%.*s, %.*s`", STR_ARG(type), STR_ARG(property));
                        return;
                }
}

/* The first part: a type and its words. Its words may come without a type. */
static void column_type(KeyContext *context, const YamlNode *value, Str part, ModelColumn *column) {
        size_t arrow = str_find(part, STR("->"));
        if (arrow < part.size)
                column->reference = arena_str(context->arena, str_trim(str_slice(part, arrow + 2, part.size)));
        Str rest = str_trim(str_slice(part, 0, arrow));
        for (;;) {
                rest = str_trim(rest);
                if (str_ends_with(rest, STR("required")))
                        column->required = true, rest.size -= strlen("required");
                else if (str_ends_with(rest, STR("unique")))
                        column->unique = true, rest.size -= strlen("unique");
                else
                        break;
        }
        if (rest.size == 0)
                return;

        Error err = { 0 };
        if (type_parse_nested(context->arena, rest, &column->type, &err) == STATUS_OK) {
                column->has_type = true;
                return;
        }
        want_comma(rest, &err);
        yaml_error_place(&err, context->file, value);
        problems_take(context->problems, &err);
}

static void column_property(KeyContext *context, const YamlNode *value, Str part, ModelColumn *column) {
        Str word, rest;
        str_cut(part, ' ', &word, &rest);
        rest = str_trim(rest);
        Str *into = str_is(word, "unit")    ? &column->unit
                    : str_is(word, "class") ? &column->classification
                    : str_is(word, "about") ? &column->about
                                            : NULL;
        if (rest.size > 0 && into) {
                *into = arena_str(context->arena, rest);
                return;
        }
        if (rest.size > 0 && str_is(word, "tag")) {
                list_push(context->arena, column->tags, column->tag_count, arena_str(context->arena, rest));
                return;
        }
        if (rest.size > 0 && str_is(word, "untag")) {
                list_push(context->arena, column->untags, column->untag_count, arena_str(context->arena, rest));
                return;
        }
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "a column has no property \"%.*s\"", STR_ARG(part));
        error_hint(err, "after a comma: unit X, class X, tag X, untag X, about TEXT (to the end of the line)");
}

static bool begins_with_property(Str text) {
        for (size_t i = 0; i < COUNT_OF(property_words); i++)
                if (str_starts_with(text, str_of(property_words[i])))
                        return true;
        return false;
}

static void read_model_column(KeyContext *context, const YamlNode *value, void *object) {
        Model *model = object;
        ModelColumn column = { .name = context->subject, .line = value->line };
        for (size_t i = 0; i < model->column_count; i++)
                if (str_equal_nocase(model->columns[i].name, column.name)) {
                        key_problem(context, value, STATUS_DUPLICATE_KEY,
                                    "column `%.*s` is described already on line %d", STR_ARG(column.name),
                                    model->columns[i].line);
                        return;
                }
        Str rest = value->text;
        if (!begins_with_property(rest))
                column_type(context, value, cut_part(&rest), &column);
        while (str_trim(rest).size > 0) {
                if (str_starts_with(str_trim(rest), STR("about "))) {
                        column_property(context, value, str_trim(rest), &column);
                        break;
                }
                column_property(context, value, cut_part(&rest), &column);
        }
        list_push(context->arena, model->columns, model->column_count, column);
}

/* ---- -- check NAME: EXPRESSION, else SEVERITY ---- */

static void read_model_check(KeyContext *context, const YamlNode *value, void *object) {
        Model *model = object;
        Str text = value->text, mark = STR("else ");
        size_t at = text.size;
        for (size_t i = 0; i + mark.size <= text.size; i++)
                if (str_equal(str_slice(text, i, i + mark.size), mark) && i > 0 && char_is_one_of(text.data[i - 1], ", "))
                        at = i;
        Str word = str_trim(str_slice(text, at + mark.size, text.size));
        Str expression = str_trim(str_slice(text, 0, at));
        if (str_ends_with(expression, STR(",")))
                expression = str_trim(str_slice(expression, 0, expression.size - 1));

        ModelCheck check = { .name = context->subject, .line = value->line };
        bool known = false;
        for (size_t i = 0; i < COUNT_OF(severity_names) && !known; i++)
                if (str_is(word, severity_names[i]))
                        check.severity = (CheckSeverity)i, known = true;
        if (!known || expression.size == 0) {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE,
                                         "check `%.*s` needs a condition and what happens else", STR_ARG(check.name));
                error_hint(err, "for example   -- check amount_positive: amount >= 0, else warn     (or quarantine, or stop)");
                return;
        }
        if (str_find_byte(check.name, '(') < check.name.size) { /* unique(order_no) and the like are promises */
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "a check's name has no bracket: `%.*s`", STR_ARG(check.name));
                error_hint(err, "a word will do, for example   -- check amount_positive: amount >= 0, else warn");
                return;
        }
        for (size_t i = 0; i < model->check_count; i++)
                if (str_equal(model->checks[i].name, check.name)) {
                        key_problem(context, value, STATUS_DUPLICATE_KEY, "check `%.*s` is there already on line %d",
                                    STR_ARG(check.name), model->checks[i].line);
                        return;
                }
        check.expression = arena_str(context->arena, expression);
        uintptr_t begin = (uintptr_t)context->file->text.data, here = (uintptr_t)expression.data;
        check.offset = here >= begin && here < begin + context->file->text.size ? here - begin : 0;
        list_push(context->arena, model->checks, model->check_count, check);
}

/* ---- the table ---- */

#define AT(field) offsetof(Model, field)

static const Key keys[] = {
        { .name = "about", .kind = KEY_TEXT, .at = AT(about), .meaning = "What a row is, for people." },
        { .name = "kind",
          .kind = KEY_CHOICE,
          .at = AT(kind),
          .words = "table view",
          .later = "append merge history",
          .fallback = "table",
          .meaning = "`table`: built by `run` and kept. `view`: only the SQL is kept, and asked anew each time." },
        { .name = "key",
          .kind = KEY_TEXTS,
          .at = AT(key),
          .count_at = AT(key_count),
          .shown = "columns, commas between",
          .meaning = "Which columns name a row: a promise that no two rows are equal in them." },
        { .name = "term",
          .kind = KEY_TEXT,
          .at = AT(term),
          .meaning = "The word of terms.yml that this table is about." },
        { .name = "tag",
          .kind = KEY_TEXTS,
          .at = AT(tags),
          .count_at = AT(tag_count),
          .shown = "names, commas between",
          .meaning = "Tags of the whole table, for `tag:NAME` and policies." },
        { .name = "column",
          .kind = KEY_OTHER,
          .named = true,
          .read = read_model_column,
          .shown = "`[TYPE] [required] [unique] [-> ZONE.STAGE.TABLE.COLUMN], unit X, class X, tag X, untag X, about "
                   "TEXT`",
          .meaning = "What a column holds and promises; one line a column. A build whose rows break `required` or `unique` is "
                     "not published." },
        { .name = "check",
          .kind = KEY_OTHER,
          .named = true,
          .read = read_model_check,
          .shown = "`CONDITION, else warn | quarantine | stop`",
          .meaning = "What must hold for every row; where it is NULL it holds. `this` is the whole table. `warn` publishes and "
                     "tells, `quarantine` publishes without the rows that fail, `stop` keeps the zone as it was. The rows are "
                     "kept in `ZONE.quarantine.rows`; see checks.md." },
        { .name = "version",
          .kind = KEY_COUNT,
          .at = AT(version),
          .meaning = "egress only: the product's version; a breaking change needs a new one." },
        { .name = "fresh",
          .kind = KEY_DURATION,
          .at = AT(fresh_us),
          .meaning = "egress only: how old the product may be." },
        { .name = "listed",
          .kind = KEY_FLAG,
          .at = AT(listed),
          .fallback = "no",
          .meaning = "egress only: whether others find it in the catalogue." },
};

const KeyTable model_table = {
        .file = "zones/ZONE/{canonical,analytical,egress}/NAME.sql",
        .thing = "a model",
        .about = "Plain SQL, one SELECT, that makes the table or view `ZONE.STAGE.NAME`. What is said about it stands "
                 "in front as `-- key: value` lines; "
                 "a line that goes on with `--` and three blanks continues the one before. Tables are named "
                 "`zone.stage.table`, inside a zone "
                 "`stage.table` suffices. What it reads is found from the SQL; there is nothing to declare.",
        .example = "-- about: One row per order as the customer sees it.\n"
                   "-- kind: table\n"
                   "-- column order_no: text required unique\n"
                   "-- check amount_positive: amount >= 0, else warn\n"
                   "select order_no, customer_id, amount, _file, _row\n"
                   "from staging.orders\n",
        .keys = keys,
        .count = COUNT_OF(keys),
};

/* ---- the file ---- */

/* One leading line, cut: `-- word [NAME]: value`. */
typedef struct HeadLine {
        Str word, name, value;
        size_t word_at, value_at; /* bytes into the text */
        bool is_key, continues;
} HeadLine;

static bool word_char(char c) {
        return (c >= 'a' && c <= 'z') || c == '_';
}

/* `Kind:` and `KIND:` were meant as the key, and would be passed over as words of a comment. */
static bool is_key_in_capitals(Str word) {
        for (size_t i = 0; i < COUNT_OF(keys); i++)
                if (str_equal_nocase(word, str_of(keys[i].name)))
                        return true;
        return false;
}

/* What follows the dashes of a line. A first word that is (nearly) `column` or `check` may have a name behind it. */
static HeadLine head_line(Str text, size_t from, size_t to) {
        HeadLine line = { 0 };
        size_t at = from + 2;
        while (at < to && text.data[at] == ' ')
                at++;
        line.continues = at - from >= 5 && at < to;
        line.word_at = at;
        while (at < to && (word_char(text.data[at]) || (text.data[at] >= 'A' && text.data[at] <= 'Z')))
                at++;
        line.word = str_slice(text, line.word_at, at);
        bool capitals = false;
        for (size_t i = 0; i < line.word.size; i++)
                capitals |= !word_char(line.word.data[i]);
        if (capitals && !is_key_in_capitals(line.word))
                line.word.size = 0;
        if (line.word.size == 0)
                return line;
        if (at < to && text.data[at] == ' ') {
                static const Str named[] = { { "column", 6 }, { "check", 5 } };
                if (str_nearest(line.word, named, COUNT_OF(named)).size == 0)
                        return line;
                size_t name_at = at + 1;
                for (at = name_at; at < to && text.data[at] != ':' && text.data[at] != ' ';)
                        at++;
                line.name = str_slice(text, name_at, at);
        }
        if (at >= to || text.data[at] != ':' || (at + 1 < to && text.data[at + 1] != ' '))
                return line;
        line.is_key = true;
        line.continues = false;
        Str value = str_trim(str_slice(text, at + 1, to));
        line.value = value;
        line.value_at = value.size ? (size_t)(value.data - text.data) : at + 1;
        return line;
}

static YamlNode node_at(Str text, size_t offset, Str value) {
        Error place = { .status = STATUS_SYNTAX }; /* only where it is, is wanted of it */
        error_place(&place, "", text, offset);
        return (YamlNode){ .kind = YAML_SCALAR, .line = place.line, .column = place.column, .text = value };
}

static void check_subject(KeyContext *context, const Key *key, const HeadLine *line, const YamlNode *place) {
        if (key->named == (line->name.size > 0))
                return;
        Error *err = key_problem(
                context, place, STATUS_BAD_VALUE,
                key->named ? "`%s` needs a name before the colon" : "`%s` takes no name before the colon", key->name);
        error_hint(err, key->named ? "write   -- %s NAME: ..." : "write   -- %s: ...", key->name);
}

static void read_head(KeyContext *context, Model *model, const HeadLine *line, Str value, uint64_t *seen) {
        Str text = context->file->text;
        YamlNode place = node_at(text, line->word_at, line->word), node = node_at(text, line->value_at, value);
        const Key *key = keys_find(&model_table, line->word);
        if (!key) {
                keys_unknown(context, &model_table, line->word, &place);
                return;
        }
        size_t before = context->problems->errors.count + context->problems->dropped;
        check_subject(context, key, line, &place);
        if (context->problems->errors.count + context->problems->dropped > before)
                return;
        uint64_t bit = (uint64_t)1 << (key - keys);
        if (!key->named && (*seen & bit)) {
                key_problem(context, &place, STATUS_DUPLICATE_KEY, "the key '%s' stands here a second time", key->name);
                return;
        }
        *seen |= bit;
        context->subject = arena_str(context->arena, line->name);
        bool is_list = key->kind == KEY_TEXTS;
        context->commas = is_list;
        keys_read_one(context, key, &node, model);
        if (str_is(line->word, "key"))
                model->key_line = place.line;
        bool product_only = str_is(line->word, "version") || str_is(line->word, "fresh") ||
                            str_is(line->word, "listed");
        if (product_only && model->stage != STAGE_EGRESS) {
                Error *err = key_problem(context, &place, STATUS_BAD_VALUE, "only a product in egress/ has `%s`",
                                         key->name);
                error_hint(err, "move the file to egress/ or remove the line");
        }
}

/* Reads the leading lines; returns where the SQL begins. */
static size_t read_heads(KeyContext *context, Model *model) {
        Str text = model->text;
        uint64_t seen = 0;
        HeadLine open = { 0 };
        CLEANUP(buf_deinit) Buf joined = { 0 };
        Str value = STR_NONE;
        size_t at = 0;
        while (at < text.size) {
                size_t end = at + str_find_byte(str_slice(text, at, text.size), '\n');
                Str trimmed = str_trim(str_slice(text, at, end));
                if (trimmed.size > 0 && !str_starts_with(trimmed, STR("--")))
                        break;
                if (trimmed.size > 0) {
                        size_t from = (size_t)(trimmed.data - text.data);
                        HeadLine line = head_line(text, from, from + trimmed.size);
                        if (line.continues && open.is_key) {
                                Str more = str_trim(str_slice(text, line.word_at, from + trimmed.size));
                                buf_clear(&joined);
                                buf_printf(&joined, "%.*s %.*s", STR_ARG(value), STR_ARG(more));
                                value = buf_dup(&joined, context->arena);
                        } else {
                                if (open.is_key)
                                        read_head(context, model, &open, value, &seen);
                                open = line;
                                value = line.value;
                        }
                }
                at = end + 1;
        }
        if (open.is_key)
                read_head(context, model, &open, value, &seen);
        return at < text.size ? at : text.size;
}

/* The SQL without what ends it. */
static Str body_of(Str text, size_t from) {
        Str body = str_slice(text, from, text.size);
        for (;;) {
                Str cut = str_trim(body);
                if (str_ends_with(cut, STR(";")))
                        cut.size--;
                if (cut.size == body.size)
                        return body;
                body = cut;
        }
}

/* A view keeps no rows that could leave it. */
static void refuse_quarantine_of_view(const Model *model, Problems *problems) {
        for (size_t i = 0; i < model->check_count && model->kind == MODEL_VIEW; i++) {
                if (model->checks[i].severity != CHECK_QUARANTINE)
                        continue;
                Error *err = problems_add(problems, STATUS_BAD_VALUE, "check `%.*s`: no row can leave a view", STR_ARG(model->checks[i].name));
                error_place_line(err, model->path, model->text, model->checks[i].line, 1);
                error_hint(err, "make it a table   -- kind: table   or let the check `warn` or `stop`");
        }
}

Model *model_parse(Arena *arena, Str zone, ModelStage stage, Str name, const char *path, Str text, Problems *problems) {
        Model *model = ARENA_NEW(arena, Model);
        keys_defaults(&model_table, arena, model);
        model->zone = arena_str(arena, zone);
        model->name = arena_str(arena, name);
        model->stage = stage;
        model->path = arena_printf(arena, "%s", path);
        model->text = arena_str(arena, text);

        YamlFile *file = ARENA_NEW(arena, YamlFile);
        *file = (YamlFile){ .name = model->path, .text = model->text };
        KeyContext context = { .arena = arena, .file = file, .problems = problems, .table = &model_table };
        size_t begin = read_heads(&context, model);
        refuse_quarantine_of_view(model, problems);
        model->body = body_of(model->text, begin);
        model->body_offset = model->body.size ? (size_t)(model->body.data - model->text.data) : begin;
        if (model->body.size == 0) {
                Error *err = problems_add(problems, STATUS_SYNTAX, "the model holds no SQL");
                error_place(err, model->path, model->text, begin);
                error_hint(err, "after the `-- key: value` lines comes one SELECT");
        }
        return model;
}

Status model_place(const Model *model, int line, Str word, Error *err) {
        size_t at = 0;
        for (int i = 1; i < line && at < model->text.size; i++)
                at += str_find_byte(str_slice(model->text, at, model->text.size), '\n') + 1;
        Str text = str_slice(model->text, at, model->text.size);
        text = str_slice(text, 0, str_find_byte(text, '\n'));
        size_t first = str_find_byte(text, ' '); /* behind -- and the key's own word */
        first += str_find(str_slice(text, first, text.size), STR(" "));
        size_t found = first + str_find(str_slice(text, first, text.size), word);
        if (word.size == 0 || found >= text.size)
                return error_place_line(err, model->path, model->text, line, 1);
        return error_place(err, model->path, model->text, at + found);
}

Str model_full_name(Arena *arena, const Model *model) {
        return arena_strf(arena, "%.*s.%s.%.*s", STR_ARG(model->zone), stage_name(model->stage), STR_ARG(model->name));
}

Sha256 model_settings_hash(const Model *model) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(buf_deinit) Buf buf = { 0 };
        buf_append_cstr(&buf, "model 1");
        buf_u8(&buf, (uint8_t)model->kind);
        buf_u32(&buf, (uint32_t)model->key_count);
        for (size_t i = 0; i < model->key_count; i++)
                buf_lstr(&buf, model->key[i]);
        buf_u32(&buf, (uint32_t)model->column_count);
        for (size_t i = 0; i < model->column_count; i++) {
                const ModelColumn *column = &model->columns[i];
                buf_lstr(&buf, column->name);
                buf_lstr(&buf, column->has_type ? type_print(&arena, column->type) : STR(""));
                buf_u8(&buf, (uint8_t)(column->required | column->unique << 1));
        }
        buf_u32(&buf, (uint32_t)model->check_count);
        for (size_t i = 0; i < model->check_count; i++) {
                buf_lstr(&buf, model->checks[i].name);
                buf_lstr(&buf, model->checks[i].expression);
                buf_u8(&buf, (uint8_t)model->checks[i].severity);
        }
        return sha256_of(buf_view(&buf));
}
