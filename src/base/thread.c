/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>

/* A new thread has the mask of the one that made it: blocked afterwards, a signal could come first. */
int thread_begin(pthread_t *out, void *(*run)(void *context), void *context) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int failed = pthread_create(out, NULL, run, context);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return failed;
}
