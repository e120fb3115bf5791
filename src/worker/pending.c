/* SPDX-License-Identifier: Apache-2.0 */
/* What another room has promised and not brought yet; goes when it does. */
#include "worker/sniff.h"

Status sniff_run(const SniffSpec *spec UNUSED, int fd UNUSED, Arena *arena UNUSED, SniffResult *out UNUSED, Error *err) {
        return error_set(err, STATUS_INTERNAL, "sniffing is not built yet");
}
