/* SPDX-License-Identifier: Apache-2.0 */
#include "model/access.h"

#include "base/buf.h"
#include "model/keys.h"
#include "model/model_file.h"
#include "model/name.h"
#include "model/tables.h"

Status who_parse(Str text, Who *out, Error *err) {
        static const struct {
                const char *word;
                WhoKind kind;
        } kinds[] = { { "role", WHO_ROLE }, { "zone", WHO_ZONE }, { "user", WHO_USER } };

        text = str_trim(text);
        if (str_is(text, "everyone")) {
                *out = (Who){ .kind = WHO_EVERYONE, .name = STR("") };
                return STATUS_OK;
        }
        Str word, name;
        if (!str_cut(text, ' ', &word, &name)) {
                if (text.size == 0)
                        return error_set(err, STATUS_BAD_VALUE, "a name is missing");
                *out = (Who){ .kind = WHO_USER, .name = text };
                return STATUS_OK;
        }
        name = str_trim(name);
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
                if (!str_is(word, kinds[i].word) || name.size == 0 || str_find_byte(name, ' ') < name.size)
                        continue;
                *out = (Who){ .kind = kinds[i].kind, .name = name };
                return STATUS_OK;
        }
        error_set(err, STATUS_BAD_VALUE, "\"%.*s\" names nobody", STR_ARG(text));
        return error_hint(err, "write a user's name, `role NAME`, `zone NAME` or `everyone`");
}

/* A list of names, or one. */
void keys_read_people(KeyContext *context, const YamlNode *value, Who **out, size_t *out_count) {
        Str *texts;
        size_t count;
        if (!key_texts(context, value, &texts, &count))
                return;
        Who *people = ARENA_ARRAY(context->arena, Who, count + 1);
        for (size_t i = 0; i < count; i++) {
                Error err = { 0 };
                if (who_parse(texts[i], &people[i], &err) == STATUS_OK)
                        continue;
                yaml_error_place(&err, context->file, value->kind == YAML_LIST ? value->items[i] : value);
                problems_take(context->problems, &err);
                return;
        }
        *out = people;
        *out_count = count;
}

#define PEOPLE_READER(type, field, counter)                                                             \
        static void read_##type##_##field(KeyContext *context, const YamlNode *value, void *object) {   \
                keys_read_people(context, value, &((type *)object)->field, &((type *)object)->counter); \
        }
PEOPLE_READER(AccessRule, who, who_count)
PEOPLE_READER(AccessTest, who, who_count)

/* ---- rules ---- */

static bool object_parse(Str text, AccessObject *out) {
        if (str_starts_with(text, STR("tag:"))) {
                *out = (AccessObject){ .is_tag = true, .stage = STR(""), .table = str_slice(text, 4, text.size) };
                return out->table.size > 0;
        }
        Str stage, table;
        ModelStage parsed;
        if (!str_cut(text, '.', &stage, &table) || table.size == 0)
                return false;
        *out = (AccessObject){ .stage = stage, .table = table };
        bool known = stage_parse(stage, &parsed) || str_is(stage, "staging") || str_is(stage, "landing");
        return known && (str_is(table, "*") || name_valid(table));
}

static void read_on(KeyContext *context, const YamlNode *value, void *object) {
        AccessRule *rule = object;
        Str *texts;
        size_t count;
        if (!key_texts(context, value, &texts, &count))
                return;
        rule->on = ARENA_ARRAY(context->arena, AccessObject, count + 1);
        for (size_t i = 0; i < count; i++) {
                if (object_parse(texts[i], &rule->on[rule->on_count])) {
                        rule->on_count++;
                        continue;
                }
                Error *err = key_problem(context, value->kind == YAML_LIST ? value->items[i] : value, STATUS_BAD_VALUE,
                                         "\"%.*s\" names no tables", STR_ARG(texts[i]));
                error_hint(err, "write STAGE.TABLE, STAGE.* or tag:NAME; stages are landing, staging, canonical, "
                                "analytical, egress");
        }
}

