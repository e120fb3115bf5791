/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One feed: what it takes for files to be read by one source, when a person says that they are (lode add --one).
 *
 * A source says once how its files are read. Files that differ in what is said of a whole file (delimiter, encoding,
 * header ...) are refused. Where columns differ (the order of day and month, the decimal point, types), the files' own
 * readings are weighed: one that nothing in its file proved gives way to one that is proven, several patterns of dates
 * stand side by side as long as no text could be two days, and a column that two files read in two ways stays text.
 * Each of these is a doubt that names the files.
 */
#include "cli/file_groups.h"

/* Whether a file may join. USAGE: the words name it, another one, and what they differ in. */
Status one_feed_check(const FileGroup *group, const SniffedFile *file, Arena *arena, Error *err);
/* Whether the letters of one are read right as those of the other says. */
bool one_feed_same_letters(const SniffResult *a, const SniffResult *b);
/* Of a group whose files were joined: sets its format's decimal point, dates and words, and its columns' types. */
void one_feed_settle(FileGroup *group, Arena *arena);
