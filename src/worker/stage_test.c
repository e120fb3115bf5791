/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/stage.h"

#include "base/hash.h"
#include "base/test.h"
#include "worker/memory_file.h"
#include "worker/sniff.h"

static SourceColumn columns[] = {
        { .name = STR("id"), .type = { .kind = TYPE_INT }, .required = true, .field_id = 1 },
        { .name = STR("amount"),
          .from = STR("Amount due"),
          .type = { .kind = TYPE_DECIMAL, .precision = 9, .scale = 2 },
          .field_id = 2 },
        { .name = STR("note"), .type = { .kind = TYPE_TEXT }, .field_id = 3 },
};

static StageSpec spec_of(Format format) {
        return (StageSpec){ .format = format,
                            .columns = columns,
                            .column_count = COUNT_OF(columns),
                            .file_id = 77,
                            .file_field_id = 1001,
                            .row_field_id = 1002 };
}

/* Runs a job, then sends its result through a message: what lode would see. */
static Status stage_text(Test *t, Stager *stager, const StageSpec *spec, Str text, StageResult *out) {
        CLEANUP(close_fdp) int in = memory_file(text);
        CLEANUP(close_fdp) int data = memory_file(STR(""));
        CLEANUP(close_fdp) int quarantine = memory_file(STR(""));
        StageResult result;
        TRY(stage_run(stager, spec, (StageFiles){ in, data, quarantine }, (StageProgress){ NULL, NULL }, &t->arena,
                      &result, &t->err));
        CLEANUP(buf_deinit) Buf message = { 0 };
        stage_result_write(&message, &result);
        off_t size = lseek(quarantine, 0, SEEK_END);
        if ((result.quarantine.rows > 0) != (size > 0) || (result.data.rows > 0) != (lseek(data, 0, SEEK_END) > 0))
                return error_set(&t->err, STATUS_INTERNAL, "a file was written without rows");
        return stage_result_read(buf_view(&message), spec, &t->arena, out, &t->err);
}

TEST(what_fits_is_staged_and_what_does_not_is_kept_with_its_reason) {
        CLEANUP(stager_freep) Stager *stager = stager_new();
        Format format = format_default();
        StageSpec spec = spec_of(format);
        StageResult result;
        CHECK_OK(stage_text(t, stager, &spec,
                            STR("note,ID, amount due \n"
                                "a,1,2.50\n"
                                "b,x,1\n"
                                "c,,1\n"
                                "d,4,1.234\n"
                                "e,5\n"
                                "f,6,\n"
                                "g,y,z\n"
                                "h\"h,8,1\n"
                                "\n"
                                "\"\",9,-1\n"),
                            &result));
        CHECK_INT(result.records, 11);
        CHECK_INT(result.accepted, 3);
        CHECK_INT(result.quarantined, 6);
        CHECK_INT(result.skipped, 2);
        CHECK_INT(result.headers, 1);
        CHECK_INT(result.blanks, 1);
        CHECK_INT(result.data.rows, 3);
        CHECK_INT(result.data.column_count, 5);
        CHECK_INT(result.quarantine.column_count, 12);
        static const struct {
                const char *column, *rule;
                int count, record, line;
                const char *message;
        } wanted[] = {
                { "id", "not_a_number", 2, 3, 3, "id: 'x' is not a number" },
                { "id", "required_missing", 1, 4, 4, "id is empty, and the column is required" },
                { "amount", "too_many_digits", 1, 5, 5,
                  "amount: '1.234' has more digits than the type keeps (decimal(9,2))" },
                { "", "wrong_width", 1, 6, 6, "the record has 2 fields where 3 belong" },
                { "", "bad_quote", 1, 9, 9, "the line has a quote in a wrong place, or one that is never closed" },
        };
        CHECK_INT(result.rule_count, COUNT_OF(wanted));
        for (size_t i = 0; i < COUNT_OF(wanted); i++) {
                const StageRule *rule = &result.rules[i];
                CHECK_STR(rule->column, str_of(wanted[i].column));
                CHECK_STR(str_of(rule_name(rule->rule)), str_of(wanted[i].rule));
                CHECK_INT(rule->count, wanted[i].count);
                CHECK_INT(rule->record, wanted[i].record);
                CHECK_INT(rule->line, wanted[i].line);
                CHECK_STR(rule->message, str_of(wanted[i].message));
        }
        int64_t low, high;
        CHECK(value_read_int64(result.data.columns[0].lower, &low) &&
              value_read_int64(result.data.columns[0].upper, &high));
        CHECK_INT(low, 1);
        CHECK_INT(high, 9);
        CHECK(value_read_int64(result.data.columns[4].upper, &high));
        CHECK_INT(high, 11);
        CHECK_INT(result.data.columns[1].nulls, 1);
}

static StageFix fix_at(uint64_t offset, const char *raw) {
        return (StageFix){ .offset = offset, .raw_hash = hash64_stable(str_of(raw)), .rule = STR("some_rule") };
}