/* `all`, a list, or `all except [a, b]`, which YAML reads as one text. */
static bool split_bracketed(KeyContext *context, Str text, Str **out, size_t *out_count) {
        text = str_trim(text);
        if (text.size < 2 || text.data[0] != '[' || text.data[text.size - 1] != ']')
                return false;
        VEC(Str) parts = { 0 };
        Str part, rest = str_slice(text, 1, text.size - 1);
        bool more = true;
        while (more) {
                more = str_cut(rest, ',', &part, &rest);
                part = str_trim(part);
                if (part.size == 0)
                        return false;
                vec_push(context->arena, &parts, arena_str(context->arena, part));
        }
        *out = parts.items;
        *out_count = parts.count;
        return true;
}

static void read_rule_columns(KeyContext *context, const YamlNode *value, void *object) {
        AccessRule *rule = object;
        if (value->kind == YAML_LIST) {
                rule->columns_kind = COLUMNS_LIST;
                key_texts(context, value, &rule->columns, &rule->column_count);
                return;
        }
        Str text, except = STR("all except ");
        if (!key_text(context, value, &text) || str_is(text, "all"))
                return;
        if (str_starts_with(text, except) &&
            split_bracketed(context, str_slice(text, except.size, text.size), &rule->columns, &rule->column_count)) {
                rule->columns_kind = COLUMNS_EXCEPT;
                return;
        }
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`columns` cannot be \"%.*s\"", STR_ARG(text));
        error_hint(err, "write all, [a, b] or all except [a, b]");
}

/* `partial N` and `bucket N` have a number; null and hash stand alone; all else is SQL over the row. */
static bool mask_good(Str mask) {
        Str word, number;
        int64_t n;
        if (!str_cut(mask, ' ', &word, &number))
                return !str_is(mask, "partial") && !str_is(mask, "bucket");
        if (str_is(word, "partial") || str_is(word, "bucket"))
                return str_to_int64(str_trim(number), &n) && n > 0;
        return true;
}

static bool read_mask_text(KeyContext *context, const YamlNode *value, Str *out) {
        if (!key_text(context, value, out))
                return false;
        if (mask_good(*out))
                return true;
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "mask \"%.*s\" needs a number above 0",
                                 STR_ARG(*out));
        error_hint(err, "%s", ACCESS_MASKS);
        return false;
}

bool access_mask_is_word(Str mask) {
        Str word, number;
        int64_t ignored;
        if (str_cut(mask, ' ', &word, &number) && str_to_int64(str_trim(number), &ignored)) /* `partal 2` */
                return !str_is(word, "partial") && !str_is(word, "bucket") && access_mask_is_word(word);
        static const char *const words[] = { "null", "hash", "partial", "bucket", "true", "false" };
        for (size_t i = 0; i < COUNT_OF(words); i++)
                if (str_equal_nocase(mask, str_of(words[i])))
                        return false;
        for (size_t i = 0; i < mask.size; i++) {
                char c = char_lower(mask.data[i]);
                if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
                        return false;
        }
        return mask.size > 0;
}

Str access_mask_near(Str mask) {
        static const Str words[] = { { "null", 4 }, { "hash", 4 }, { "partial", 7 }, { "bucket", 6 } };
        Str word, rest;
        str_cut(mask, ' ', &word, &rest);
        return str_nearest(word, words, COUNT_OF(words));
}

static void read_rule_mask(KeyContext *context, const YamlNode *value, void *object) {
        AccessRule *rule = object;
        if (value->kind != YAML_MAP) {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`mask` is a map of `column: mask`");
                error_hint(err, "for example   email: partial 2");
                return;
        }
        rule->masks = ARENA_ARRAY(context->arena, AccessMask, value->count + 1);
        for (size_t i = 0; i < value->count; i++) {
                AccessMask mask = { .column = arena_str(context->arena, value->keys[i]->text) };
                if (read_mask_text(context, value->items[i], &mask.mask))
                        rule->masks[rule->mask_count++] = mask;
        }
}

