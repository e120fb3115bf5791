// SPDX-License-Identifier: Apache-2.0
// node-postgres and postgres.js, unmodified. Prints one JSON object of what was seen; whatever goes wrong ends it.
import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { to as copyTo } from 'pg-copy-streams';
import postgres from 'postgres';

const url = process.argv[2];
const seen = {};

async function code(promise) {
        try {
                await promise;
                return 'fine';
        } catch (failed) {
                return failed.code;
        }
}

async function nodePostgres() {
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        seen.rows = (await client.query('select id, region, amount from canonical.order where id = $1', [2])).rows;
        seen.named = [];
        for (let i = 0; i < 3; i++)
                seen.named.push((await client.query({ name: 'plus', text: 'select $1::int + 1 as n', values: [i] })).rows[0].n);
        const values = [7, '1099511627776', true, 0.5, 'é \'"\\', null, new Date(Date.UTC(2026, 10, 26, 1, 2, 3)), Buffer.from([0, 255, 92]), [1, 2, null], { a: [1, 'x'] }];
        const types = ['int4', 'int8', 'bool', 'float8', 'text', 'text', 'timestamptz', 'bytea', 'int4[]', 'json'];
        const got = await client.query('select ' + types.map((type, i) => `$${i + 1}::${type} as v${i}`).join(), values);
        seen.values = Object.values(got.rows[0]).map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : value));
        seen.types = got.fields.map((field) => field.dataTypeID);
        const interval = await client.query("select interval '1 year -2 mons +3 days 04:05:06' as i");
        seen.interval = interval.rows[0].i.toPostgres();
        seen.binary = (await client.query({ text: 'select 42::int4 as n', binary: true })).rows[0].n;
        seen.several = (await client.query('select 1 as a; select 2 as b')).map((result) => result.rows[0]);
        seen.errors = [await code(client.query('selec')), await code(client.query('select nope')), await code(client.query('select $1::int', ['x'])),
                await code(client.query('insert into canonical.order values (1)'))];

        const cursor = client.query(new Cursor('select i from range(10) t(i)'));
        seen.cursor = [(await cursor.read(4)).length, (await cursor.read(4)).length, (await cursor.read(4)).length, (await cursor.read(4)).length];
        await cursor.close();
        let streamed = 0;
        for await (const row of client.query(new QueryStream('select i from range(100000) t(i)', [], { batchSize: 1000 })))
                streamed += Number(row.i) % 2;
        seen.streamed = streamed;
        let copied = '';
        for await (const chunk of client.query(copyTo('copy (select id, region from canonical.order order by id) to stdout')))
                copied += chunk;
        seen.copied = copied;
        await client.end();

        const pool = new pg.Pool({ connectionString: url, max: 4 });
        const sums = await Promise.all([...Array(20).keys()].map((i) => pool.query('select $1::int * 2 as n', [i])));
        seen.pool = sums.map((result) => result.rows[0].n);
        await pool.end();
}

async function postgresJs() {
        const sql = postgres(url, { max: 3 });
        seen.js = {};
        seen.js.rows = await sql`select id, region from canonical.order where region = ${'EU'} order by id`;
        seen.js.array = (await sql`select ${[1, 2, 3]}::int[] as a`)[0].a;
        seen.js.in = (await sql`select count(*)::int as n from canonical.order where id in ${sql([1, 3])}`)[0].n;
        seen.js.json = (await sql`select ${sql.json({ a: 1 })}::jsonb as j`)[0].j;
        seen.js.date = (await sql`select ${new Date(Date.UTC(2026, 10, 26))}::timestamptz as d`)[0].d;
        seen.js.cursor = [];
        await sql`select i from range(10) t(i)`.cursor(4, (rows) => { seen.js.cursor.push(rows.length); });
        seen.js.transaction = await sql.begin(async (sql) => {
                await sql`select 1`;
                await sql.savepoint(async (sql) => { await sql`select nope`; }).catch(() => 0);
                return (await sql`select 42 as n`)[0].n;
        });
        seen.js.simple = (await sql.unsafe('select 1 as a; select 2 as b')).map((rows) => rows[0]);
        seen.js.describe = (await sql`select id, amount from canonical.order where id = ${1}`.describe()).types;
        const sleeping = sql`select pg_sleep(20)`.execute();
        setTimeout(() => sleeping.cancel(), 300);
        seen.js.cancelled = await code(sleeping);
        const chunks = [];
        for await (const chunk of await sql`copy (select 1, 'x') to stdout`.readable())
                chunks.push(chunk);
        seen.js.copied = Buffer.concat(chunks).toString();
        await sql.end();
}

await nodePostgres();
await postgresJs();
console.log(JSON.stringify(seen));
