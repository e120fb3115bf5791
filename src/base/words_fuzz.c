/* SPDX-License-Identifier: Apache-2.0 */
/* Types, times, UTF-8 and single values from any text: what is read prints as what reads the same. */
#include "base/time.h"
#include "base/type.h"
#include "base/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        Str text = { (const char *)data, size };
        Type type, again;
        int64_t us, us_again;
        if (type_parse(text, &type, &err) == STATUS_OK)
                require(type_parse(type_print(&arena, type), &again, &err) == STATUS_OK && type_equal(type, again),
                        "a type does not come back from the project's words");
        if (type_parse_iceberg(text, &type))
                require(type_parse_iceberg(type_print_iceberg(&arena, type), &again) && type_equal(type, again),
                        "a type does not come back from Iceberg's words");
        if (type_parse_duckdb(&arena, text, &type))
                require(type_parse_duckdb(&arena, type_print_duckdb(&arena, type), &again) && type_equal(type, again),
                        "a type does not come back from the engine's words");
        if (time_parse_us(text, &us))
                require(time_parse_us(time_print_us(&arena, us), &us_again) && us == us_again,
                        "a time does not come back");
        Str upper;
        require(value_lower_text(&arena, text).size <= text.size, "a lower bound longer than its text");
        if (value_upper_text(&arena, text, &upper))
                require(value_compare((Type){ .kind = TYPE_TEXT }, upper, text) >= 0, "an upper bound below its text");
        return 0;
}
