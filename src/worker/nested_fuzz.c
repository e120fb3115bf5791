/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A type on the first line, a value on each of the others: what is read prints as JSON that reads the same, and the file that
 * it makes has a footer of as many rows, the type, and an entry or more for each row in every leaf.
 */
#include <sys/mman.h>

#include "parquet/footer.h"
#include "worker/nested.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

static int number(Type *type, int id) {
        for (size_t i = 0; i < type->field_count; i++) {
                type->fields[i].id = ++id;
                id = number(&type->fields[i].type, id);
        }
        return id;
}

/* Nulls and absent fields are one. */
static void check_print(const Typing *typing, const Nested *value, Arena *arena) {
        Str once = nested_print(&typing->type, value, arena);
        const Nested *again;
        NestedFault fault;
        require(nested_read(typing, once, arena, &again, &fault) == RULE_NONE, "what is printed does not read back");
        require(str_equal(nested_print(&typing->type, again, arena), once), "what is printed reads as something else");
}

static void check_file(int fd, const Type *type, int64_t rows, Arena *arena) {
        ParquetFooter footer;
        TypeField *fields;
        size_t count;
        Error err;
        require(parquet_footer_read(fd, "fuzz", arena, &footer, &err) == STATUS_OK && footer.rows == rows, "the footer is none");
        require(parquet_footer_fields(&footer, arena, &fields, &count, &err) == STATUS_OK && count == 1 && type_equal(fields[0].type, *type), "another type");
        for (size_t g = 0; g < footer.group_count; g++)
                for (size_t i = 0; i < footer.leaf_count; i++)
                        require(footer.groups[g].chunks[i].values >= footer.groups[g].rows, "a leaf has fewer entries than rows");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str first, rest;
        SourceColumn column = { .name = STR("c") };
        Format format = format_default();
        TypingRules rules;
        Typing typing;
        Error err;
        str_cut((Str){ (const char *)data, size }, '\n', &first, &rest);
        if (!utf8_valid(first) || type_parse_nested(&arena, first, &column.type, &err) != STATUS_OK || !type_is_nested(column.type))
                return 0;
        number(&column.type, 1);
        require(typing_rules_init(&rules, &format, &arena, &err) == STATUS_OK, "no rules");
        if (typing_init(&typing, &rules, &column, &arena, &err) != STATUS_OK)
                return 0;
        CLEANUP(close_fdp) int fd = memfd_create("fuzz", MFD_CLOEXEC);
        CLEANUP(parquet_writer_freep) ParquetWriter *writer = parquet_writer_new();
        ParquetColumnSpec spec = { STR("c"), column.type, 1 };
        if (parquet_writer_start(writer, fd, &spec, 1, NULL, &err) != STATUS_OK)
                return 0;
        int64_t rows = 0;
        while (rest.size > 0) {
                Str line;
                str_cut(rest, '\n', &line, &rest);
                if (str_trim(line).size == 0 || !utf8_valid(line))
                        continue;
                const Nested *value = NULL;
                NestedFault fault = { .rule = RULE_NONE };
                Misfit misfit = { .rule = nested_read(&typing, line, &arena, &value, &fault), .column = &column };
                if (misfit.rule != RULE_NONE) {
                        nested_look_inside(&misfit, &typing, line, &arena);
                        require(utf8_valid(misfit_words(&misfit, &arena)), "a message that is no text");
                } else {
                        check_print(&typing, value, &arena);
                }
                nested_put(parquet_column(writer, 0), &column.type, misfit.rule == RULE_NONE ? value : NULL);
                require(parquet_row_end(writer, &err) == STATUS_OK, "a row is not taken");
                rows++;
        }
        FileStatistics statistics;
        require(parquet_writer_finish(writer, &arena, &statistics, &err) == STATUS_OK && statistics.rows == rows, "the file is not finished");
        check_file(fd, &column.type, rows, &arena);
        return 0;
}
