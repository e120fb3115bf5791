/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include "base/vec.h"

#include <yaml.h>

#define YAML_NESTING 16

typedef struct Reader {
        yaml_parser_t parser;
        Arena *arena;
        YamlFile *file;
        Error *err;
        size_t line, line_at; /* the last line that was looked for, and where it begins */
} Reader;

static void event_deletep(yaml_event_t *event) {
        yaml_event_delete(event);
}

static Status place(Reader *r, yaml_mark_t mark) {
        return error_place_line(r->err, r->file->name, r->file->text, (int)mark.line + 1, (int)mark.column + 1);
}

static size_t blanks_before(Str line) {
        size_t count = 0;
        while (count < line.size && line.data[count] == ' ')
                count++;
        return count;
}

/* Whether the line's own key is what is wrong, and it begins further right than the line before: it was read as more of its value. */
static bool is_indented(const Reader *r, yaml_mark_t mark) {
        Str rest = r->file->text, line = STR_NONE, before = STR_NONE;
        for (size_t i = 0; i <= mark.line && rest.size > 0; i++) {
                before = str_trim(line).size ? line : before;
                str_cut(rest, '\n', &line, &rest);
        }
        return str_find_byte(line, ':') == utf8_prefix(line, mark.column) && blanks_before(line) > blanks_before(before) && str_trim(before).size > 0;
}

static Status next(Reader *r, yaml_event_t *event) {
        if (yaml_parser_parse(&r->parser, event))
                return STATUS_OK;
        memset(event, 0, sizeof(*event));
        const char *problem = r->parser.problem ? r->parser.problem : "it cannot be read";
        if (r->parser.error == YAML_READER_ERROR) {
                error_set(r->err, STATUS_SYNTAX, "the file is not UTF-8 text: %s", problem);
                return error_place(r->err, r->file->name, r->file->text, r->parser.problem_offset);
        }
        error_set(r->err, STATUS_SYNTAX, "this is not YAML as Lode reads it: %s%s%s", problem,
                  r->parser.context ? ", " : "", r->parser.context ? r->parser.context : "");
        place(r, r->parser.problem_mark);
        if (strstr(problem, "tab"))
                return error_hint(r->err, "indent with blanks; a tab has no width");
        bool indented = strstr(problem, "mapping values") && is_indented(r, r->parser.problem_mark);
        if (indented || strstr(problem, "expected key") || strstr(problem, "expected '-'"))
                return error_hint(r->err, "lines of one level begin in the same column; is this one too far left or right?");
        return error_hint(r->err, "quote values that hold ':' '#' ',' or quotes: key: \"value\"");
}

/* The text of the file between two marks (libyaml's index counts bytes of its UTF-8 input). */
static Str line_rest(Reader *r, yaml_mark_t mark) {
        /* index counts characters, so the offset is found by line and column; the marks come in the order of the text */
        if (mark.line < r->line)
                r->line = r->line_at = 0;
        for (; r->line < mark.line && r->line_at < r->file->text.size; r->line++)
                r->line_at += str_find_byte(str_slice(r->file->text, r->line_at, r->file->text.size), '\n') + 1;
        Str rest = str_slice(r->file->text, r->line_at, r->file->text.size);
        rest = str_slice(rest, 0, str_find_byte(rest, '\n'));
        return str_slice(rest, utf8_prefix(rest, mark.column), rest.size);
}

static bool quotes_balance(Str text) {
        /* an apostrophe inside a word (o'clock) is no quote */
        char open = 0;
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                bool inside_word = c == '\'' && !open && i > 0 && i + 1 < text.size &&
                                   !char_is_one_of(text.data[i - 1], " ,([=<>|+-*/");
                if ((c == '"' || c == '\'') && !inside_word)
                        open = open == c ? 0 : open ? open : c;
        }
        return open == 0;
}

static Status refuse_plain(Reader *r, const yaml_event_t *event, Str text, const char *what) {
        error_set(r->err, STATUS_SYNTAX, "an unquoted value %s", what);
        place(r, event->start_mark);
        if (str_find_byte(text, '\'') < text.size)
                return error_hint(r->err, "put double quotes around the whole value: \"...\"");
        return error_hint(r->err, "put quotes around the whole value: '...'");
}

