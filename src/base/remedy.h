/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Remedy: for each Status an example, as its reader sees it, and what that reader can do. docs/errors.md is drawn from
 * this and from error.h; a row is missing or one too many only as long as nobody builds (base_test.c).
 */
#include "base/error.h"

/* name, example, what to do */
/* clang-format off */
#define REMEDY_TABLE(X)                                                                                                  \
        X(USAGE,         "trace wants --where: which rows?",                                                             \
                         "see `lode help VERB`: it has the options and two examples")                                    \
        X(NO_PROJECT,    "no lode.yml in /home/ann or any folder above",                                                 \
                         "go into the project, or make one: `lode init`")                                                \
        X(SYNTAX,        "zones/shop/zone.yml:3:8  this is not YAML as Lode reads it: did not find expected key",        \
                         "put the text right at that place; `lode check` reads all of it")                               \
        X(UNKNOWN_KEY,   "zones/shop/sources/orders.yml:3:1  unknown key 'delimeter'",                                   \
                         "take the nearest key, which the hint names, or one of the file's page in the manual")          \
        X(BAD_VALUE,     "there is no time zone \"Europe/Copenhaven\"",                                                  \
                         "write a value of the kind that the message wants")                                             \
        X(DUPLICATE_KEY, "zones/shop/sources/orders.yml:9:1  the key 'columns' stands here a second time",               \
                         "take one of the two out")                                                                      \
        X(EXISTS,        "there is a branch 'june' already",                                                             \
                         "take another name, or remove what has it")                                                     \
        X(NOT_FOUND,     "no delivery 412",                                                                              \
                         "look what there is: `lode show`, `lode log`; ask the zone's owner if it ought to be there")    \
        X(AMBIGUOUS,     "more than one commit begins with '3f2a'",                                                      \
                         "say more of the name, or narrow the `from` of one of two sources")                             \
        X(CYCLE,         "views stand inside each other more than 64 deep",                                              \
                         "cut the circle that the message names: let one of the models read a staged table")             \
        X(EXPIRED,       "crm.staging.clients as of commit 3f2a81c09d11 was removed on 2026-11-01, by retain: 90d",      \
                         "ask as of a later time, or restore a backup from before; `retain:` of zone.yml keeps longer")  \
        X(SQL_SYNTAX,    "the SQL cannot be parsed near 'form'",                                                         \
                         "the caret stands where parsing stopped; the mistake is there or just before")                  \
        X(SQL_REFUSED,   "INSERT is not allowed: SQL only reads here",                                                   \
                         "tables are written by sources and models; docs/sql.md lists what SQL may use")                 \
        X(NO_TABLE,      "no table 'crm.staging.custmers'",                                                              \
                         "take the name that the hint guesses; `lode show table` lists all; ask for a grant")            \
        X(NO_COLUMN,     "crm.staging.clients has no column 'nme'",                                                      \
                         "take the name that the hint guesses; `lode show ZONE.STAGE.TABLE` lists the columns")          \
        X(SQL_TYPE,      "column 'day' is declared date, and its SELECT gives text",                                     \
                         "cast one of the two: `x::date`, or `try_cast(x as date)` where some do not fit")               \
        X(SQL_DATA,      "a division by zero",                                                                           \
                         "`nullif(y, 0)`, `try_cast(x as TYPE)`, a wider type: the hint says which")                     \
        X(SQL_BIND,      "column 'name' must be in GROUP BY or inside an aggregate",                                     \
                         "change the statement as the message says")                                                     \
        X(DENIED,        "branch 'main' is what all others begin from",                                                  \
                         "ask whom the message names; `access.yml` of the zone says who may")                            \
        X(HELD,          "shop.orders: 'orders_7.csv' is held: the gzip data ends too early: the file was cut short",    \
                         "have the sender deliver it again; `lode show delivery` lists what is held and why")            \
        X(CHECK_FAILED,  "zones/shop/canonical/order.sql:1:1  check positive: 3 rows: the zone keeps the tables it had", \
                         "`lode show quarantine` has the rows; put right the data, the model or the check, and run")     \
        X(MODEL_FAILED,  "waits for canonical.order",                                                                    \
                         "the first failed model of the report has the reason: put that right, and run")                 \
        X(CONTRACT,      "version 2 of the product promises more to those who read it: column discount is gone",         \
                         "put back what is gone, or publish as the next `version`")                                      \
        X(LIMIT,         "the statement is nested more than 200 levels deep",                                            \
                         "make it smaller, or raise the limit where the message names one")                              \
        X(MEMORY,        "the statement needs more memory than a worker may have",                                       \
                         "ask for less at a time: fewer columns, a filter, an aggregate before a join")                  \
        X(TIMEOUT,       "the statement ran longer than 60.0 s",                                                         \
                         "ask for less, make a model of the costly part, or have the limit raised")                      \
        X(WORKER_LOST,   "the worker crashed (signal 11, Segmentation fault); only this is lost",                        \
                         "run it again; if it happens again, it is a bug: report the statement or the file")             \
        X(PROTOCOL,      "the client speaks protocol 2.0; this server speaks 3.0 to 3.2",                                \
                         "use a client of PostgreSQL 7.4 or newer")                                                      \
        X(LOGIN,         "the login failed",                                                                             \
                         "check name and password or token; an administrator can give a new one")                        \
        X(BUSY,          "100 statements of bo wait in line already; more are refused",                                  \
                         "try again when some have ended; `limits:` of lode.yml says how many may")                      \
        X(QUOTA,         "the answer has more than 1000000 rows",                                                        \
                         "ask for less, or have the limit raised that the message names")                                \
        X(CONFLICT,      "model 'shop.canonical.order' was changed by another in the meantime",                          \
                         "run it again: nothing of it was published")                                                    \
        X(IO,            "the catalog '/data/shop.lode/catalog.sqlite' was busy for 60 s",                               \
                         "see to the disk or the permission that the message names, and run it again")                   \
        X(DISK_FULL,     "no space left for the catalog '/data/shop.lode/catalog.sqlite'",                               \
                         "make space where the store lies (`lode tidy` helps), and run it again: nothing is lost")       \
        X(NO_STORE,      "no store at '/data/shop.lode'",                                                                \
                         "mount what is not mounted, or put `store:` of lode.yml right; the first `lode run` makes one") \
        X(STORE_FORMAT,  "the store '/data/shop.lode' has format 4; this lode reads format 3",                           \
                         "use the lode that wrote it, or a newer one")                                                   \
        X(STORE_MOVED,   "store moved from /data/shop.lode to /srv/shop.lode",                                           \
                         "move it back, or `lode backup` there and `lode restore` here")                                 \
        X(ENGINE,        "'/usr/local/bin/lode-worker' does not start",                                                  \
                         "install lode, lode-worker and the engine's library from one build")                            \
        X(SANDBOX,       "this kernel has no Landlock: Operation not supported",                                         \
                         "Linux 5.13 or newer with Landlock and seccomp; LODE_UNSAFE_NO_SANDBOX=1 does without")         \
        X(CORRUPT,       "the catalog lacks branch number 3",                                                            \
                         "`lode verify` names all that is damaged, `lode restore` puts it back from a backup")           \
        X(INTERNAL,      "'a.parquet' is added without its hash",                                                        \
                         "it is a bug in Lode: report it with what `lode -v` adds")                                      \
        X(INTERRUPTED,   "interrupted; what is published stays, the next run goes on",                                   \
                         "run it again")
/* clang-format on */
