/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/rule.h"

#include <assert.h>

static const struct {
        const char *name, *words;
} rules[] = {
#define X(name, text, words) [RULE_##name] = { text, words },
        RULE_TABLE(X)
#undef X
};

const char *rule_name(Rule rule) {
        assert(rule < RULE_COUNT);
        return rules[rule].name;
}

const char *rule_words(Rule rule) {
        assert(rule < RULE_COUNT);
        return rules[rule].words;
}
