/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
static Status run(Cli *cli UNUSED, Error *err) {
        return error_set(err, STATUS_USAGE, "trace is not built yet");
}
const Verb verb_trace = { .name = "trace", .usage = "trace TABLE --where PREDICATE", .words = "the way back to file, line and raw text", .help = "", .run = run };
