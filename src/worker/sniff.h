/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The sniffing job: looks at a file that nobody has described yet and proposes its format, columns and types, with
 * what was doubtful. Reads the descriptor from its current place; never writes.
 */
#include "engine/stage_message.h"

/* HELD: nothing that can be read as records: empty, binary, another encoding, damaged compression. IO. */
Status sniff_run(const SniffSpec *spec, int fd, Arena *arena, SniffResult *out, Error *err);