TEST(a_fixed_record_is_accepted_a_dropped_one_skipped_and_both_are_kept) {
        CLEANUP(stager_freep) Stager *stager = stager_new();
        StageSpec spec = spec_of(format_default());
        Str amount[] = { STR("amount") }, two[] = { STR("2.5") }, many[] = { STR("2.555") };
        StageFix fixes[] = { fix_at(19, "1,x,a"), fix_at(25, "2,1,b,c"), fix_at(33, "3,y,d"), fix_at(39, "4,4,e"), fix_at(45, "5,z,f"),
                             fix_at(51, "6,6,other") };
        fixes[0].columns = fixes[3].columns = fixes[4].columns = (StrList){ amount, 1 };
        fixes[0].values = fixes[3].values = fixes[5].values = (StrList){ two, 1 };
        fixes[5].columns = (StrList){ amount, 1 };
        fixes[4].values = (StrList){ many, 1 };
        fixes[1].whole = true;
        fixes[1].text = STR("2,1,\"b,c\"");
        fixes[2].drop = true;
        spec.fixes = fixes;
        spec.fix_count = COUNT_OF(fixes);
        StageResult result;
        CHECK_OK(stage_text(t, stager, &spec, STR("id,amount due,note\n1,x,a\n2,1,b,c\n3,y,d\n4,4,e\n5,z,f\n6,6,g\n"), &result));
        CHECK_INT(result.records, 7);
        CHECK_INT(result.accepted, 4);    /* 1, 2, 4 fixed; 6 as it is */
        CHECK_INT(result.fixed, 3);
        CHECK_INT(result.quarantined, 1); /* 5: what it was corrected to does not fit */
        CHECK_INT(result.skipped, 2);
        CHECK_INT(result.dropped, 1);
        CHECK_INT(result.unmet, 1);       /* 6: there is another text now */
        CHECK_INT(result.quarantine.rows, 5);
        CHECK_STR(result.rules[0].message, STR("amount: '2.555' has more digits than the type keeps (decimal(9,2))"));
        int64_t high;
        CHECK(value_read_int64(result.data.columns[4].upper, &high));
        CHECK_INT(high, 7);
}

TEST(columns_that_come_and_go_are_reported) {
        CLEANUP(stager_freep) Stager *stager = stager_new();
        StageSpec spec = spec_of(format_default());
        Str ignored[] = { STR("Junk") };
        spec.ignore = (StrList){ ignored, 1 };
        StageResult result;
        CHECK_OK(stage_text(t, stager, &spec, STR("id,junk,when,zip\n1,x,2024-01-02,01234\n2,y,,12345\n"), &result));
        CHECK_INT(result.accepted, 2);
        CHECK_INT(result.missing.count, 2);
        CHECK_STR(result.missing.items[0], STR("amount"));
        CHECK_INT(result.unknown_count, 2);
        CHECK_STR(result.unknown[0].name, STR("when"));
        CHECK_INT(result.unknown[0].type.kind, TYPE_DATE);
        CHECK_INT(result.unknown[0].nulls, 1);
        CHECK_INT(result.unknown[1].type.kind, TYPE_TEXT);
        CHECK_STATUS(stage_text(t, stager, &spec, STR("x,y\n1,2\n"), &result), STATUS_HELD);
        CHECK_OK(stage_text(t, stager, &spec, STR("amount due\n1\n"), &result));
        CHECK_INT(result.quarantined, 1);
        CHECK_INT(result.rules[0].rule, RULE_REQUIRED_MISSING);
}

TEST(a_worker_stages_one_file_after_another) {
        CLEANUP(stager_freep) Stager *stager = stager_new();
        CLEANUP(buf_deinit) Buf text = { 0 };
        buf_append_cstr(&text, "id,amount due,note\n");
        for (int i = 0; i < 300000; i++)
                buf_printf(&text, "%d,%d.%02d,%s\n", i, i, i % 100, i % 50 == 49 ? "\xff" : i % 3 ? "some text" : "");
        StageSpec spec = spec_of(format_default());
        spec.threads = 2;
        for (int round = 0; round < 3; round++) {
                StageResult result;
                CHECK_OK(stage_text(t, stager, &spec, buf_view(&text), &result));
                CHECK_INT(result.accepted, 294000);
                CHECK_INT(result.quarantined, 6000);
                CHECK(result.data.split_count > 1);
                CHECK_STATUS(stage_text(t, stager, &spec, STR("id,\"\n"), &result), STATUS_HELD);
                CHECK_OK(stage_text(t, stager, &spec, STR(""), &result));
                CHECK_INT(result.records, 0);
        }
}

static bool refuse(void *context, uint64_t bytes) {
        *(uint64_t *)context = bytes;
        return false;
}

