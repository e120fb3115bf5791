/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes over the landed files. The first tries every candidate on the misfits alone, of which there are few, and
 * also brings back their texts, since a word that stands for "nothing" is only known from these. The second tries what is
 * left on all records. Candidates stand in the order in which they are preferred: what changes least comes first.
 */
#include "model/remedy.h"

#include "base/json.h"
#include "base/vec.h"
#include "frame/usual.h"
#include "intake/landed.h"


typedef struct Candidate {
        Str setting;
        TrialSetting trial;
        bool baseline; /* nothing is changed: it brings back the texts */
        bool shifts;   /* another of these may read the same texts as other values */
        bool shared;   /* it is of the source, and so of several columns */
        TrialVerdict sum;
} Candidate;

typedef struct Group {
        size_t column;
        Rule rule;
        bool header; /* all that is not read is what the column is called in the file */
} Group;

typedef struct Search {
        const RemedySpec *spec;
        const Source *source;
        Arena *arena;
        VEC(Group) groups;
        VEC(Candidate) candidates;
        Worker *worker;
} Search;

/* ---- what struck ---- */

static bool rule_of_name(Str name, Rule *out) {
        for (int i = 1; i < RULE_COUNT; i++) {
                if (!str_is(name, rule_name((Rule)i)))
                        continue;
                *out = (Rule)i;
                return true;
        }
        return false;
}

static void add_group(Search *s, Str column, Str rule_text) {
        Rule rule;
        size_t place = 0;
        while (place < s->source->column_count && !str_equal(s->source->columns[place].name, column))
                place++;
        if (place == s->source->column_count || !rule_of_name(rule_text, &rule))
                return;
        for (size_t i = 0; i < s->groups.count; i++)
                if (s->groups.items[i].column == place && s->groups.items[i].rule == rule)
                        return;
        vec_push(s->arena, &s->groups, (Group){ place, rule });
}

static bool is_meant(const Search *s, const Delivery *delivery) {
        return str_is(delivery->state, "staged") && str_equal(delivery->zone, s->source->zone) && str_equal(delivery->source, s->source->name);
}

static Status collect_groups(Search *s, Error *err) {
        for (size_t i = 0; i < s->spec->delivery_count; i++) {
                const Delivery *delivery = &s->spec->deliveries[i];
                if (!is_meant(s, delivery) || delivery->quarantined == 0 || delivery->detail.size == 0)
                        continue;
                Json *detail;
                TRY(json_parse(delivery->detail, "a delivery's detail", s->arena, &detail, err));
                const Json *rules = json_get(detail, "rules");
                for (size_t j = 0; j < json_count(rules); j++)
                        add_group(s, json_string(json_get(json_at(rules, j), "column")), json_string(json_get(json_at(rules, j), "rule")));
        }
        return STATUS_OK;
}

/* ---- candidates ---- */

static Candidate *add_candidate(Search *s, const Group *group, const Source *changed) {
        const SourceColumn *column = &changed->columns[group->column];
        Error ignored;
        if (s->candidates.count == TRIAL_SETTINGS_MAX || format_check(&changed->format, &ignored) != STATUS_OK ||
            format_check_column(&changed->format, column, &ignored) != STATUS_OK)
                return NULL;
        Candidate candidate = { .setting = source_print_change(s->arena, changed, s->source),
                                .trial = { .column = (uint32_t)group->column,
                                           .rule = group->rule,
                                           .format = changed->format,
                                           .is = *column },
                                .shared = changed->columns == s->source->columns };
        vec_push(s->arena, &s->candidates, candidate);
        return &s->candidates.items[s->candidates.count - 1];
}

/* The group's column, to be changed without the source's. */
static SourceColumn *own_column(Search *s, const Group *group, Source *changed) {
        changed->columns = ARENA_ARRAY(s->arena, SourceColumn, changed->column_count);
        memcpy(changed->columns, s->source->columns, changed->column_count * sizeof(*changed->columns));
        return &changed->columns[group->column];
}