static const Key rule_keys[] = {
        { .name = "who",
          .kind = KEY_OTHER,
          .read = read_AccessRule_who,
          .required = true,
          .shown = "a list of users, `role NAME`, `zone NAME`, `everyone`",
          .meaning = "To whom the rule gives something." },
        { .name = "on",
          .kind = KEY_OTHER,
          .read = read_on,
          .required = true,
          .shown = "a list of `stage.table`, `stage.*`, `tag:NAME`",
          .meaning = "On which tables." },
        { .name = "can",
          .kind = KEY_CHOICE,
          .at = offsetof(AccessRule, can),
          .words = "read write",
          .fallback = "read",
          .meaning = "What they may do; `write` implies `read`." },
        { .name = "rows",
          .kind = KEY_TEXT,
          .at = offsetof(AccessRule, rows),
          .shown = "SQL; all rows",
          .meaning = "Which rows: SQL over the table's columns and `principal.NAME`, asked of each row alone: no aggregates "
                     "and no window functions." },
        { .name = "columns",
          .kind = KEY_OTHER,
          .read = read_rule_columns,
          .shown = "`all`, `[list]` or `all except [list]`; all",
          .meaning = "Which columns exist for them." },
        { .name = "mask",
          .kind = KEY_OTHER,
          .read = read_rule_mask,
          .shown = "a map of `column: mask`",
          .meaning = "What they see instead: `null`, `hash`, `partial N` (the first N characters), `bucket N` (the "
                     "multiple of N below), or SQL over the row." },
};
const KeyTable access_rule_table = {
        .file = "zones/ZONE/access.yml",
        .thing = "a rule",
        .about = "Who may read what in this zone: a list of `rules`. Rules for one person are united. No rule, no "
                 "object: what one may not see does not exist. "
                 "In force from the next statement after `lode apply`; what it means to the letter is in `docs/access.md`.",
        .example = "rules:\n"
                   "- who: [role analyst, bo]\n"
                   "  on: [canonical.*, analytical.*]\n"
                   "  rows: region = principal.region\n"
                   "  columns: all except [salary]\n"
                   "  mask:\n"
                   "    email: partial 2\n",
        .keys = rule_keys,
        .count = COUNT_OF(rule_keys),
};

static const Key test_keys[] = {
        { .name = "who",
          .kind = KEY_OTHER,
          .read = read_AccessTest_who,
          .required = true,
          .shown = "a user, `role NAME`",
          .meaning = "Who asks." },
        { .name = "on",
          .kind = KEY_TEXT,
          .at = offsetof(AccessTest, table),
          .required = true,
          .shown = "`stage.table`",
          .meaning = "Of which table." },
        { .name = "key",
          .kind = KEY_TEXT,
          .at = offsetof(AccessTest, key),
          .meaning = "The column whose values are listed." },
        { .name = "sees",
          .kind = KEY_TEXTS,
          .at = offsetof(AccessTest, sees),
          .count_at = offsetof(AccessTest, see_count),
          .meaning = "Keys that must be seen." },
        { .name = "hides",
          .kind = KEY_TEXTS,
          .at = offsetof(AccessTest, hides),
          .count_at = offsetof(AccessTest, hide_count),
          .meaning = "Keys that must not be seen." },
};
const KeyTable access_test_table = {
        .file = "zones/ZONE/access.test.yml",
        .thing = "an access test",
        .about = "Who sees which keys, and which not: a list of `tests`. `lode run` and `lode check --data` ask them: exit 1 where one does not hold.",
        .example = "tests:\n- who: bo\n  on: canonical.order\n  key: order_no\n  sees: [A-1]\n  hides: [A-2]\n",
        .keys = test_keys,
        .count = COUNT_OF(test_keys),
};

/* ---- central policies ---- */

