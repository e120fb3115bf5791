/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The page docs/project-files.md, printed from the tables that parse the project's text. */
#include "base/buf.h"

void reference_print(Buf *out);