/* The source with this column's type another. */
static Candidate *add_type(Search *s, const Group *group, Type type) {
        Source changed = *s->source;
        SourceColumn *column = own_column(s, group, &changed);
        if (type_equal(column->type, type))
                return NULL;
        column->type = type;
        column->zone = column->zone_file = STR_NONE;
        if (type.kind != TYPE_TEXT)
                return add_candidate(s, group, &changed);
        column->decimal = column->thousands = 0;
        column->has_thousands = column->has_currency = false;
        column->dates = (StrList){ 0 };
        return add_candidate(s, group, &changed);
}

static void add_decimal(Search *s, const Group *group, int precision, int scale) {
        if (precision > 38 || scale > precision)
                return;
        Candidate *candidate = add_type(s, group, (Type){ .kind = TYPE_DECIMAL, .precision = precision, .scale = scale });
        if (candidate)
                candidate->shifts = true;
}

static StrList list_with(Search *s, StrList list, const Str *more, size_t count) {
        StrList longer = { ARENA_ARRAY(s->arena, Str, list.count + count), 0 };
        for (size_t i = 0; i < list.count; i++)
                longer.items[longer.count++] = list.items[i];
        for (size_t i = 0; i < count; i++)
                longer.items[longer.count++] = more[i];
        return longer;
}

static void add_shifting(Search *s, const Group *group, const Source *changed) {
        Candidate *candidate = add_candidate(s, group, changed);
        if (candidate)
                candidate->shifts = true;
}

static StrList patterns_with(Search *s, StrList now, Str pattern) {
        static Str iso[] = { { "yyyy-MM-dd", 10 } };
        return list_with(s, now.count ? now : (StrList){ iso, 1 }, &pattern, 1);
}

/* Patterns replace ISO dates, so where there are none yet these stay the first. */
static void add_patterns(Search *s, const Group *group) {
        for (size_t i = 0; i < USUAL_PATTERN_COUNT && s->source->columns[group->column].dates.count == 0; i++) {
                Source changed = *s->source;
                changed.format.dates = patterns_with(s, s->source->format.dates, str_of(usual_patterns[i].text));
                add_shifting(s, group, &changed);
        }
}

static void add_own_patterns(Search *s, const Group *group) {
        const SourceColumn *was = &s->source->columns[group->column];
        for (size_t i = 0; i < USUAL_PATTERN_COUNT; i++) {
                Source changed = *s->source;
                own_column(s, group, &changed)->dates = patterns_with(s, was->dates.count ? was->dates : s->source->format.dates, str_of(usual_patterns[i].text));
                add_shifting(s, group, &changed);
        }
}

static const char number_styles[][2] = { { '.', 0 }, { ',', 0 }, { '.', ',' }, { ',', '.' }, { '.', '\'' }, { '.', ' ' }, { ',', ' ' }, { '.', THOUSANDS_INDIAN } };

static void add_number_styles(Search *s, const Group *group) {
        for (size_t i = 0; i < COUNT_OF(number_styles); i++) {
                Source changed = *s->source;
                if (changed.format.decimal == number_styles[i][0] && changed.format.thousands == number_styles[i][1])
                        continue;
                changed.format.decimal = number_styles[i][0];
                changed.format.thousands = number_styles[i][1];
                add_shifting(s, group, &changed);
        }
}

/* Of this column alone: where others are written otherwise. */
static void add_own_number_styles(Search *s, const Group *group) {
        for (size_t i = 0; i < COUNT_OF(number_styles); i++) {
                Source changed = *s->source;
                SourceColumn *column = own_column(s, group, &changed);
                column->decimal = number_styles[i][0];
                column->thousands = number_styles[i][1];
                column->has_thousands = column->thousands != 0;
                add_shifting(s, group, &changed);
        }
}

/* Numbers with room for more: what held a value before holds it still. */
static void add_wider(Search *s, const Group *group) {
        Type type = s->source->columns[group->column].type;
        if (type.kind == TYPE_INT)
                add_type(s, group, (Type){ .kind = TYPE_BIGINT });
        if (type.kind == TYPE_INT || type.kind == TYPE_BIGINT) {
                for (int scale = 0; scale <= 6; scale += 2)
                        add_decimal(s, group, 20 + scale, scale);
                if (type.kind == TYPE_INT)
                        add_type(s, group, (Type){ .kind = TYPE_DOUBLE });
        }
        if (type.kind != TYPE_DECIMAL)
                return;
        for (int scale = type.scale; scale <= 38; scale++)
                add_decimal(s, group, type.precision + scale - type.scale > 18 ? type.precision + scale - type.scale : 18, scale);
        add_decimal(s, group, 38, type.scale);
}