/* `everyone except [role dpo]`, or a list. */
static void read_policy_who(KeyContext *context, const YamlNode *value, void *object) {
        CentralPolicy *policy = object;
        Str except = STR("everyone except ");
        if (value->kind != YAML_SCALAR || !str_starts_with(value->text, except)) {
                keys_read_people(context, value, &policy->who, &policy->who_count);
                return;
        }
        Str *texts;
        size_t count;
        if (!split_bracketed(context, str_slice(value->text, except.size, value->text.size), &texts, &count)) {
                Error *err = key_problem(context, value, STATUS_BAD_VALUE, "`who` cannot be \"%.*s\"",
                                         STR_ARG(value->text));
                error_hint(err, "write everyone except [role NAME, ...]");
                return;
        }
        policy->who = ARENA_NEW(context->arena, Who);
        policy->who[0] = (Who){ .kind = WHO_EVERYONE, .name = STR("") };
        policy->who_count = 1;
        policy->except = ARENA_ARRAY(context->arena, Who, count);
        for (size_t i = 0; i < count; i++) {
                Error err = { 0 };
                if (who_parse(texts[i], &policy->except[policy->except_count], &err) == STATUS_OK) {
                        policy->except_count++;
                        continue;
                }
                yaml_error_place(&err, context->file, value);
                problems_take(context->problems, &err);
        }
}

static void read_policy_mask(KeyContext *context, const YamlNode *value, void *object) {
        Str mask;
        if (!read_mask_text(context, value, &mask))
                return;
        ((CentralPolicy *)object)->mask = mask;
        if (!access_mask_is_word(mask)) /* which column it is of, nobody knows here: a column alone is a mask's name, written wrong */
                return;
        Error *err = key_problem(context, value, STATUS_BAD_VALUE, "there is no mask '%.*s'", STR_ARG(mask));
        Str near = access_mask_near(mask);
        if (near.size > 0)
                error_hint(err, "did you mean %.*s? " ACCESS_MASKS, STR_ARG(near));
        else
                error_hint(err, "%s", ACCESS_MASKS);
}

static const Key policy_keys[] = {
        { .name = "tag",
          .kind = KEY_NAME,
          .at = offsetof(CentralPolicy, tag),
          .required = true,
          .meaning = "The policy holds for what carries this tag." },
        { .name = "who",
          .kind = KEY_OTHER,
          .read = read_policy_who,
          .required = true,
          .shown = "a list, or `everyone except [list]`",
          .meaning = "Whom it binds." },
        { .name = "mask",
          .kind = KEY_OTHER,
          .read = read_policy_mask,
          .shown = "as in access.yml",
          .meaning = "What they see instead of a tagged column." },
        { .name = "rows",
          .kind = KEY_TEXT,
          .at = offsetof(CentralPolicy, rows),
          .shown = "SQL",
          .meaning = "Which rows of a tagged table they see." },
        { .name = "untag",
          .kind = KEY_TEXTS,
          .at = offsetof(CentralPolicy, untag),
          .count_at = offsetof(CentralPolicy, untag_count),
          .shown = "ZONE.STAGE.TABLE.COLUMN, or a list",
          .meaning = "Columns off which their models may take the tag (`-- column NAME: untag TAG`), which else follows every value." },
};
const KeyTable policy_table = {
        .file = "policies.yml",
        .thing = "a policy",
        .about = "Central policies: a list. They apply after all rules, to owners and engineers too; a zone can only "
                 "add to them.",
        .example = "- tag: pii\n  who: everyone except [role dpo]\n  mask: hash\n",
        .keys = policy_keys,
        .count = COUNT_OF(policy_keys),
};

/* ---- files ---- */

void access_parse(Arena *arena, const char *path, Str text, Problems *problems, Access *out) {
        const YamlNode *list;
        *out = (Access){ .path = arena_printf(arena, "%s", path), .text = arena_str(arena, text) };
        out->rules = keys_list_file(arena, out->path, out->text, problems, &access_rule_table, "rules",
                                    sizeof(AccessRule), &out->rule_count, &list);
        for (size_t i = 0; i < out->rule_count; i++)
                out->rules[i].line = list->items[i]->line;
}

