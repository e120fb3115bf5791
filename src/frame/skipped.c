/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/skipped.h"

#include "frame/sniff_totals.h"

/* A total that is called one surprises nobody, however full it is. */
bool skipped_is_value(Str field, char quote) {
        field = str_trim(field);
        if (quote && field.size > 1 && field.data[0] == quote && field.data[field.size - 1] == quote)
                field = str_slice(field, 1, field.size - 1);
        TotalKind kind = total_kind(field, NULL);
        return field.size > 0 && !total_is_rule(field) && kind != TOTAL_WORD && kind != TOTAL_BALANCE && kind != TOTAL_COUNT;
}