/* What YAML would silently cut or read otherwise is refused: the user meant all of it. */
static Status check_plain(Reader *r, const yaml_event_t *event, Str text) {
        if (!quotes_balance(text))
                return refuse_plain(r, event, text, "has an unbalanced quote");
        if (str_find(text, STR(": ")) < text.size)
                return refuse_plain(r, event, text, "holds ': '");
        Str after = line_rest(r, event->end_mark);
        /* libyaml's end mark lies behind the value, before the blanks that precede a comment */
        if (text.size && after.size >= 2 && after.data[0] == ' ' && after.data[1] == '#')
                return refuse_plain(r, event, text, "is followed by ' #': two blanks make it a comment, quotes make it part of the value");
        return STATUS_OK;
}

static YamlNode *node_at(Reader *r, YamlKind kind, yaml_mark_t mark) {
        YamlNode *node = ARENA_NEW(r->arena, YamlNode);
        *node = (YamlNode){ .kind = kind, .line = (int)mark.line + 1, .column = (int)mark.column + 1 };
        return node;
}

static Status read_node(Reader *r, yaml_event_t *event, int depth, YamlNode **out);

static Status read_scalar(Reader *r, const yaml_event_t *event, YamlNode **out) {
        YamlNode *node = node_at(r, YAML_SCALAR, event->start_mark);
        node->text = arena_str(r->arena, (Str){ (const char *)event->data.scalar.value, event->data.scalar.length });
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        if (!node->quoted)
                TRY(check_plain(r, event, node->text));
        *out = node;
        return STATUS_OK;
}

static Status read_list(Reader *r, const yaml_event_t *start, int depth, YamlNode **out) {
        YamlNode *node = node_at(r, YAML_LIST, start->start_mark);
        VEC(YamlNode *) items = { 0 };
        for (;;) {
                CLEANUP(event_deletep) yaml_event_t event = { 0 };
                TRY(next(r, &event));
                if (event.type == YAML_SEQUENCE_END_EVENT)
                        break;
                YamlNode *item;
                TRY(read_node(r, &event, depth + 1, &item));
                vec_push(r->arena, &items, item);
        }
        node->items = items.items;
        node->count = items.count;
        *out = node;
        return STATUS_OK;
}

static Status check_key(Reader *r, const yaml_event_t *event, YamlNode *const *keys, size_t count, const YamlNode *key) {
        if (key->kind != YAML_SCALAR) {
                error_set(r->err, STATUS_SYNTAX, "a key must be a word");
                return place(r, event->start_mark);
        }
        for (size_t i = 0; i < count; i++) {
                if (!str_equal(keys[i]->text, key->text))
                        continue;
                error_set(r->err, STATUS_DUPLICATE_KEY, "the key '%.*s' stands here a second time", STR_ARG(key->text));
                place(r, event->start_mark);
                return error_hint(r->err, "the first is in line %d; keep one", keys[i]->line);
        }
        return STATUS_OK;
}

static Status read_map(Reader *r, const yaml_event_t *start, int depth, YamlNode **out) {
        YamlNode *node = node_at(r, YAML_MAP, start->start_mark);
        VEC(YamlNode *) keys = { 0 };
        VEC(YamlNode *) values = { 0 };
        for (;;) {
                CLEANUP(event_deletep) yaml_event_t key_event = { 0 };
                TRY(next(r, &key_event));
                if (key_event.type == YAML_MAPPING_END_EVENT)
                        break;
                YamlNode *key, *value;
                TRY(read_node(r, &key_event, depth + 1, &key));
                TRY(check_key(r, &key_event, keys.items, keys.count, key));
                CLEANUP(event_deletep) yaml_event_t value_event = { 0 };
                TRY(next(r, &value_event));
                TRY(read_node(r, &value_event, depth + 1, &value));
                vec_push(r->arena, &keys, key);
                vec_push(r->arena, &values, value);
        }
        node->keys = keys.items;
        node->items = values.items;
        node->count = keys.count;
        *out = node;
        return STATUS_OK;
}

static Status refuse_feature(Reader *r, const yaml_event_t *event, const char *what) {
        error_set(r->err, STATUS_SYNTAX, "%s are not read here", what);
        place(r, event->start_mark);
        return error_hint(r->err, "write the value out; quote it if it begins with & * or !");
}

