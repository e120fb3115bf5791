/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commit protocol as it is built (publish.c, changeset.c, sweep.c), for Spin: every order of the steps of WRITERS
 * writers and a sweeper, of which DEATHS may die between any two steps, or all when the power goes; with STRAYS somebody
 * removes what nobody needs meanwhile, without any lock.
 *
 *      spin -a -DWRITERS=2 commit.pml && cc -O1 -DSAFETY -o pan pan.c && DEATHS=1 POWER=1 ./pan -E -m200000
 *
 * MISTAKE=n makes one of the mistakes below; the verifier must then find an error (tests/test_model.py). What holds, in
 * every state:
 *
 *      whole      what is published has its data files and its metadata
 *      answered   what was answered as published is; what was answered as refused is not and never will be
 *      once       no change set is published twice
 *      together   both tables of a change set move at once for whoever reads
 *      tidy       when all is over and no power was cut, nothing is left that nobody needs
 *
 * One step of the model is one call that changes the disk; a transaction is two: it can be seen, and it is durable.
 * Abstracted: a change set is one data file and one metadata file; writers 0 and 1 replace two tables (the second to
 * come conflicts), any further one appends (never conflicts).
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#define SWEEPER WRITERS           /* processes that may hold the commit lock: the writers, and the sweeper */
#define HOLDERS (WRITERS + 1)
#define NOBODY 255
#define REPLACERS 2

/* set once, from the environment of ./pan */
byte mistake; /* the one that is made; 0 = none */
byte deaths;  /* how many may die */
bool power;   /* whether the power may go */
bool strays;  /* whether somebody removes strays meanwhile */
#define NOTE_AFTER_DATA  (mistake == 1) /* the data file is made before ID.files names it */
#define TWO_TRANSACTIONS (mistake == 2) /* each pointer moves in its own */
#define SWEEP_LIVING     (mistake == 3) /* the sweep goes by age, not by the writer's lock */
#define CLEAN_UNKNOWN    (mistake == 4) /* a writer takes its files back although it does not know */
#define READ_APART       (mistake == 5) /* a reader takes each pointer by itself */
#define OUTCOME_APART    (mistake == 6) /* the outcome's row is written after the transaction */
#define FORGET_LIVING    (mistake == 7) /* outcomes are forgotten by the clock, and absence is taken for refusal */
#define SYNC_LATE        (mistake == 8) /* data is not synced before its intent is in the queue */
#define NO_DRAIN_LIST    (mistake == 9) /* metadata is written without being listed first */
#define NO_LOCK          (mistake == 10) /* the queue is drained without the lock */
#define VERSIONS_FIRST   (mistake == 11) /* who removes strays asks the catalog before the notes */
#define NO_SETTLE        (mistake == 12) /* an outcome that a dead one recorded is told as it is seen */

mtype = { NONE, DONE, LOST, UNKNOWN };

/* the disk */
bool note[WRITERS], data[WRITERS], synced[WRITERS], intent[WRITERS], meta[WRITERS];
bool drain_file[HOLDERS], drain_done[HOLDERS]; /* ID.drain, and its row in the catalog */
byte drain_list[HOLDERS];                      /* which change sets' metadata it lists, a bit each */
byte names[WRITERS];                           /* metadata gets a new name each time; counted only if it matters */
/* the catalog */
mtype outcome[WRITERS] = NONE;
byte head_a, head_b; /* 1 + the change set that was published last */
byte published[WRITERS];
byte unsettled, unsettled_by, head_before; /* the transaction that a power cut would take back: of which, whose, over what */
/* the kernel */
byte lock = NOBODY;
bool alive[WRITERS]; /* holds the lock of its ID.files */
bool killed[HOLDERS];
/* what the world was told */
mtype answer[WRITERS] = NONE;
bool ended[HOLDERS];
bool over, power_was_cut; /* then nobody goes on */

/* what each process has in hand; nothing of it outlives the process */
byte base[WRITERS];
byte take[HOLDERS], lose[HOLDERS], settle[HOLDERS], working[HOLDERS], fate[HOLDERS];
bool fine[HOLDERS];
mtype said[WRITERS] = NONE;
byte k, h; /* of loops within one step */

#define BIT(i) (1 << (i))

/* ---- the drain: the lock is held ---- */

/* metadata of dead drains, of which the catalog knows nothing */
inline tidy_drains() {
        d_step {
                h = 0;
                do
                :: h < HOLDERS ->
                        k = 0;
                        do
                        :: k < WRITERS ->
                                if
                                :: drain_file[h] && !drain_done[h] && (drain_list[h] & BIT(k)) -> meta[k] = false
                                :: else
                                fi;
                                k++
                        :: else -> break
                        od;
                        drain_file[h] = false;
                        drain_done[h] = false;
                        drain_list[h] = 0;
                        h++
                :: else -> break
                od;
                h = 0;
                k = 0
        }
}

