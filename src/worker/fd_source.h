/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A delivery's bytes as a frame Source: from a descriptor's current place. The context is the descriptor's address. */
#include "frame/input.h"

Source source_of_fd(const int *fd);
