/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Thread: the one way in which a thread begins. Whoever begins it joins it. All signals are blocked in it, so that the
 * kernel gives them to the thread that the process began with: that one waits where a signal is to wake it, and the others'
 * calls are not cut short. Any thread may call.
 */
#include <pthread.h>

/* 0, or the error number: then there is no thread, and *out is nothing. */
int thread_begin(pthread_t *out, void *(*run)(void *context), void *context);
