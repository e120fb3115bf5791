/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/escapes.h"

#include "base/test.h"
#include "frame/batch.h"

typedef struct Case {
        FormatEscapes escapes;
        Rule rule;
        const char *field, *text, *encoding;
} Case;

static const Case cases[] = {
        { ESCAPES_POSTGRES, RULE_NONE, "plain", "plain", "" },
        { ESCAPES_POSTGRES, RULE_NONE, "\\b\\f\\n\\r\\t\\v\\\\", "\b\f\n\r\t\v\\", "" },
        { ESCAPES_POSTGRES, RULE_NONE, "\\1018\\x41g\\xg\\8\\N\\Z", "A8Agxg8NZ", "" },
        { ESCAPES_POSTGRES, RULE_NONE, "a\\\nb\\\tc\\\r\nd", "a\nb\tc\r\nd", "" },
        { ESCAPES_POSTGRES, RULE_NONE, "\\303\\xa6\\\xc3\xa6", "\xc3\xa6\xc3\xa6", "" },
        { ESCAPES_POSTGRES, RULE_BAD_ESCAPE, "\\303", "\\303", "" },
        { ESCAPES_POSTGRES, RULE_BAD_ESCAPE, "\\303\\246", "\\303\\246", "latin1" },
        { ESCAPES_POSTGRES, RULE_NUL_BYTE, "a\\400", "a\\400", "" },
        { ESCAPES_POSTGRES, RULE_BAD_ESCAPE, "\\\\\\", "\\\\\\", "" },
        { ESCAPES_MYSQL, RULE_NONE, "\\b\\n\\r\\t\\Z\\\\\\f\\v\\x41\\101", "\b\n\r\t\x1a\\fvx41101", "" },
        { ESCAPES_MYSQL, RULE_NUL_BYTE, "\\0", "\\0", "" },
        { ESCAPES_MYSQL, RULE_NONE, "\"a\\\"b\\\nc\"", "a\"b\nc", "" },
};

TEST(escapes_give_the_characters_they_stand_for) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const Case *c = &cases[i];
                Format format = format_default();
                format.escapes = c->escapes;
                format.quote = c->escapes == ESCAPES_MYSQL ? '"' : 0;
                format.encoding = str_of(c->encoding);
                Str text;
                CHECK_INT(field_text(&format, str_of(c->field), &t->arena, &text), c->rule);
                CHECK_STR(text, str_of(c->text));
                CHECK_STR(field_unquote(&format, str_of(c->field), &t->arena), str_of(c->text));
        }
}