/* plans what is in the queue, each over what the one before leaves */
inline plan(me) {
        d_step {
                take[me] = 0; lose[me] = 0; settle[me] = 0; working[me] = head_a; k = 0;
                do
                :: k < WRITERS ->
                        if
                        :: intent[k] && outcome[k] != NONE -> settle[me] = settle[me] | BIT(k)
                        :: intent[k] && outcome[k] == NONE ->
                                settle[me] = settle[me] | BIT(k);
                                if
                                :: k < REPLACERS && base[k] != working[me] -> lose[me] = lose[me] | BIT(k)
                                :: k < REPLACERS && base[k] == working[me] -> take[me] = take[me] | BIT(k); working[me] = k + 1
                                :: k >= REPLACERS -> take[me] = take[me] | BIT(k)
                                fi
                        :: else
                        fi;
                        k++
                :: else -> break
                od;
                k = 0
        }
}

inline write_metadata(me) {
        if
        :: take[me] && !NO_DRAIN_LIST -> d_step { drain_list[me] = take[me]; drain_done[me] = false; drain_file[me] = true }
        :: else
        fi;
        d_step {
                k = 0;
                do
                :: k < WRITERS ->
                        if
                        :: take[me] & BIT(k) -> meta[k] = true; names[k] = names[k] + strays
                        :: else
                        fi;
                        k++
                :: else -> break
                od;
                k = 0
        }
}

inline record_outcomes(me) {
        k = 0;
        do
        :: k < WRITERS ->
                if
                :: take[me] & BIT(k) -> outcome[k] = DONE
                :: lose[me] & BIT(k) -> outcome[k] = LOST
                :: else
                fi;
                k++
        :: else -> break
        od;
        k = 0
}

inline publish_taken(me) {
        k = 0;
        do
        :: k < WRITERS ->
                if
                :: take[me] & BIT(k) -> published[k]++
                :: else
                fi;
                k++
        :: else -> break
        od;
        k = 0;
        head_a = working[me];
        drain_done[me] = true
}

inline settle_catalog() {
        unsettled = 0; unsettled_by = 0; head_before = 0
}

/* one transaction: pointers, the drain's row, outcomes; beginning it makes the one before durable */
inline transaction(me) {
        if
        :: !(take[me] | lose[me])
        :: else -> begin_transaction(me)
        fi
}

inline begin_transaction(me) {
        if
        :: OUTCOME_APART ->
                d_step { publish_taken(me); head_b = working[me] };
                d_step { record_outcomes(me) }
        :: TWO_TRANSACTIONS ->
                d_step { publish_taken(me); record_outcomes(me) };
                head_b = working[me]
        :: else ->
                d_step {
                        unsettled = take[me] | lose[me]; unsettled_by = me; head_before = head_a;
                        publish_taken(me); head_b = working[me]; record_outcomes(me)
                };
                d_step { settle_catalog() }
        fi
}

/* fine: whether the drain is known to have gone through */
inline drain(me) {
        tidy_drains();
        plan(me);
        if
        :: (settle[me] & ~(take[me] | lose[me])) && !NO_SETTLE -> d_step { settle_catalog() } /* known already */
        :: else
        fi;
        write_metadata(me);
        if
        :: fate[me] = 0 /* it is done, */
        :: fate[me] = 1 /* or it is, and the answer does not arrive, */
        :: fate[me] = 2 /* or it is not, and who asked cannot tell */
        fi;
        if
        :: fate[me] < 2 -> transaction(me)
        :: else
        fi;
        fine[me] = (fate[me] == 0);
        d_step {
                if
                :: fine[me] -> drain_file[me] = false; drain_done[me] = false; drain_list[me] = 0
                :: else
                fi
        };
        d_step {
                k = 0;
                do
                :: k < WRITERS ->
                        if
                        :: fine[me] && (settle[me] & BIT(k)) -> intent[k] = false
                        :: else
                        fi;
                        k++
                :: else -> break
                od;
                k = 0; take[me] = 0; lose[me] = 0; settle[me] = 0; working[me] = 0; fate[me] = 0
        }
}


/* ---- a writer ---- */

inline hand_in(me) {
        alive[me] = true; /* the lock of ID.files, taken before it has its name */
        if
        :: NOTE_AFTER_DATA -> data[me] = true; note[me] = true
        :: else -> note[me] = true; base[me] = head_a; data[me] = true
        fi;
        if
        :: SYNC_LATE
        :: else -> synced[me] = true
        fi;
        intent[me] = true
}

