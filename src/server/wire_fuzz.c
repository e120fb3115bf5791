/* SPDX-License-Identifier: Apache-2.0 */
/* What anybody may send before login and after: packets cut out of a stream, taken apart, and a login tried with them. */
#include "server/scram.h"
#include "server/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_login(Str body, Arena *arena) {
        Error err = { 0 };
        ScramVerifier verifier;
        WireSaslInitial initial;
        Scram scram;
        Str answer;
        scram_verifier_mock(STR("ann"), STR("secret"), &verifier);
        scram_begin(&scram, &verifier, true, STR("hash"));
        if (wire_sasl_initial_read(body, &initial, &err) != STATUS_OK || !initial.has_response)
                return;
        Str first, final;
        str_cut(initial.response, '\n', &first, &final);
        if (scram_first(&scram, initial.mechanism, first, arena, &answer, &err) == STATUS_OK &&
            scram_final(&scram, final, arena, &answer, &err) == STATUS_OK)
                abort(); /* nobody guesses this */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Str left = { (const char *)data, size };
        for (WireStage stage = WIRE_STAGE_STARTUP;; stage = WIRE_STAGE_SESSION) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                Error err = { 0 };
                WireStartup startup;
                WireMessage message;
                size_t taken;
                if (wire_frame(stage, left, &taken, &err) != STATUS_OK || taken == 0)
                        return 0;
                Str packet = str_slice(left, 0, taken);
                if (stage == WIRE_STAGE_STARTUP)
                        wire_startup_read(packet, &arena, &startup, &err);
                else if (wire_message_read(packet, &arena, &message, &err) == STATUS_OK && message.type == WIRE_PASSWORD)
                        try_login(message.bytes, &arena);
                left = str_slice(left, taken, left.size);
        }
}