/* In this column alone: where another one has the same word for something else. */
static void add_own_words(Search *s, const Group *group, StrList words) {
        Source changed = *s->source;
        SourceColumn *column = own_column(s, group, &changed);
        column->nulls = list_with(s, column->has_nulls ? column->nulls : s->source->format.nulls, words.items, words.count);
        column->has_nulls = true;
        add_candidate(s, group, &changed);
}

/* Of the texts, those that are words for nothing. */
static void add_null_words(Search *s, const Group *group, StrList texts) {
        StrList words = { ARENA_ARRAY(s->arena, Str, texts.count + 1), 0 };
        for (size_t i = 0; i < texts.count; i++) {
                bool is_zero_date = texts.items[i].size >= 8 && strspn(texts.items[i].data, "0-/.: T") >= texts.items[i].size;
                if (usual_is_null_word(texts.items[i]) || is_zero_date)
                        words.items[words.count++] = texts.items[i];
        }
        if (words.count == 0)
                return;
        Source changed = *s->source;
        if (!s->source->columns[group->column].has_nulls) {
                changed.format.nulls = list_with(s, changed.format.nulls, words.items, words.count);
                add_candidate(s, group, &changed);
        }
        add_own_words(s, group, words);
}

static void add_optional(Search *s, const Group *group) {
        Source changed = *s->source;
        own_column(s, group, &changed)->required = false;
        add_candidate(s, group, &changed);
}

/* What does not need the misfits' texts. */
static void add_usual(Search *s, const Group *group) {
        static const Str empty = { "", 0 };
        switch (group->rule) {
        case RULE_NOT_A_DATE:
        case RULE_NOT_A_TIMESTAMP:
                add_patterns(s, group);
                add_own_patterns(s, group);
                if (group->rule == RULE_NOT_A_DATE)
                        add_type(s, group, (Type){ .kind = TYPE_TIMESTAMP });
                return;
        case RULE_NOT_A_NUMBER:
        case RULE_NOT_AN_INTEGER:
        case RULE_OUT_OF_RANGE:
        case RULE_TOO_MANY_DIGITS:
                add_number_styles(s, group);
                add_wider(s, group);
                add_own_number_styles(s, group);
                return;
        case RULE_NO_OFFSET:
                add_type(s, group, (Type){ .kind = TYPE_TIMESTAMP });
                return;
        case RULE_EMPTY_QUOTED:
                add_null_words(s, group, (StrList){ (Str[]){ empty }, 1 });
                return;
        case RULE_REQUIRED_MISSING:
                add_optional(s, group);
                return;
        default:
                return;
        }
}

static void add_first(Search *s) {
        for (size_t i = 0; i < s->groups.count; i++) {
                Candidate *baseline = add_candidate(s, &s->groups.items[i], s->source);
                if (baseline)
                        baseline->baseline = true;
                add_usual(s, &s->groups.items[i]);
        }
}

/* ---- trying ---- */

static Status try_delivery(Search *s, const Delivery *delivery, const TrialSpec *spec, Error *err) {
        CLEANUP(landed_closep) Landed *landed = NULL;
        TRY(landed_open(s->spec->lake->store, delivery, &landed, err));
        int fd = landed_fd(landed);
        CLEANUP(buf_deinit) Buf request = { 0 };
        trial_spec_write(&request, spec);
        if (!s->worker)
                TRY(worker_lease(s->spec->pool, s->spec->principal, &s->worker, err));
        Str reply;
        TrialResult result;
        TRY(landed_judge(landed, worker_try(s->worker, buf_view(&request), &fd, 1, s->arena, &reply, err), err));
        TRY(trial_result_read(reply, s->arena, &result, err));
        if (result.count != s->candidates.count)
                return error_set(err, STATUS_WORKER_LOST, "a worker tried other settings than it was given");
        for (size_t i = 0; i < result.count; i++) {
                TrialVerdict *sum = &s->candidates.items[i].sum;
                const TrialVerdict *verdict = &result.items[i];
                sum->misfits += verdict->misfits;
                sum->fit += verdict->fit;
                sum->left += verdict->left;
                sum->accepted += verdict->accepted;
                sum->same += verdict->same;
                sum->broken += verdict->broken;
                sum->reading = sum->reading * 31 + verdict->reading;
                sum->unread = list_with(s, sum->unread, verdict->unread.items, verdict->unread.count);
        }
        return STATUS_OK;
}