/* asks the catalog, holding the lock; the catalog may not answer */
inline ask(me) {
        if
        :: outcome[me] != NONE && intent[me] && !NO_SETTLE -> d_step { settle_catalog() }
        :: else
        fi;
        if
        :: outcome[me] == DONE -> said[me] = DONE
        :: outcome[me] == LOST -> said[me] = LOST
        :: outcome[me] == NONE && FORGET_LIVING -> said[me] = LOST; intent[me] = false
        :: outcome[me] == NONE && !fine[me] && intent[me] -> intent[me] = false; said[me] = LOST /* withdrawn */
        :: outcome[me] == NONE && !FORGET_LIVING && (fine[me] || !intent[me]) -> said[me] = UNKNOWN
        :: said[me] = UNKNOWN
        fi
}

inline give_back(me) {
        if
        :: said[me] == LOST || (said[me] == UNKNOWN && CLEAN_UNKNOWN) -> data[me] = false; note[me] = false
        :: said[me] == DONE -> note[me] = false
        :: else /* the sweep will learn it */
        fi
}

/* (init is process 0, so writer n is process n + 1, and the sweeper comes after the last) */
proctype Writer(byte me) provided (!power_was_cut && !killed[_pid - 1]) {
        hand_in(me);
        if
        :: NO_LOCK
        :: else -> atomic { lock == NOBODY -> lock = me }
        fi;
        fine[me] = true;
        if
        :: outcome[me] == NONE -> drain(me)
        :: else
        fi;
        ask(me);
        d_step {
                if
                :: lock == me -> lock = NOBODY
                :: else
                fi
        };
        answer[me] = said[me];
        give_back(me);
        d_step { alive[me] = false; ended[me] = true; said[me] = NONE; fine[me] = false }
}

/* ---- the sweep ---- */

inline sweep() {
        atomic { lock == NOBODY -> lock = SWEEPER };
        drain(SWEEPER);
        i = 0;
        do
        :: i < WRITERS && fine[SWEEPER] ->
                d_step {
                        if
                        :: note[i] && (!alive[i] || SWEEP_LIVING) && !intent[i] ->
                                if
                                :: outcome[i] != DONE -> data[i] = false
                                :: else
                                fi;
                                note[i] = false
                        :: else
                        fi;
                        i++
                }
        :: else -> break
        od;
        /* outcomes are old after a while, by a clock that may jump */
        if
        :: fine[SWEEPER] -> d_step {
                        settle_catalog();
                        i = 0;
                        do
                        :: i < WRITERS ->
                                if
                                :: !intent[i] && (!note[i] || FORGET_LIVING) -> outcome[i] = NONE
                                :: else
                                fi;
                                i++
                        :: else -> break
                        od
                }
        :: true
        fi;
        d_step { i = 0; fine[SWEEPER] = false; lock = NOBODY }
}

proctype Sweeper() provided (!power_was_cut && !killed[_pid - 1]) {
        byte i;
        sweep();
        ended[SWEEPER] = true
}

/* ---- strays: what nobody needs, without the lock (needed.h) ---- */

inline ask_notes() {
        d_step {
                i = 0;
                do
                :: i < WRITERS ->
                        if
                        :: note[i] && (alive[i] || intent[i]) -> of_data = of_data & ~BIT(i)
                        :: else
                        fi;
                        i++
                :: else -> break
                od;
                i = 0;
                do
                :: i < HOLDERS ->
                        if
                        :: drain_file[i] -> of_meta = of_meta & ~drain_list[i]
                        :: else
                        fi;
                        i++
                :: else -> break
                od;
                i = 0
        }
}

inline ask_versions() {
        d_step {
                i = 0;
                do
                :: i < WRITERS ->
                        if
                        :: published[i] -> of_data = of_data & ~BIT(i); of_meta = of_meta & ~BIT(i)
                        :: else
                        fi;
                        i++
                :: else -> break
                od;
                i = 0
        }
}

/* First what is there is listed, then it is asked who needs it, then what is left goes. */
proctype Strays() provided (!power_was_cut) {
        byte i, of_data, of_meta;
        byte seen[WRITERS];
        d_step {
                i = 0;
                do
                :: i < WRITERS ->
                        of_data = of_data | (data[i] << i);
                        of_meta = of_meta | (meta[i] << i);
                        seen[i] = names[i];
                        i++
                :: else -> break
                od;
                i = 0
        };
        if
        :: VERSIONS_FIRST -> ask_versions(); ask_notes()
        :: else -> ask_notes(); ask_versions()
        fi;
        d_step {
                do
                :: i < WRITERS ->
                        data[i] = data[i] && !(of_data & BIT(i));
                        meta[i] = meta[i] && !((of_meta & BIT(i)) && seen[i] == names[i]);
                        i++
                :: else -> break
                od;
                i = 0; of_data = 0; of_meta = 0
        }
}

