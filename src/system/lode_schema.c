/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema lode: what the platform knows of itself, with the column names of the command line's JSON.
 */
#include "base/vec.h"
#include "system/parts.h"

static Status make_tables(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                bool view = table->kind == 'v';
                TRY(ROW(file, err, TEXT(table->zone), TEXT(table->stage), TEXT(table->name), TEXT(table->kind_word),
                        view ? NOTHING : NUMBER(table->rows), view ? NOTHING : NUMBER(table->files),
                        view ? NOTHING : NUMBER(table->bytes), TEXT(table->commit), NUMBER(table->changed_us), TEXT(table->about)));
        }
        return STATUS_OK;
}

const MadeRelation LODE_RELATIONS[] = {
        { "lode", "tables",
          "zone text,stage text,table text,kind text,rows int8,files int8,bytes int8,commit text,changed_at timestamptz,about text",
          make_tables },
        { 0 },
};
