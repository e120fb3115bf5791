/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Binding: the one function that turns a table into something readable. Every path that answers with rows goes through
 * bind_statement(): queries, models, previews, exports, trace. It takes the tree of a SELECT and who asks, resolves
 * every relation through the caller's catalog, checks every function, type and collation against the reviewed list,
 * replaces each relation by its guarded scan, and prints the text that a worker may prepare. A relation that is
 * neither a CTE in scope nor resolved ends the statement: nothing is left for the engine to look up.
 *
 * Knows no catalog and no storage: BindSource is implemented by room lake. Everything returned lives in the arena.
 * One call, one thread; it holds no state of its own.
 *
 * What limits a principal comes through BindSource.sight: a relation that it grants nothing of is answered in the same
 * words as one that is not there.
 */
#include "iceberg/plan.h"
#include "sql/printer.h"
#include "sql/tree.h"

/* Who asks. The administrator and a zone (for its models) see relations whole. */
typedef struct Principal {
        Str name; /* "local:ann"; current_user in SQL */
        bool administrator, auditor; /* by the platform's roles */
        Str zone; /* not empty: this is the zone itself, building a model or a view */
} Principal;

/* local:OSUSER, whoever runs the command line on the store's files. */
Principal principal_local(Arena *arena);

typedef struct RelationColumn {
        Str name;
        Type type;
        int field_id;
        bool hidden;     /* _file and _row: readable by name, left out of stars */
        Str engine_type; /* of a system relation: what the value is cast to; empty = as it is kept */
} RelationColumn;

typedef struct Policy Policy; /* govern/guard.h */
typedef struct BindSource BindSource;

/* SYSTEM: rows that Lode makes of its own catalog, already what this principal may see. */
typedef enum RelationKind { RELATION_TABLE, RELATION_VIEW, RELATION_SYSTEM } RelationKind;

typedef struct Relation {
        RelationKind kind;
        Str zone, stage, name;   /* as the catalog spells them */
        RelationColumn *columns; /* hidden ones included; a view may leave them out (0) */
        size_t column_count;
        const SqlTree *view; /* RELATION_VIEW: its text's tree; bound as its zone, with default_zone = its zone */
        bool own;            /* a view of BindSystem's: bound as whoever asks, and sees system relations */
        bool uniform;        /* all files of the table have its columns, by name and type: its schema never changed */
        bool renamed;        /* files of it may have its columns under other names: only field ids tell which is which */
        void *handle;        /* the resolver's own, handed back to files() */
} Relation;

/*
 * What a principal sees. Whoever opens a door for somebody else than the store's administrator gives one; what is left
 * out of it withholds.
 */
typedef struct Sight {
        /* Whether it may know of a relation (zone, stage and name as in SQL). "May not" reads the same as "is not". */
        bool (*may_see)(void *context, const Principal *principal, Str zone, Str stage, Str name);
        /* Whether all rows and all columns as they are. What else tells of a table (raw text, deliveries, counts of rows
         * and files) is for these alone. NULL: nobody. */
        bool (*sees_whole)(void *context, const Principal *principal, Str zone, Str stage, Str name);
        /* What limits it, as of now; *out = NULL: nothing does. source is where policies find what they read. NULL: all
         * is withheld. */
        Status (*policy)(void *context, const Principal *principal, const Relation *relation, const BindSource *source,
                         Arena *arena, const Policy **out, Error *err);
        void *context;
} Sight;

static inline bool sight_allows(const Sight *sight, const Principal *principal, Str zone, Str stage, Str name) {
        return !sight || sight->may_see(sight->context, principal, zone, stage, name);
}

static inline bool sight_is_whole(const Sight *sight, const Principal *principal, Str zone, Str stage, Str name) {
        return !sight || (sight->sees_whole && sight->sees_whole(sight->context, principal, zone, stage, name));
}

/* What limits the principal on the relation, which it may see; *out = NULL: nothing. Policy.nothing: it is not there. */
Status sight_policy(const Sight *sight, const Principal *principal, const Relation *relation, const BindSource *source,
                    Arena *arena, const Policy **out, Error *err);

/* Things of PostgreSQL that a text can name, as in 'pg_class'::regclass. */
typedef enum ObjectKind { OBJECT_RELATION, OBJECT_TYPE, OBJECT_PROCEDURE, OBJECT_SCHEMA, OBJECT_ROLE } ObjectKind;

/* How a statement uses a system relation: rows that do not meet these, and columns that nobody reads, need not be made. */
typedef struct SystemUse {
        const SqlExpr *const *conditions; /* of its WHERE, each over one column of the relation, by the relation's name for it */
        size_t condition_count;
        const bool *carried; /* by column */
} SystemUse;

/*
 * The system relations (room system): pg_catalog, information_schema and the schema lode; schema "-" holds what only
 * functions read (govern/dialect.c). Where there is none, their names are like any other that does not exist.
 */