static Status read_node(Reader *r, yaml_event_t *event, int depth, YamlNode **out) {
        if (depth > YAML_NESTING) {
                error_set(r->err, STATUS_LIMIT, "nested more than %d levels deep", YAML_NESTING);
                return place(r, event->start_mark);
        }
        if (event->type == YAML_ALIAS_EVENT)
                return refuse_feature(r, event, "aliases (*name)");
        bool anchored = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.anchor != NULL
                        : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor != NULL
                                                                   : event->data.mapping_start.anchor != NULL;
        bool tagged = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.tag != NULL
                      : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.tag != NULL
                                                                 : event->data.mapping_start.tag != NULL;
        if (anchored)
                return refuse_feature(r, event, "anchors (&name)");
        if (tagged)
                return refuse_feature(r, event, "tags (!name)");
        if (event->type == YAML_SCALAR_EVENT)
                return read_scalar(r, event, out);
        return event->type == YAML_SEQUENCE_START_EVENT ? read_list(r, event, depth, out) : read_map(r, event, depth, out);
}

static Status read_document(Reader *r, YamlNode **out) {
        for (;;) {
                CLEANUP(event_deletep) yaml_event_t event = { 0 };
                TRY(next(r, &event));
                if (event.type == YAML_STREAM_END_EVENT)
                        return STATUS_OK;
                if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_END_EVENT)
                        continue;
                if (event.type == YAML_DOCUMENT_START_EVENT) {
                        if (!*out)
                                continue;
                        error_set(r->err, STATUS_SYNTAX, "a second document begins here; one file holds one");
                        return place(r, event.start_mark);
                }
                TRY(read_node(r, &event, 1, out));
                bool empty = (*out)->kind == YAML_SCALAR && (*out)->text.size == 0 && !(*out)->quoted;
                if (empty)
                        *out = node_at(r, YAML_MAP, event.start_mark);
                if ((*out)->kind == YAML_SCALAR) {
                        error_set(r->err, STATUS_SYNTAX, "the file must hold 'key: value' lines");
                        return place(r, event.start_mark);
                }
        }
}

Status yaml_parse(Str text, const char *name, Arena *arena, YamlFile **out, Error *err) {
        if (text.size > YAML_SIZE_MAX)
                return error_set(err, STATUS_LIMIT, "'%s' has %zu bytes; a project file has at most %u", name, text.size,
                                 YAML_SIZE_MAX);
        YamlFile *file = ARENA_NEW(arena, YamlFile);
        file->name = arena_cstr(arena, str_of(name));
        /* as Notepad writes it; columns are counted behind it */
        file->text = arena_str(arena, str_starts_with(text, STR("\xEF\xBB\xBF")) ? str_slice(text, 3, text.size) : text);
        Reader reader = { .arena = arena, .file = file, .err = err };
        if (!yaml_parser_initialize(&reader.parser))
                out_of_memory();
        yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader.parser, (const unsigned char *)file->text.data, file->text.size);
        YamlNode *root = NULL;
        Status status = read_document(&reader, &root);
        yaml_parser_delete(&reader.parser);
        if (status != STATUS_OK)
                return status;
        if (!root) {
                root = ARENA_NEW(arena, YamlNode);
                *root = (YamlNode){ .kind = YAML_MAP, .line = 1, .column = 1 };
        }
        file->root = root;
        *out = file;
        return STATUS_OK;
}

static ssize_t find_key(const YamlNode *map, const char *key) {
        if (!map || map->kind != YAML_MAP)
                return -1;
        for (size_t i = 0; i < map->count; i++)
                if (str_is(map->keys[i]->text, key))
                        return (ssize_t)i;
        return -1;
}

const YamlNode *yaml_get(const YamlNode *map, const char *key) {
        ssize_t at = find_key(map, key);
        return at < 0 ? NULL : map->items[at];
}

const YamlNode *yaml_key(const YamlNode *map, const char *key) {
        ssize_t at = find_key(map, key);
        return at < 0 ? NULL : map->keys[at];
}

Status yaml_error_place(Error *err, const YamlFile *file, const YamlNode *node) {
        return error_place_line(err, file->name, file->text, node->line, node->column);
}
