/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lexer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Error err = { 0 };
        sql_classify((Str){ (const char *)data, size }, STR("q.sql"), &err);
        return 0;
}