void access_test_parse(Arena *arena, const char *path, Str text, Problems *problems, AccessTest **out,
                       size_t *out_count) {
        const YamlNode *list;
        *out = keys_list_file(arena, arena_printf(arena, "%s", path), arena_str(arena, text), problems,
                              &access_test_table, "tests", sizeof(AccessTest), out_count, &list);
        for (size_t i = 0; i < *out_count; i++)
                (*out)[i].line = list->items[i]->line;
}

void policies_parse(Arena *arena, const char *path, Str text, Problems *problems, CentralPolicies *out) {
        const YamlNode *list;
        *out = (CentralPolicies){ .path = arena_printf(arena, "%s", path), .text = arena_str(arena, text) };
        out->items = keys_list_file(arena, out->path, out->text, problems, &policy_table, "policies",
                                    sizeof(CentralPolicy), &out->count, &list);
        for (size_t i = 0; i < out->count; i++)
                out->items[i].line = list->items[i]->line;
}

bool policies_let_go(const CentralPolicies *policies, Str tag, Str zone, Str stage, Str table, Str column) {
        for (size_t i = 0; i < policies->count; i++) {
                const CentralPolicy *policy = &policies->items[i];
                for (size_t k = 0; k < policy->untag_count && str_equal(policy->tag, tag); k++) {
                        const Str parts[] = { zone, stage, table };
                        Str part, rest = policy->untag[k];
                        bool same = true;
                        for (size_t n = 0; n < COUNT_OF(parts) && same; n++)
                                same = str_cut(rest, '.', &part, &rest) && str_equal(part, parts[n]);
                        if (same && str_equal_nocase(rest, column))
                                return true;
                }
        }
        return false;
}

Str who_print(Arena *arena, const Who *who) {
        static const char *const kinds[] = { [WHO_USER] = "", [WHO_ROLE] = "role ", [WHO_ZONE] = "zone ", [WHO_EVERYONE] = "everyone" };
        return arena_strf(arena, "%s%.*s", kinds[who->kind], STR_ARG(who->name));
}

static bool has_tag(const Str *tags, size_t count, Str tag) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(tags[i], tag))
                        return true;
        return false;
}

bool access_rule_is_whole(const AccessRule *rule) {
        return rule->rows.size == 0 && rule->columns_kind == COLUMNS_ALL && rule->mask_count == 0;
}

static void put_names(Buf *out, const Str *names, size_t count) {
        for (size_t i = 0; i < count; i++)
                buf_printf(out, "%s%.*s", i ? ", " : " ", STR_ARG(names[i]));
}

Str access_rule_print(Arena *arena, const AccessRule *rule) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_cstr(&out, rule->can == ACCESS_WRITE ? "write" : "read");
        if (rule->rows.size)
                buf_printf(&out, "; rows: %.*s", STR_ARG(rule->rows));
        if (rule->columns_kind != COLUMNS_ALL) {
                buf_append_cstr(&out, rule->columns_kind == COLUMNS_EXCEPT ? "; columns: all except" : "; columns:");
                put_names(&out, rule->columns, rule->column_count);
        }
        for (size_t i = 0; i < rule->mask_count; i++)
                buf_printf(&out, "; %.*s: %.*s", STR_ARG(rule->masks[i].column), STR_ARG(rule->masks[i].mask));
        return buf_dup(&out, arena);
}

bool access_rule_means(const AccessRule *rule, Str stage, Str table, const Str *tags, size_t tag_count) {
        bool meant = false;
        for (size_t i = 0; i < rule->on_count; i++) {
                const AccessObject *on = &rule->on[i];
                meant |= on->is_tag ? has_tag(tags, tag_count, on->table)
                                    : str_equal(on->stage, stage) && (str_is(on->table, "*") || str_equal(on->table, table));
        }
        return meant;
}