TEST(a_job_ends_when_it_is_interrupted) {
        CLEANUP(stager_freep) Stager *stager = stager_new();
        CLEANUP(buf_deinit) Buf text = { 0 };
        buf_append_cstr(&text, "id,amount due,note\n");
        while (text.size < (40u << 20))
                buf_append_cstr(&text, "1,2,some text that makes the file long, and this one too wide\n");
        CLEANUP(close_fdp) int in = memory_file(buf_view(&text));
        CLEANUP(close_fdp) int data = memory_file(STR(""));
        CLEANUP(close_fdp) int quarantine = memory_file(STR(""));
        StageSpec spec = spec_of(format_default());
        StageResult result;
        uint64_t seen = 0;
        CHECK_STATUS(stage_run(stager, &spec, (StageFiles){ in, data, quarantine }, (StageProgress){ refuse, &seen },
                               &t->arena, &result, &t->err),
                     STATUS_INTERRUPTED);
        CHECK(seen >= (16u << 20) && seen < (32u << 20));
}

TEST(jobs_cross_a_message_unchanged) {
        CLEANUP(buf_deinit) Buf message = { 0 };
        StageSpec spec = spec_of(format_default()), got;
        spec.input_limit = 12345;
        stage_spec_write(&message, &spec);
        CHECK_OK(stage_spec_read(buf_view(&message), &t->arena, &got, &t->err));
        CHECK_INT(got.column_count, 3);
        CHECK_STR(got.columns[1].from, STR("Amount due"));
        CHECK_INT(got.file_id, 77);
        CHECK_INT(got.input_limit, 12345);
        for (size_t cut = 0; cut < message.size; cut++)
                CHECK(stage_spec_read(str_slice(buf_view(&message), 0, cut), &t->arena, &got, &t->err) != STATUS_OK);
}

TEST(a_file_is_sniffed_and_its_proposal_crosses_a_message) {
        CLEANUP(close_fdp) int fd = memory_file(STR("id;day\n1;25.12.2024\n2;\n"));
        SniffSpec spec = { .name = STR("x.csv") };
        SniffResult result, got;
        CHECK_OK(sniff_run(&spec, fd, &t->arena, &result, &t->err));
        CLEANUP(buf_deinit) Buf message = { 0 };
        sniff_result_write(&message, &result);
        CHECK_OK(sniff_result_read(buf_view(&message), &t->arena, &got, &t->err));
        CHECK_INT(got.records, 3);
        CHECK_INT(got.accepted, 2);
        CHECK(got.whole);
        CHECK_INT(got.columns[1].column.type.kind, TYPE_DATE);
        CHECK_STR(got.format.dates.items[0], STR("dd.MM.yyyy"));
        CHECK_STR(got.columns[1].reads.items[0], STR("dd.MM.yyyy"));
        CHECK(got.ascii && !got.columns[1].unsure);
        CHECK_STR(got.preview[1], STR("2024-12-25"));
        CHECK(got.preview[3].data == NULL);
        for (size_t cut = 0; cut < message.size; cut++)
                CHECK(sniff_result_read(str_slice(buf_view(&message), 0, cut), &t->arena, &got, &t->err) != STATUS_OK);
}

/* What of a result lode believes: rules of the table, columns that it asked for, texts that are short. */
TEST(a_report_names_only_what_was_asked) {
        char *text = arena_alloc(&t->arena, 1000);
        memset(text, 'w', 1000);
        const struct {
                StageRule rule;
                const char *message; /* NULL: refused */
        } cases[] = {
                { { .rule = RULE_NOT_A_NUMBER, .place = 1, .field = STR("x\x1b[2J") }, "id: 'x?[2J' is not a number" },
                { { .rule = RULE_WRONG_WIDTH, .width = 3, .wanted = 4 }, "the record has 3 fields where 4 belong" },
                { { .rule = RULE_COUNT, .place = 1 }, NULL },
                { { .rule = RULE_NONE, .place = 1 }, NULL },
                { { .rule = RULE_NOT_A_NUMBER, .place = 100 }, NULL },
                { { .rule = RULE_NOT_A_NUMBER, .place = 1, .field = { text, 1000 } }, NULL },
                { { .rule = RULE_NOT_A_NUMBER, .place = 1, .text = { text, 1000 } }, NULL },
                { { .rule = RULE_WRONG_WIDTH, .width = -1 }, NULL },
        };
        StageSpec spec = spec_of(format_default());
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                StageRule rule = cases[i].rule;
                StageResult got, result = { .rules = &rule, .rule_count = 1 };
                CLEANUP(buf_deinit) Buf message = { 0 };
                stage_result_write(&message, &result);
                CHECK_STATUS(stage_result_read(buf_view(&message), &spec, &t->arena, &got, &t->err),
                             cases[i].message ? STATUS_OK : STATUS_CORRUPT);
                if (cases[i].message)
                        CHECK_STR(got.rules[0].message, str_of(cases[i].message));
        }
}
