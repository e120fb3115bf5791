/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Access tests: zones/ZONE/access.test.yml asked of the tables as they are: whether whoever it names sees the keys it lists, and
 * none of those that must be hidden. A user is asked as the account that there is; `role NAME` as somebody who has that role alone
 * and no attributes. What is not there for them hides every key.
 */
#include "model/grant.h"
#include "model/workspace.h"

/* Tests that fail go to problems as CHECK_FAILED, at their line. Fails only when the environment does. */
Status access_tests_run(Workspace *workspace, const Grants *grants, Problems *problems, Arena *arena, size_t *out_count, Error *err);