static Status try_all(Search *s, bool accepted, Error *err) {
        TrialSpec spec = {
                .format = s->source->format,
                .columns = s->source->columns,
                .column_count = s->source->column_count,
                .ignore = s->source->ignore,
                .accepted = accepted,
                .settings = ARENA_ARRAY(s->arena, TrialSetting, s->candidates.count + 1),
                .setting_count = s->candidates.count,
        };
        for (size_t i = 0; i < s->candidates.count; i++) {
                spec.settings[i] = s->candidates.items[i].trial;
                s->candidates.items[i].sum = (TrialVerdict){ 0 };
        }
        for (size_t i = 0; i < s->spec->delivery_count; i++) {
                const Delivery *delivery = &s->spec->deliveries[i];
                if (is_meant(s, delivery) && (accepted || delivery->quarantined > 0))
                        TRY(try_delivery(s, delivery, &spec, err));
        }
        return STATUS_OK;
}

static StrList without_repeats(Search *s, StrList list) {
        StrList once = { ARENA_ARRAY(s->arena, Str, list.count + 1), 0 };
        for (size_t i = 0; i < list.count; i++) {
                size_t at = 0;
                while (at < once.count && !str_equal(once.items[at], list.items[i]))
                        at++;
                if (at == once.count)
                        once.items[once.count++] = list.items[i];
        }
        return once;
}

#define MOST_KEPT 4 /* that read some of the misfits, of one group */

static bool reads_most(const TrialVerdict *sum) {
        return sum->fit > 0 && sum->fit < sum->misfits && sum->fit * 2 >= sum->misfits;
}

/* Of those that read half of the misfits or more the ones that read most, in their order. */
static void keep_those_that_read_most(Search *s, const Group *group, const Candidate *old, size_t count) {
        int64_t most = 0;
        size_t kept = 0;
        for (int pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < count; i++) {
                        const TrialVerdict *sum = &old[i].sum;
                        if (old[i].trial.column != group->column || old[i].trial.rule != group->rule || old[i].baseline || !reads_most(sum))
                                continue;
                        if (pass == 0)
                                most = sum->fit > most ? sum->fit : most;
                        else if (sum->fit == most && kept++ < MOST_KEPT)
                                vec_push(s->arena, &s->candidates, old[i]);
                }
}

/* The name of the column and nothing else: the file has its header again, as files have that were joined. */
static bool is_header(const SourceColumn *column, StrList unread) {
        Str header = source_column_in_file(column);
        for (size_t i = 0; i < unread.count; i++)
                if (!str_equal_nocase(str_trim(unread.items[i]), header))
                        return false;
        return unread.count > 0;
}

/* Those that read all misfits, in their order; then, of each group, what its texts suggest and text itself. */
static void keep_those_that_read(Search *s) {
        const Candidate *old = s->candidates.items;
        size_t count = s->candidates.count;
        s->candidates.items = NULL;
        s->candidates.count = s->candidates.capacity = 0;
        for (size_t g = 0; g < s->groups.count; g++) {
                Group *group = &s->groups.items[g];
                for (size_t i = 0; i < count; i++) {
                        bool mine = old[i].trial.column == group->column && old[i].trial.rule == group->rule;
                        if (mine && !old[i].baseline && old[i].sum.misfits > 0 && old[i].sum.fit == old[i].sum.misfits)
                                vec_push(s->arena, &s->candidates, old[i]);
                        if (mine && old[i].baseline)
                                group->header = is_header(&s->source->columns[group->column], old[i].sum.unread);
                        if (mine && old[i].baseline && group->rule != RULE_EMPTY_QUOTED && old[i].sum.unread.count < TRIAL_UNREAD_MAX)
                                add_null_words(s, group, without_repeats(s, old[i].sum.unread));
                }
                keep_those_that_read_most(s, group, old, count);
                add_type(s, group, (Type){ .kind = TYPE_TEXT });
        }
}