typedef struct BindSystem {
        void *context;
        Str database; /* that the session is in */
        Str user;     /* session_user, a word to show and no more; empty: the principal */
        /* The schemas in which a name without one is looked for, in this order; pg_catalog comes before them. */
        const Str *path;
        size_t path_count;
        /* Those of them that there are, for this principal: the first is current_schema(). */
        Status (*schemas)(void *context, Arena *arena, Str **out, size_t *out_count, Error *err);
        /* *out = NULL when there is none so named. Names in lower case. */
        Status (*find)(void *context, Str schema, Str name, Arena *arena, Relation **out, Error *err);
        /* The files of its rows, as the worker will name them; none = no rows. */
        Status (*files)(void *context, const Relation *relation, const SystemUse *use, Arena *arena, Str **out, size_t *out_count, Error *err);
        /* The number of what the text names, 0 = there is none (or it may not be seen). */
        Status (*number)(void *context, ObjectKind kind, Str text, int64_t *out, Error *err);
} BindSystem;

/* What one use of a table reads. */
typedef struct BindFiles {
        Str *paths; /* as the worker will name them */
        size_t count;
        int64_t rows; /* in all of them; -1 = unknown */
} BindFiles;

/* The catalog as binding sees it. Names arrive as the user wrote them; the catalog decides about case. */
struct BindSource {
        void *context;
        /* *out = NULL when there is none (or it is not granted: the same answer). err only for failures of reading. */
        Status (*resolve)(void *context, Str zone, Str stage, Str name, Arena *arena, Relation **out, Error *err);
        /*
         * The files to scan, as the worker will name them (granted to it); none = the table is empty. Called once per
         * use of a table. The predicates are those that the statement itself demands of every row of this use, on
         * columns and literals of exactly the same type: leaving out files that cannot match changes no answer.
         */
        Status (*files)(void *context, const Relation *relation, const Predicate *predicates, size_t predicate_count,
                        Arena *arena, BindFiles *out, Error *err);
        /* A file for the worker without rows, see govern/outline.h; *out empty where there can be none. NULL: never. */
        Status (*outline)(void *context, const Relation *relation, const bool *wanted, int64_t rows, Arena *arena, Str *out, Error *err);
        void *outline_context;
        /* A moment of the past, from what stands in AT (VERSION => text) and AT (TIMESTAMP => text), and a relation as it was
         * then. NOT_FOUND and BAD_VALUE with the words. NULL: only questions may ask for the past. */
        Status (*moment)(void *context, Str text, Arena *arena, const void **out, Error *err);
        Status (*resolve_at)(void *context, const void *moment, Str zone, Str stage, Str name, Arena *arena, Relation **out, Error *err);
        /* All relations that the principal may see, as zone.stage.name, for guesses. May be NULL. */
        Status (*names)(void *context, Arena *arena, Str **out, size_t *out_count, Error *err);
        const Sight *sight; /* NULL: every relation may be known of */
        const BindSystem *system; /* NULL: statements (models, views) that system relations are not for */
        /* For policies, which hold as of now whatever is asked for: main's newest tables (its files may be NULL: then no
         * rows are wanted), and the tree of SELECT text. NULL: policies that need it withhold. */
        const BindSource *now;
        Status (*parse)(void *context, Str sql, Arena *arena, const SqlTree **out, Error *err);
};

typedef struct BindRequest {
        Principal principal;
        Str default_zone;  /* may be empty: then three parts are needed */
        Str default_stage; /* may be empty: then `stage.table` is the least */
        bool parameters;   /* the caller will give values for $1, $name; else they are refused */
        bool describing;   /* what it answers with is all that is asked; parameters may have no values yet */
        bool client;       /* a PostgreSQL client's text (sql/client.h): a name with capitals was quoted and is meant exactly so */
        const BindSource *source;
} BindRequest;

/* A relation that the statement reads, for the audit log and for dependencies. */
typedef struct BoundRelation {
        Str zone, stage, name;
        RelationKind kind;
        SqlNames columns; /* those that the statement can see into; of a view, none */
        size_t file_count;
        bool by_view; /* read with the rights of a view's zone, not with the principal's */
        Str policy;   /* the version of what limits the principal on it; empty = nothing does */
        Str scan;     /* then: its guarded scan alone, to see whether that is what an error is about */
} BoundRelation;

typedef struct BoundStatement {
        Str sql;    /* to prepare, and nothing else */
        SqlMap map; /* from offsets in sql to places in the user's text and in inlined views */
        BoundRelation *relations;
        size_t relation_count;
        size_t parameter_count;
        SqlNames columns; /* that the relations have, for guesses */
        Type *functions;  /* whose flattening functions sql names: for worker_define(), before sql is prepared */
        size_t function_count;
        bool hashes; /* sql names the function of the mask `hash`: for worker_define_hash() */
} BoundStatement;

/*
 * The tree is left as it was. SQL_REFUSED for a function, type or form that is not allowed; NO_TABLE with a guess;
 * AMBIGUOUS; whatever the source reports. Each with the user's place.
 */
Status bind_statement(const SqlTree *tree, const BindRequest *request, Arena *arena, BoundStatement *out, Error *err);

/* Records in err, which holds an engine's error at this offset of bound->sql, the user's place, and for NO_COLUMN a guess;
 * returns its status. */
Status bind_error_place(Error *err, const SqlTree *tree, const BoundStatement *bound, size_t offset);
