/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "base/file.h"

#include <stdarg.h>

typedef struct Entry {
        const char *name;
        TestFunction function;
} Entry;

static Entry entries[512];
static size_t entry_count;
static const char *skipped_why;

void test_register(const char *name, TestFunction function) {
        if (entry_count == COUNT_OF(entries))
                panic("more unit tests in one program than the harness holds");
        entries[entry_count++] = (Entry){ name, function };
}

const char *test_folder(Test *t) {
        if (t->folder)
                return t->folder;
        const char *base = getenv("TMPDIR");
        char *path = arena_printf(&t->arena, "%s/lode-test-XXXXXX", base && *base ? base : "/tmp");
        if (!mkdtemp(path))
                panic("cannot make a temporary folder %s", path);
        return t->folder = path;
}

void test_fail(Test *t, const char *file, int line, const char *format, ...) {
        t->failed = true;
        printf("# %s:%d: ", file, line);
        va_list args;
        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        putchar('\n');
}

void test_skip(Test *t UNUSED, const char *why) {
        skipped_why = why;
}

static bool chosen(const char *name, int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (strstr(name, argv[i]))
                        return true;
        return argc <= 1;
}

static bool run(const Entry *entry, size_t number) {
        Test test = { .name = entry->name };
        skipped_why = NULL;
        entry->function(&test);
        if (test.folder)
                dir_remove_all(test.folder, &test.err);
        arena_deinit(&test.arena);
        printf("%s %zu - %s%s%s\n", test.failed ? "not ok" : "ok", number, entry->name, skipped_why ? " # SKIP " : "",
               skipped_why ? skipped_why : "");
        fflush(stdout);
        return !test.failed;
}

int test_main(int argc, char **argv) {
        setvbuf(stdout, NULL, _IOLBF, 0);
        size_t count = 0, failed = 0;
        for (size_t i = 0; i < entry_count; i++)
                if (chosen(entries[i].name, argc, argv))
                        failed += !run(&entries[i], ++count);
        printf("1..%zu\n", count);
        return failed ? 1 : 0;
}