static bool is_harmless(const TrialVerdict *sum) {
        return sum->same == sum->accepted && sum->broken == 0;
}

static bool is_proved(const Candidate *candidate) {
        const TrialVerdict *sum = &candidate->sum;
        return sum->misfits > 0 && sum->fit == sum->misfits && is_harmless(sum);
}

/* Those of one column read the same as the one of all columns that came before them. */
static bool is_other_reading(const Candidate *best, const Candidate *candidate) {
        return best->shifts && candidate->shifts && best->sum.reading != candidate->sum.reading;
}

/* What reads most; two that read as many as other values say nothing. */
static void take_most(const Search *s, const Group *group, Remedy *out) {
        const Candidate *best = NULL;
        for (size_t i = 0; i < s->candidates.count; i++) {
                const Candidate *candidate = &s->candidates.items[i];
                if (candidate->trial.column != group->column || candidate->trial.rule != group->rule || !reads_most(&candidate->sum) ||
                    !is_harmless(&candidate->sum))
                        continue;
                if (!best || candidate->sum.fit > best->sum.fit) {
                        best = candidate;
                        out->most = best->setting;
                        out->fit = best->sum.fit;
                } else if (candidate->sum.fit == best->sum.fit && is_other_reading(best, candidate)) {
                        out->most = STR_NONE;
                }
        }
}

static bool take_remedy(const Search *s, const Group *group, Remedy *out) {
        const Candidate *best = NULL;
        *out = (Remedy){ .column = s->source->columns[group->column].name, .rule = group->rule, .is_date = group->rule == RULE_NOT_A_DATE || group->rule == RULE_NOT_A_TIMESTAMP };
        for (size_t i = 0; i < s->candidates.count; i++) {
                const Candidate *candidate = &s->candidates.items[i];
                if (candidate->trial.column != group->column || candidate->trial.rule != group->rule)
                        continue;
                if (!is_proved(candidate)) {
                        if (!best && candidate->shared && out->refused.size == 0)
                                out->refused = candidate->setting;
                } else if (!best)
                        best = candidate;
                else if (out->other.size == 0 && is_other_reading(best, candidate))
                        out->other = candidate->setting;
        }
        if (!best)
                return false;
        if (best->shared || best->trial.is.type.kind == TYPE_TEXT)
                out->refused = STR_NONE;
        if (best->trial.is.type.kind == TYPE_TEXT)
                take_most(s, group, out);
        out->header = group->header;
        out->setting = best->setting;
        out->misfits = best->sum.misfits;
        out->left = best->sum.left;
        out->accepted = best->sum.accepted;
        return true;
}

static bool is_small_enough(const Search *s) {
        int64_t bytes = 0;
        for (size_t i = 0; i < s->spec->delivery_count; i++)
                if (is_meant(s, &s->spec->deliveries[i]))
                        bytes += s->spec->deliveries[i].bytes;
        return bytes <= REMEDY_BYTES_MAX;
}

static Status search(Search *s, Remedy **out, size_t *out_count, Error *err) {
        TRY(collect_groups(s, err));
        if (s->groups.count == 0 || !is_small_enough(s))
                return STATUS_OK;
        add_first(s);
        TRY(try_all(s, false, err));
        keep_those_that_read(s);
        TRY(try_all(s, true, err));
        *out = ARENA_ARRAY(s->arena, Remedy, s->groups.count);
        for (size_t i = 0; i < s->groups.count; i++)
                *out_count += take_remedy(s, &s->groups.items[i], &(*out)[*out_count]);
        return STATUS_OK;
}

Status remedies_find(const RemedySpec *spec, const Source *source, Arena *arena, Remedy **out, size_t *out_count, Error *err) {
        Search s = { .spec = spec, .source = source, .arena = arena };
        *out = NULL;
        *out_count = 0;
        Status status = search(&s, out, out_count, err);
        worker_releasep(&s.worker);
        return status;
}
