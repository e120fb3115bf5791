/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What verify found, as people and programs read it. */
#include "cli/cli.h"
#include "lake/backup.h"

void verified_print(const Cli *cli, const VerifyReport *report, bool quick, double seconds);
/* "damage": [{file, message}] of a backup or a restore. */
void verified_damages_json(JsonWriter *w, const BackupDamage *damages, size_t count);
void verified_damages_text(const Cli *cli, const BackupDamage *damages, size_t count, const char *words);
/* A line with what is done and the time left; context: the Output. */
void verified_progress(void *context, int64_t done, int64_t total);
