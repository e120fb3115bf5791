/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pg_sleep(seconds) as a function of the engine: clients' own tests, and people who want to see what cancelling does, call
 * it. It ends early when its statement is interrupted, and costs no more than any statement that runs as long: one worker.
 */
#include "worker/engine.h"

Status sleep_define(Engine *engine, Error *err);