/* ---- who reads, who kills ---- */

/* One who reads both pointers at once sees what the claim below sees; so only the other kind is run. */
proctype Reader() provided (!power_was_cut) {
        byte a, b;
        a = head_a;
        b = head_b;
        assert(a == b)
}

inline die(who) {
        d_step {
                killed[who] = true;
                ended[who] = true;
                if
                :: lock == who -> lock = NOBODY
                :: else
                fi;
                take[who] = 0; lose[who] = 0; settle[who] = 0; working[who] = 0; fate[who] = 0; fine[who] = false;
                if
                :: who < WRITERS -> alive[who] = false; said[who] = NONE
                :: else
                fi
        }
}

/* Each at any time. */
proctype Killer() provided (!power_was_cut) {
        byte left = deaths;
        do
        :: atomic { left && !over && !ended[0] -> die(0); left-- }
        :: atomic { left && !over && !ended[1] -> die(1); left-- }
        :: atomic { left && !over && !ended[SWEEPER] -> die(SWEEPER); left-- }
#if WRITERS > 2
        :: atomic { left && !over && !ended[2] -> die(2); left-- }
#endif
        :: over -> break
        od
}

/* What whoever comes when all are dead finds and does: the last sweep. */
inline recover() {
        tidy_drains();
        plan(SWEEPER);
        write_metadata(SWEEPER);
        transaction(SWEEPER);
        d_step {
                i = 0;
                do
                :: i < WRITERS ->
                        intent[i] = false;
                        if
                        :: note[i] && outcome[i] != DONE -> data[i] = false
                        :: else
                        fi;
                        note[i] = false;
                        i++
                :: else -> break
                od
        }
}

inline take_back() {
        i = 0;
        do
        :: i < WRITERS ->
                if
                :: unsettled & BIT(i) ->
                        published[i] = published[i] - (outcome[i] == DONE);
                        outcome[i] = NONE
                :: else
                fi;
                i++
        :: else -> break
        od;
        drain_done[unsettled_by] = false;
        head_a = head_before;
        head_b = head_before
}

/* All die at once; what was not synced may be gone. Names in the queue are not synced. */
proctype PowerCut() {
        byte i;
        atomic {
                power && !over;
                power_was_cut = true;
                if
                :: unsettled -> take_back()
                :: true
                fi;
                settle_catalog();
                i = 0;
                do
                :: i < WRITERS ->
                        data[i] = data[i] && synced[i];
                        if
                        :: intent[i] -> intent[i] = false
                        :: note[i] -> note[i] = false
                        :: true
                        fi;
                        i++
                :: else -> break
                od;
                recover()
        }
}

/* ---- what must hold ---- */

#define SOUND(i) (published[i] <= 1 /* once */ \
        && (!published[i] || (data[i] && meta[i])) /* whole */ \
        && (answer[i] != DONE || published[i] == 1) && (answer[i] != LOST || published[i] == 0) /* answered */)
#if WRITERS > 2
#define ALL_SOUND (SOUND(0) && SOUND(1) && SOUND(2) && head_a == head_b)
#else
#define ALL_SOUND (SOUND(0) && SOUND(1) && head_a == head_b /* together */)
#endif

never {
        do
        :: !ALL_SOUND -> break
        :: else
        od
}

init {
        byte i;
        atomic {
                c_code {
                        now.mistake = getenv("MISTAKE") ? strtol(getenv("MISTAKE"), NULL, 10) : 0;
                        now.deaths = getenv("DEATHS") ? strtol(getenv("DEATHS"), NULL, 10) : 1;
                        now.power = getenv("POWER") != NULL;
                        now.strays = getenv("STRAYS") != NULL;
                };
                i = 0;
                do
                :: i < WRITERS -> run Writer(i); i++
                :: else -> break
                od;
                run Sweeper();
                run Killer();
                run PowerCut();
                if
                :: READ_APART -> run Reader()
                :: else
                fi;
                if
                :: strays -> run Strays()
                :: else
                fi;
                i = 0
        };
        /* when all have ended, or died, one more sweep finds nothing half done */
        i = 0;
        do
        :: i < HOLDERS -> ended[i]; i++
        :: else -> break
        od;
        atomic { lock == NOBODY && !power_was_cut -> over = true; lock = SWEEPER };
        recover();
        d_step {
                i = 0;
                do
                :: i < WRITERS -> assert(published[i] || (!data[i] && !meta[i])); i++ /* tidy */
                :: else -> break
                od
        }
}
