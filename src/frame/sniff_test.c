/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/sniff.h"

#include "base/test.h"

/* What was made of a text, in one line: dialect, then columns, then (after a bar) how many doubts. */
static Str tell(Test *t, const Sniffed *sniffed) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        const Format *format = &sniffed->format;
        buf_printf(&out, "%c%c%s", format->delimiter == '\t' ? 't' : format->delimiter,
                   format->quote ? format->quote : '-', format->header ? " header" : "");
        if (format->skip)
                buf_printf(&out, " skip %u", format->skip);
        if (format->comment.size)
                buf_printf(&out, " comment %.*s", STR_ARG(format->comment));
        if (format->footer.size)
                buf_printf(&out, " footer %.*s", STR_ARG(format->footer));
        if (format->decimal == ',')
                buf_append_cstr(&out, " decimal ,");
        if (format->thousands)
                buf_printf(&out, " thousands %c", format->thousands);
        for (size_t i = 0; i < format->nulls.count; i++)
                buf_printf(&out, " null '%.*s'", STR_ARG(format->nulls.items[i]));
        for (size_t i = 0; i < format->dates.count; i++)
                buf_printf(&out, " date %.*s", STR_ARG(format->dates.items[i]));
        for (size_t i = 0; i < sniffed->column_count; i++)
                buf_printf(&out, "%s%.*s %.*s", i ? ", " : ": ", STR_ARG(sniffed->columns[i].name),
                           STR_ARG(type_print(&t->arena, sniffed->columns[i].guess.type)));
        if (sniffed->doubt_count > 0)
                buf_printf(&out, " | %zu", sniffed->doubt_count);
        return buf_dup(&out, &t->arena);
}

typedef struct Case {
        const char *name, *text, *told;
} Case;

static void check_cases(Test *t, const Case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                Sniffed sniffed;
                if (sniff_format(str_of(cases[i].text), true, &t->arena, &sniffed, &t->err) != STATUS_OK) {
                        test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].name, t->err.message);
                        return;
                }
                Str told = tell(t, &sniffed);
                if (!str_is(told, cases[i].told)) {
                        test_fail(t, __FILE__, __LINE__, "%s: told\n%.*s\nwanted\n%s", cases[i].name, STR_ARG(told),
                                  cases[i].told);
                        return;
                }
        }
}

TEST(the_dialect_is_what_most_records_agree_on) {
        static const Case cases[] = {
                { "comma", "id,name\n1,ann\n2,bo\n", ",\" header: id int, name text" },
                { "semicolon with decimal commas", "id;amount\n1;2,50\n2;3,75\n",
                  ";\" header decimal ,: id int, amount decimal(18,2)" },
                { "semicolon with commas in text", "id;note\n1;a, b\n2;c, d, e\n3;f\n",
                  ";\" header: id int, note text" },
                { "tab", "id\tname\n1\tann\n2\tbo\n", "t\" header: id int, name text" },
                { "pipe", "1|x|2024-01-02\n2|y|2024-01-03\n", "|\": column_1 int, column_2 text, column_3 date" },
                { "quotes", "id,name\n1,\"a,b\"\n2,\"c,d\"\n3,\"e\"\"f\"\n", ",\" header: id int, name text" },
                { "single quotes", "id,name\n1,'a,b'\n2,'c,d'\n3,'e'\n", ",' header: id int, name text" },
                { "one column", "name\nann\nbob\ncarla\n", ",\" header: name text | 1" },
                { "carets", "id^name^v\n1^ann^2.5\n2^bo^3.5\n", "^\" header: id int, name text, v decimal(18,2)" },
                { "tildes", "id~name\n1~ann, bo\n2~cy\n", "~\" header: id int, name text" },
                { "carets in some lines", "note\nx^2\ny\nz^2^3\n", ",\" header: note text | 1" },
                { "powers below a name", "unit\nm^2\nkm^2\ncm^3\n", ",\" header: unit text | 1" },
                { "files of a home", "~/a\n~/b\n~/c\n~/d\n", ",\" header: ~/a text | 1" },
                { "Hive's", "1\x01" "ann\x01\\N\n2\x01" "bo\x01x\n3\x01" "cy\x01y\n", "\x01\" null '\\N': column_1 int, column_2 text, column_3 text" },
                { "blanks", "a b day\n1 xx 2024-01-02\n22 y 2024-01-03\n333 zzzz 2024-01-04\n", " \" header: a int, b text, day date | 1" },
                { "blanks in numbers of phones", "phone\n+49 30 123\n+49 221 9\n+1 212 45678\n", ",\" header: phone text | 1" },
                { "blanks in numbers of phones below two words", "phone number\n030 123 1\n0221 23 22\n089 3 333\n", ",\" header: phone number text | 1" },
                { "blanks in numbers of phones alone", "+49 30 123\n+49 221 9\n+1 212 45678\n", ",\": column_1 text" },
                { "blanks in amounts", "1 234 567\n2 345 678\n13 456 789\n", ",\" thousands  : column_1 int" },
                { "blanks between words", "a b c d\nred green blue 1\nold new odd 2\n", ",\" header: a b c d text | 1" },
                { "quotes around what a backslash quotes", "id,p,q\n1,\"C:\\t\\\",\"say \\\"hi\\\", ok\"\n2,\"C:\\t\\\",\"say \\\"hi\\\", ok\"\n", ",\" header: id text, p text, q text | 5" },
                { "inches beside a text in quotes", "id,a,b\n1,\"x\",5\"\n2,\"y\",6\"\n3,\"z\",7\"\n", ",- header: id int, a text, b text" },
                { "crlf", "id,name\r\n1,ann\r\n2,bo\r\n", ",\" header: id int, name text" },
        };
        check_cases(t, cases, COUNT_OF(cases));
}

TEST(a_header_differs_from_its_columns) {
        static const Case cases[] = {
                { "no header: a number in the first row", "ann,1\nbo,2\ncy,3\n", ",\": column_1 text, column_2 int" },
                { "no header: NULL in the first row", "ann,\\N,1\nbo,x,2\n",
                  ",\" null '\\N': column_1 text, column_2 text, column_3 int" },
                { "no header: codes like the others",
                  "Big Bird 1,BB1\nBig Bird 2,BB2\nAnt,ANT\nBee,BEE\nCow,COW\nDoe,DOE\n",
                  ",\": column_1 text, column_2 text | 1" },
                { "repeated names are still a header", "id,name,name\n1,a,b\n2,c,d\n",
                  ",\" header: id int, name text, name_2 text | 1" },
                { "no name", "id,\n1,a\n2,b\n", ",\" header: id int, column_2 text | 1" },
                { "of another width", "id;name;day\n1;ann;2024-01-02;\n2;bo;2024-01-03;\n3;cy;2024-01-04;\n",
                  ";\" skip 1: id int, name text, day date, column_4 text | 3" },
                { "too short for records with decimal commas", "id,price\n1,2,5\n2,3,5\n3,4,5\n", ",\": column_1 int, column_2 int, column_3 int | 2" },
                { "too short for rows with names", "mpg,cyl\nMazda,21.5,6\nFord,17.5,8\nOpel,24.5,4\n", ",\": column_1 text, column_2 decimal(18,2), column_3 int | 2" },
                { "nothing in a column, nor in the first record", "smith,,leeds\nbrown,,york\ngreen,,bath\n", ",\": column_1 text, column_2 text, column_3 text | 2" },
                { "nothing at the ends", "ann,berlin,\nbo,paris,\ncy,rom,\n", ",\": column_1 text, column_2 text, column_3 text | 2" },
                { "years", "account,2024,2025\nRent,100.50,120\nFood,50.00,60\n", ",\" header: account text, 2024 decimal(18,2), 2025 int | 1" },
                { "years, and a corner without a name", ",2022,2023\nA,1,2\nB,3,4\n", ",\" header: column_1 text, 2022 int, 2023 int | 2" },
                { "months", "id;name;01/2024;02/2024\n1;a;5;6\n2;b;7;8\n", ";\" header: id int, name text, 01/2024 int, 02/2024 int | 1" },
                { "years above years", "Ann,2024,2025\nBo,2023,2024\nCy,2020,2021\n", ",\": column_1 text, column_2 int, column_3 int" },
                { "years in no order", "Ann,2024,1980,2001\nBo,20,30,40\nCy,50,60,70\n", ",\": column_1 text, column_2 int, column_3 int, column_4 int" },
                { "reserved", "id,_file\n1,a\n2,b\n", ",\" header: id int, _file_2 text | 1" },
        };
        check_cases(t, cases, COUNT_OF(cases));
}

/* The header stands again, and below it a total: both are skipped by what they say, but not where that has a NUL in it. */
TEST(no_expression_is_made_of_a_line_with_a_nul) {
        static const struct {
                Str text;
                const char *footer;
        } cases[] = {
                { STR("id;what\n1;a\n2;b\nid;what\n3;c\n4;d\n"), "^id;what$" },
                { STR("id;w\0at\n1;a\n2;b\nid;w\0at\n3;c\n4;d\n"), "" },
                { STR("id;amount;what\n1;2;a\n2;3;b\n3;4;c\nTotal;9;\n"), "^Total;[^[:alpha:]]*$" },
                { STR("id;amount;what\n1;2;a\n2;3;b\n3;4;c\nTotal;9;\0\n"), "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Sniffed sniffed;
                CHECK_OK(sniff_format(cases[i].text, true, &t->arena, &sniffed, &t->err));
                CHECK_STR(sniffed.format.footer, str_of(cases[i].footer));
        }
}

TEST(what_is_not_the_table_is_skipped_and_said) {
        static const Case cases[] = {
                { "preamble",
                  "Report of May\nmade by "
                  "X\n\nid,amount,day\n1,2.50,2024-01-02\n2,3.50,2024-01-03\n3,3.00,2024-01-03\n",
                  ",\" header skip 3: id int, amount decimal(18,2), day date | 1" },
                { "footer", "id;amount;what\n1;2;a\n2;3;b\n3;4;c\nTotal;9;\n",
                  ";\" header footer ^Total;[^[:alpha:]]*$: id int, amount int, what text | 1" },
                { "a total of another width", "id;amount;what\n1;2;a\n2;3;b\n3;4;c\nTotal;9\n",
                  ";\" header footer ^Total[^;]*;[^;]*$: id int, amount int, what text | 1" },
                { "footer of another width", "id;amount;what\n1;2;a\n2;3;b\n3;4;c\n\nPrinted on Monday\n",
                  ";\" header footer ^Printed[^;]*$: id int, amount int, what text | 1" },
                { "a remark below a total", "id;amount;what\n1;2;a\n2;3;b\n3;4;c\nTotal;9;\nMade by X;;\n",
                  ";\" header footer ^Total;[^[:alpha:]]*$|^Made[^;]*; *; *$: id int, amount int, what text | 2" },
                { "a preamble as wide as the table",
                  "Statement;Account 12;;;;\nPeriod:;01.10.2026 - 31.10.2026;;;;\n;;;;;\nDay;Value;Name;What;Out;In\n31.10.2026;02.11.2026;A;x;1.234,56;\n"
                  "30.10.2026;30.10.2026;B;y;-0,05;\n29.10.2026;29.10.2026;C;z;;12.000,00\n28.10.2026;28.10.2026;D;s;;3.500,50\n",
                  ";\" header skip 3 decimal , thousands . date dd.MM.yyyy: Day date, Value date, Name text, What text, Out decimal(18,2), In decimal(18,2) | 1" },
                { "a title with a delimiter, apart from the table", "Report for,January\n\nid,amount\n1,10.00\n2,20.50\nTotal,30.50\n",
                  ",\" header skip 2 footer ^Total,[^[:alpha:]]*$: id int, amount decimal(18,2) | 2" },
                { "a header apart from its table", "id,amount\n\n1,10.00\n2,20.50\n3,5.00\n", ",\" header: id int, amount decimal(18,2)" },
                { "a record that lacks most of its fields", "a,b,c\n1,,\n2,x,3\n3,y,4\n", ",\" header: a int, b text, c int" },
                { "what psql draws", " id |  name\n----+-------\n  1 | ann\n  2 | bo\n(2 rows)\n\n", "|\" header footer ^[-+= ]*(---|===)[-+= ]*$|^\\([0-9]+ rows\\)$: id int, name text | 2" },
                { "what Markdown draws", "| id | name |\n|---:|:----:|\n| 1 | ann |\n| 2 | bo |\n",
                  "|\" header footer ^[-|\":[:blank:]]*---[-|\":[:blank:]]*$: column_1 text, id int, name text, column_4 text | 5" },
                { "a footnote with a star", "a;b;c\n1;2;x\n2;3;y\n3;4;z\n* estimated\n", ";\" header footer ^\\*[^;]*$: a int, b int, c text | 1" },
                { "bytes that are no text below", "a;b;c\n1;2;x\n2;3;y\n3;4;z\n\xff\xff\xff\xff\n", ";\" header: a int, b int, c text | 1" },
                { "a total in bytes that are no text", "a;b;c\n1;2;x\n2;3;y\n3;4;z\nTotal \xff;9;\n", ";\" header: a int, b int, c text | 1" },
                { "a note that begins with another letter", "a;b;c\n1;2;x\n2;3;y\n3;4;z\n\xc3\xa9tat : mars\n", ";\" header footer ^\xc3\xa9tat[^;]*$: a int, b int, c text | 1" },
                { "a log that names its fields", "#Version: 1.0\n#Fields: date c-ip cs-uri sc-status\n2024-03-01 10.0.0.1 /a;b 200\n2024-03-01 10.0.0.2 /c,d 404\n", " - comment #: date date, c-ip text, cs-uri text, sc-status int | 1" },
                { "a log that changes its fields", "#Fields: date c-ip\n2024-03-01 10.0.0.1\n#Fields: c-ip date\n10.0.0.2 2024-03-01\n", ",\" header: #Fields: date c-ip text | 1" },
                { "what a bank says of the account",
                  "Umsatz;erstellt am 1.4.\n\nIBAN;DE89 3704\nBank;ING\nKunde;Ann Bo\nZeitraum;01.03. - 31.03.\n\nTag;Wer;Zweck;Saldo;Betrag\n01.03.2024;a;x;1,50;2,00\n02.03.2024;b;y;2,50;3,00\n03.03.2024;c;z;3,50;4,00\n04.03.2024;a;x;1,50;2,00\n25.03.2024;b;y;2,50;3,00\n26.03.2024;c;z;3,50;4,00\n",
                  ";\" header skip 7 decimal , date dd.MM.yyyy: Tag date, Wer text, Zweck text, Saldo decimal(18,2), Betrag decimal(18,2) | 1" },
                { "one line with a number sign", "# made by X\nid,name,x\n1,a,2\n2,b,3\n3,c,4\n",
                  ",\" header skip 1: id int, name text, x int | 1" },
                { "comments", "# made by X\nid,name,x\n1,a,2\n# more\n2,b,3\n3,c,4\n",
                  ",\" header comment #: id int, name text, x int | 1" },
                { "broken records", "id,name\n1,a\n2\n3,c,d\n4,d\n5,e\n6,f\n", ",\" header: id int, name text | 1" },
        };
        check_cases(t, cases, COUNT_OF(cases));
}

TEST(totals_balances_and_counts_are_no_records_wherever_they_stand) {
        static const Case cases[] = {
                { "in the second column", "Konto;Text;Betrag\n4000;a;10,00\n4400;b;20,00\n;Summe;30,00\n",
                  ";\" header footer ^;Summe;[^[:alpha:]]*$ decimal ,: Konto int, Text text, Betrag decimal(18,2) | 1" },
                { "in between", "region,rep,amount\nNorth,Ann,10\nNorth,Bo,20\nNorth Total,,30\nSouth,Cy,5\nSouth,Di,6\nSouth Total,,11\nGrand Total,,41\n",
                  ",\" header footer ^[^,]* Total *,,[^[:alpha:]]*$|^Grand Total,,[^[:alpha:]]*$: region text, rep text, amount int | 1" },
                { "the word first", "a;b;c\nx;1;2\ny;3;4\nSumme Konto 4000;;6\nz;5;6\nSumme Konto 4400;;6\n",
                  ";\" header footer ^Summe[^;]*;;[^[:alpha:]]*$: a text, b int, c int | 1" },
                { "balances", "Datum;Text;Betrag\n;Anfangssaldo;1.000,00\n01.10.2026;Miete;-500,00\n02.10.2026;Lohn;2.000,00\n;Endsaldo;2.500,00\n",
                  ";\" header footer ^;Anfangssaldo;[^[:alpha:]]*$|^;Endsaldo;[^[:alpha:]]*$ decimal , thousands . date dd.MM.yyyy: Datum date, Text text, Betrag decimal(18,2) | 1" },
                { "SAP's stars", "|No|Day|   Amount|\n|19|2026-01-05| 1234.56|\n|20|2026-01-06|  234.50|\n|* |          | 1469.06|\n",
                  "|\" header footer ^\\|\\* *\\| *\\|[^[:alpha:]]*$: column_1 text, No int, Day date, Amount decimal(18,2), column_5 text | 5" },
                { "drawn lines", "|No|Day       |   Amount|\n|--|----------|---------|\n|19|2026-01-05| 1234.56|\n|20|2026-01-06|  234.50|\n|--|----------|---------|\n",
                  "|\" header footer ^[-|\"[:blank:]]*-----[-|\"[:blank:]]*$: column_1 text, No int, Day date, Amount decimal(18,2), column_5 text | 5" },
                { "a line below the header", "id,name,n\n---,---,---\n1,a,2\n2,b,3\n", ",\" header footer ^[-,\"[:blank:]]*---[-,\"[:blank:]]*$: id int, name text, n int | 1" },
                { "marks for nothing", "id,name,n\n1,a,2\n---,---,---\n2,b,3\n", ",\" header: id text, name text, n text | 1" },
                { "a count", "id,name\n1,a\n2,b\n3,c\n3 rows,\n", ",\" header footer ^[0-9]+ rows,$: id int, name text | 1" },
                { "pages", "id;a;b\n1;a;5\nPage 1 of 2;;\n2;b;6\n3;c;7\nPage 2 of 2;;\n", ";\" header footer ^Page [0-9]+ of [0-9]+;;$: id int, a text, b int | 1" },
                { "in quotes", "\"id\",\"name\",\"n\"\n\"1\",\"a\",\"2\"\n\"2\",\"b\",\"3\"\n\"Total\",\"\",\"5\"\n",
                  ",\" header footer ^\"Total\",\"\",[^[:alpha:]]*$: id int, name text, n int | 1" },
                { "between tabs", "k\tn\tv\nx\ta\t1\ny\tb\t2\nTotal\t\t3\n",
                  "t\" header footer ^Total[[:blank:]][[:blank:]][^[:alpha:]]*$: k text, n text, v int | 1" },
                { "a customer", "name,region,v\nAcme,N,1\nTotal Energies,S,2\nBolt,N,3\n", ",\" header: name text, region text, v int" },
                { "a customer who is last", "name,region,v\nAcme,N,1\nBolt,N,3\nTotal Energies,S,2\n", ",\" header: name text, region text, v int" },
                { "a value of a column", "region,sex,v\nDE,Female,1\nDE,Male,2\nDE,Total,3\nFR,Female,4\nFR,Male,5\nFR,Total,9\n",
                  ",\" header: region text, sex text, v int" },
                { "a table of totals", "k,n,v\nTotal a,,1\nTotal b,,2\nTotal c,,3\nTotal d,,3\n", ",\" header: k text, n text, v int | 1" },
        };
        check_cases(t, cases, COUNT_OF(cases));
}

TEST(files_that_were_joined_have_marks_and_headers_inside) {
        static const Case cases[] = {
                { "a mark before the header", "\xef\xbb\xbfid,name,day\n1,Ann,2026-01-01\n2,Bo,2026-01-02\n\xef\xbb\xbfid,name,day\n3,Cy,2026-01-03\n",
                  ",\" header footer ^id,name,day$: id int, name text, day date | 1" },
                { "in quotes", "\xef\xbb\xbf\"id\",\"name\"\n1,Ann\n2,Bo\n\xef\xbb\xbf\"id\",\"name\"\n3,Cy\n",
                  ",\" header footer ^\"id\",\"name\"$: id int, name text | 1" },
                { "a mark before a record", "id,name\n1,Ann\n2,Bo\n\xef\xbb\xbf" "3,Cy\n4,De\n", ",\" header: id int, name text" },
        };
        check_cases(t, cases, COUNT_OF(cases));
}

TEST(types_lose_nothing) {
        static const Case cases[] = {
                { "zeros before", "id,zip\n1,01234\n2,12345\n", ",\" header: id int, zip text | 1" },
                { "plus before", "id,phone\n1,+49123\n2,+49234\n", ",\" header: id int, phone text | 1" },
                { "big", "a,b,c\n3000000000,12345678901234567890,0.123456789012345678901\n1,1,1\n",
                  ",\" header: a bigint, b decimal(38,0), c decimal(38,21) | 2" },
                { "measured", "a,b\n1,40.070985\n2,-0.1\n", ",\" header: a int, b double" },
                { "thousands", "a;b\nx;1.234,50\ny;12,25\nz;1.000.000,00\n",
                  ";\" header decimal , thousands .: a text, b decimal(18,2)" },
                { "booleans", "a,b\ntrue,1\nFALSE,0\n", ",\" header: a boolean, b int" },
                { "uuid", "a\n123e4567-e89b-12d3-a456-426614174000\n", ",\" header: a uuid" },
                { "times", "a,b,c\n10:11,2024-01-02 10:11:12,2024-01-02T10:11:12Z\n",
                  ",\" header: a time, b timestamp, c timestamptz | 1" },
                { "NULL words", "a,b\n1,x\nNA,y\n3,NA\n", ",\" header null 'NA': a int, b text | 1" },
                { "quoted empties", "\"a\",\"b\"\n\"1\",\"\"\n\"\",\"y\"\n", ",\" header null '': a int, b text" },
                { "a few that do not fit", "a,b\n1,xx\n2,xx\n3,xx\n4,xx\n5,xx\n6,xx\n7,xx\noops,xx\n9,xx\n",
                  ",\" header: a int, b text | 1" },
                { "too many that do not fit", "a,b\n1,x\n2,x\noops,x\n", ",\" header: a text, b text | 1" },
        };
        check_cases(t, cases, COUNT_OF(cases));
}

TEST(a_mark_before_three_digits_is_told_from_the_whole_file_or_doubted) {
        static const Case cases[] = {
                { "commas in quotes", "sku,price\n1,\"1,234\"\n2,\"12,345\"\n3,\"2,500\"\n",
                  ",\" header thousands ,: sku int, price int | 1" },
                { "commas between tabs", "sku\tprice\n1\t1,234\n2\t12,345\n3\t2,500\n",
                  "t\" header thousands ,: sku int, price int | 1" },
                { "commas, and few enough for none", "sku,price\n1,\"1,234\"\n2,999\n",
                  ",\" header thousands ,: sku int, price int | 1" },
                { "commas between semicolons", "a;b\n1;1,234\n2;5,678\n", ";\" header decimal ,: a int, b decimal(18,4) | 1" },
                { "points", "vi;vv\n1;1.234\n2;5.678\n", ";\" header: vi int, vv decimal(18,4) | 1" },
                { "points, and a comma that is the decimal point", "sid;tot;rt\n1;1.234;0,5\n2;12.345;1,25\n",
                  ";\" header decimal , thousands .: sid int, tot int, rt decimal(18,2)" },
                { "commas, and a point that is it", "a1,p1,q1\n1,\"1,234\",0.5\n2,\"12,345\",1.25\n",
                  ",\" header thousands ,: a1 int, p1 int, q1 decimal(18,2)" },
                { "points, and one that is no thousand", "a,b\n1,1.234\n2,0.512\n", ",\" header: a int, b decimal(18,4)" },
                { "Indian groups", "a,b\n1,\"1,234\"\n2,\"12,34,567\"\n3,5\n", ",\" header thousands i: a int, b int" },
                { "Indian groups with paise", "a;b\n1;12,34,567.89\n2;99,999.00\n", ";\" header thousands i: a int, b decimal(18,2)" },
                { "Indian groups beside others", "a;b\n12,34,567;1,234,567\n1,23,456;12,345,678\n", ";\" header thousands ,: a text, b int | 1" },
                { "two groups", "a;b\n1;1.234\n2;1.234.567\n", ";\" header decimal , thousands .: a int, b int" },
                { "two groups in another column", "a;b;c\n1;1.234;3\n2;7.250;1.234.567\n",
                  ";\" header decimal , thousands .: a int, b int, c int" },
                { "both, one each", "a;b;c\n1;1.234;1,234\n2;7.250;7,250\n", ";\" header thousands ,: a int, b decimal(18,4), c int | 2" },
                { "both, which clash", "a;b\n0,5;0.5\n1,5;1.5\n", ";\" header: a text, b decimal(18,2) | 1" },
                { "apostrophes", "a;b\n1;1'234.50\n2;12.25\n", ";\" header thousands ': a int, b decimal(18,2)" },
                { "blanks", "a;b\n1;1 234,50\n2;12,25\n", ";\" header decimal , thousands  : a int, b decimal(18,2)" },
                { "a stray text with a blank", "a;b\n1;3\n2;4\n3;5\n4;6\n5;7\n6;8\n7;9\n8;n.a. 5\n9;1\n", ";\" header: a int, b int | 1" },
                { "versions", "a,b\n1,1.2.3\n2,1.2.4\n", ",\" header: a int, b text" },
        };
        check_cases(t, cases, COUNT_OF(cases));
}

/* The doubts of the second of two columns, and its type. */
static Str doubts_of(Test *t, const Sniffed *sniffed) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_printf(&out, "%.*s", STR_ARG(type_print(&t->arena, sniffed->columns[1].guess.type)));
        for (size_t i = 0; i < sniffed->doubt_count; i++)
                if (str_equal(sniffed->doubts[i].column, sniffed->columns[1].name))
                        buf_printf(&out, " | %.*s: %.*s", STR_ARG(sniffed->doubts[i].what), STR_ARG(sniffed->doubts[i].assumed));
        return buf_dup(&out, &t->arena);
}

TEST(what_looks_like_more_than_text_says_what_would_read_it) {
        static const Case cases[] = {
                { "codes", "a;b\n1;1E10\n2;2E05\n3;3e7\n",
                  "text | values such as 1E10 may be codes, or numbers with an exponent: text, which keeps codes; if they are numbers, the type is double" },
                { "a code among integers", "a;b\n1;1000\n2;2E05\n3;3007\n",
                  "text | values such as 2E05 may be codes, or numbers with an exponent: text, which keeps codes; if they are numbers, the type is double" },
                { "exponents", "a;b\n1;1E+10\n2;2E05\n3;7\n", "double" },
                { "exponents after a point", "a;b\n1;1.0E10\n2;2E05\n3;7\n", "double" },
                { "exponents beside a point", "a;b\n1;1E10\n2;2.5\n3;7\n", "double" },
                { "percent", "a;b\n1;12%\n2;7.5 %\n",
                  "text | values such as 12% look like numbers: text; a number's type reads them with percent: number (12% is 12) or percent: fraction (12% is 0.12)" },
                { "currency", "a;b\n1;\u20ac 1,234.50\n2;\u20ac 7.00\n",
                  "text | values such as \u20ac 1,234.50 look like numbers: text; a number's type reads them with currency: [\"\u20ac\"], thousands: \",\"" },
                { "currency behind", "a;b\n1;1.234,50 EUR\n2;7,00 EUR\n",
                  "text | values such as 1.234,50 EUR look like numbers: text; a number's type reads them with currency: [\"EUR\"], decimal: \",\", thousands: \".\"" },
                { "brackets", "a;b\n1;(12.50)\n2;7.00\n",
                  "text | values such as (12.50) look like numbers: text; a number's type reads them with negatives: parentheses" },
                { "a minus behind", "a;b\n1;12.50-\n2;7.00\n",
                  "text | values such as 12.50- look like numbers: text; a number's type reads them with negatives: behind" },
                { "dates in two formats", "a;b\n1;2024-01-01\n2;01/02/2024\n",
                  "text | dates in 2 formats, such as 2024-01-01: text; dates: [yyyy-MM-dd, dd/MM/yyyy] would read them, if days and months stand as it says" },
                { "dates that clash", "a;b\n1;25/12/2024\n2;12/26/2024\n",
                  "text | dates in 2 formats, such as 25/12/2024: text; dd/MM/yyyy, MM/dd/yyyy would read them, but clash: one text would be two dates" },
                { "words", "a;b\n1;x%\n2;(y)\n", "text" },
                { "places", "a;b\n1;10.0.0.1\n2;10.0.0.2\n", "text" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Sniffed sniffed;
                CHECK_OK(sniff_format(str_of(cases[i].text), true, &t->arena, &sniffed, &t->err));
                Str told = doubts_of(t, &sniffed);
                if (!str_is(told, cases[i].told))
                        test_fail(t, __FILE__, __LINE__, "%s: told\n%.*s\nwanted\n%s", cases[i].name, STR_ARG(told), cases[i].told);
        }
}

/* Texts of numbers, a line each, and what the format that was made of them reads in their places. */
typedef struct Reading {
        const char *first, *second, *third, *told;
} Reading;

TEST(what_is_written_reads_what_was_read) {
        static const Reading readings[] = {
                { "1,234", "12,345", "2,500", "1234 12345 2500" },
                { "1,234.5", "7", "12.25", "1234.50 7.00 12.25" },
                { "1.234,5", "7", "12,25", "1234.50 7.00 12.25" },
                { "1.234", "0,5", "1.234.567", "1234.00 0.50 1234567.00" },
                { "1 234", "12 345", "7", "1234 12345 7" },
                { "1'234", "12'345", "7.5", "1234.00 12345.00 7.50" },
                { "1,234,567", "-1,000", "12", "1234567 -1000 12" },
                { "0.125", "1.5", "12", "0.1250 1.5000 12.0000" },
                { "0,125", "1,5", "12", "0.1250 1.5000 12.0000" },
                { "-1.5", "+2.5", ".5", "-1.50 2.50 0.50" },
                { "1.5e3", "2", "3.25", "1500 2 3.25" },
                { "1,5e+3", "2", "3,25", "1500 2 3.25" },
                { "12345678901", "1", "2", "12345678901 1 2" },
                { "12345678901234567890", "1", "2", "12345678901234567890 1 2" },
                { "12,345,678,901", "1", "2", "12345678901 1 2" },
                { "1,234.567891", "1", "2", "1234.567891 1 2" },
        };
        static const char *const layouts[] = { "id;n\n1;%s\n2;%s\n3;%s\n", "id,n\n1,\"%s\"\n2,\"%s\"\n3,\"%s\"\n", "id\tn\n1\t%s\n2\t%s\n3\t%s\n" };
        for (size_t i = 0; i < COUNT_OF(readings) * COUNT_OF(layouts); i++) {
                const Reading *reading = &readings[i / COUNT_OF(layouts)];
                CLEANUP(buf_deinit) Buf text = { 0 };
                buf_printf(&text, layouts[i % COUNT_OF(layouts)], reading->first, reading->second, reading->third);
                Sniffed sniffed;
                SniffedRows rows;
                Str left = buf_view(&text);
                CHECK_OK(sniff_format(left, true, &t->arena, &sniffed, &t->err));
                CHECK_OK(format_check(&sniffed.format, &t->err));
                CHECK_OK(sniff_rows(&sniffed, source_of_bytes(&left), 3, &t->arena, &rows, &t->err));
                CHECK_INT(rows.quarantined, 0);
                CHECK_INT(rows.preview_count, 3);
                Str told = arena_strf(&t->arena, "%.*s %.*s %.*s", STR_ARG(rows.preview[1]), STR_ARG(rows.preview[3]), STR_ARG(rows.preview[5]));
                bool comma_alone = i % COUNT_OF(layouts) == 0 && i / COUNT_OF(layouts) == 0; /* is the point between semicolons */
                CHECK_STR(told, comma_alone ? STR("1.2340 12.3450 2.5000") : str_of(reading->told));
        }
}

TEST(dates_are_read_as_they_must_be_or_doubted) {
        static const Case cases[] = {
                { "day first, certain", "a,d\n1,25/12/2024\n2,01/02/2024\n",
                  ",\" header date dd/MM/yyyy: a int, d date" },
                { "month first, certain", "a,d\n1,12/25/2024\n2,01/02/2024\n",
                  ",\" header date MM/dd/yyyy: a int, d date" },
                { "either", "a,d\n1,01/02/2024\n2,03/04/2024\n", ",\" header date dd/MM/yyyy: a int, d date | 1" },
                { "either, and another column tells", "d,e\n01/02/2024,12/25/2024\n03/04/2024,01/01/2024\n",
                  ",\" header date MM/dd/yyyy: d date, e date | 1" },
                { "dots", "a;d\n1;1.2.2024\n2;25.12.2024\n", ";\" header date d.M.yyyy: a int, d date" },
                { "two columns, two patterns", "d;e\n25/12/2024;2024-01-02\n26/12/2024;2024-01-03\n",
                  ";\" header date dd/MM/yyyy date yyyy-MM-dd: d date, e date" },
                { "two patterns in one column",
                  "a;d\n1;25/12/2024\n1;26/12/2024\n1;27/12/2024\n2;2024-01-02\n3;2024-01-03\n",
                  ";\" header date dd/MM/yyyy date yyyy-MM-dd: a int, d date | 1" },
                { "with times", "a,d\n1,25/12/2024 10:30\n2,01/02/2024 11:30\n",
                  ",\" header date dd/MM/yyyy: a int, d timestamp | 1" },
        };
        check_cases(t, cases, COUNT_OF(cases));
}

TEST(what_holds_no_records_is_refused) {
        static const char *const texts[] = { "", "\n\n", "   \n" };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                Sniffed sniffed;
                CHECK_STATUS(sniff_format(str_of(texts[i]), true, &t->arena, &sniffed, &t->err), STATUS_HELD);
        }
}

TEST(what_is_no_table_is_told_as_what_it_is) {
        static const Case cases[] = {
                { "PostgreSQL's dump", "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n\nCREATE TABLE public.c (\n    id integer\n);\n\nCOPY public.c (id) FROM stdin;\n1\n\\.\n", "SQL" },
                { "MySQL's dump", "-- MySQL dump 10.13\nDROP TABLE IF EXISTS `c`;\nCREATE TABLE `c` (`id` int);\nINSERT INTO `c` VALUES (1,'Ann'),(2,'O\\'Brien');\n", "SQL" },
                { "MySQL's settings", "/*!40101 SET NAMES utf8 */;\nINSERT INTO `c` VALUES (1,2);\n", "SQL" },
                { "SQLite's dump", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE a(b);\nCOMMIT;\n", "SQL" },
                { "statements behind a comment of lines", "/* made by\n   X */\ninsert into a values (1, 'x');\r\n", "SQL" },
                { "a table's markup", "<table><tr><th>id</th></tr><tr><td>1</td></tr></table>\n", "HTML" },
                { "markup of an office", "\n<div>\n<TABLE border=1>\n", "HTML" },
                { "a letter", "Dear all, please find attached the files.\nBest regards\n", "prose" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Sniffed sniffed;
                CHECK_STATUS(sniff_format(str_of(cases[i].text), true, &t->arena, &sniffed, &t->err), STATUS_HELD);
                if (!strstr(t->err.message, cases[i].told))
                        test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].name, t->err.message);
        }
        static const Case tables[] = {
                { "records that begin like statements", "set no,name\n1,a\n2,b\n", ",\" header: set no int, name text" },
                { "statements in a table", "id,sql\n1,select 1;\n2,drop table a;\n", ",\" header: id int, sql text" },
                { "tags in a table", "id,tag\n1,<p>\n2,<table>\n", ",\" header: id int, tag text" },
        };
        check_cases(t, tables, COUNT_OF(tables));
}

/* As tell(), for JSON: its kind, the path of its records, each column with its key and type, the number of doubts. */
static Str tell_json(Test *t, const Sniffed *sniffed) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_cstr(&out, format_kind_names[sniffed->format.kind]);
        if (sniffed->format.records.size > 0)
                buf_printf(&out, " %.*s", STR_ARG(sniffed->format.records));
        for (size_t i = 0; i < sniffed->column_count; i++) {
                const SniffedColumn *column = &sniffed->columns[i];
                buf_printf(&out, "%s%.*s", i ? ", " : ": ", STR_ARG(column->name));
                if (!str_equal(column->name, column->key))
                        buf_printf(&out, " from %.*s", STR_ARG(column->key));
                buf_printf(&out, " %.*s", STR_ARG(type_print(&t->arena, column->guess.type)));
        }
        if (sniffed->doubt_count > 0)
                buf_printf(&out, " | %zu", sniffed->doubt_count);
        return buf_dup(&out, &t->arena);
}

TEST(json_says_its_columns_and_a_brace_in_a_field_is_no_json) {
        static const Case cases[] = {
                { "lines", "{\"a\": 1}\n{\"b\": true}\n", "jsonl: a int, b boolean" },
                { "lines, one broken", "{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n", "jsonl: a int | 1" },
                { "list", "\xef\xbb\xbf\n[\n  {\"a\": 1.25},{\"a\": null}\n]\n", "json: a decimal(18,2)" },
                { "one object", "{\"a\": \"2024-01-31\", \"b\": [\n1,\n2]}\n", "json: a date, b list<int>" },
                { "objects", "{\n\"a\": 1\n}\n{\n\"a\": 2\n}\n", "json: a int" },
                { "a list inside", "{\"n\": 1, \"d\": {\"items\": [{\"a\": 1}, {\"a\": 2}]}, \"t\": [{}]}", "json d.items: a int | 2" },
                { "texts of digits", "[{\"a\": \"1\", \"b\": \"007\"}]", "json: a text, b text" },
                { "numbers but for one", "[{\"a\":1},{\"a\":2},{\"a\":3},{\"a\":4},{\"a\":5},{\"a\":6},{\"a\":7},{\"a\":8},{\"a\":\"x\"}]",
                  "json: a int | 1" },
                { "several kinds", "[{\"a\":1},{\"a\":\"x\"},{\"b\":[]},{\"b\":\"y\"}]", "json: a text, b text | 2" },
                { "objects in objects", "[{\"a\":{\"b\":{\"c\":1}},\"a_b_c\":2, \"x.y\":null}]",
                  "json: a_b_c_2 from a.b.c int, a_b_c int, x.y from x\\.y text | 2" },
                { "long integers", "[{\"a\": 123456789012345678901}]", "json: a decimal(38,0) | 1" },
                { "lists", "[[1,2],[3,4]]\n", "json: value list<int>" },
                { "numbers", "[1, 2,\n3]\n", "json: value int" },
                { "one number", "[1]", "json: value int" },
                { "all sorts", "[1,2,\"a\",null,[1,2]]", "json: value text | 1" },
                { "words", "[true,null]", "json: value boolean" },
                { "a text", "\"s\"", "json: value text" },
                { "nothing", " null\n", "json: value text | 1" },
                { "lines of lists", "[1,\"a\"]\r\n[2,\"b\"]\n", "jsonl: value text | 1" },
                { "a list with each item on a line", "[\n[1],\n[2],\n[3]\n]\n", "json: value list<int>" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Sniffed sniffed;
                CHECK_OK(sniff_format(str_of(cases[i].text), true, &t->arena, &sniffed, &t->err));
                Str told = tell_json(t, &sniffed);
                if (!str_is(told, cases[i].told))
                        test_fail(t, __FILE__, __LINE__, "%s: told\n%.*s\nwanted\n%s", cases[i].name, STR_ARG(told), cases[i].told);
        }
        static const char *const tables[] = { "{a},{b}\n1,2\n",        "[a],[b]\n1,2\n", "a,b\n{\"x\": 1},2\n", "1,2,3\n4,5,6\n",
                                              "[1],[2]\n[3],[4]\n", "\"a\",\"b\"\n1,2\n", "\"a\"\n\"b\"\n",    "1\n2\n3\n",
                                              "true\nfalse\n",      "nullable\n1\n",   "null,true\n1,x\n",       "[1,2],3\n4,5,6\n" };
        for (size_t i = 0; i < COUNT_OF(tables); i++) {
                Sniffed sniffed;
                CHECK_OK(sniff_format(str_of(tables[i]), true, &t->arena, &sniffed, &t->err));
                CHECK_INT(sniffed.format.kind, FORMAT_CSV);
        }
}

TEST(an_object_whose_keys_are_data_stays_text) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        for (int i = 0; i < 100; i++)
                buf_printf(&text, "{\"id\":%d,\"of\":{\"k%d\":1,\"k%d\":2}}\n", i, i, i + 1);
        Sniffed sniffed;
        CHECK_OK(sniff_format(buf_view(&text), true, &t->arena, &sniffed, &t->err));
        CHECK_STR(tell_json(t, &sniffed), STR("jsonl: id int, of text | 2"));
}

TEST(the_preview_shows_typed_rows_that_fit) {
        Sniffed sniffed;
        SniffedRows rows;
        Str text = STR("id;amount;day\n1;2,5;25.12.2024\n2;x\n3;;26.12.2024\n4;1,00;27.12.2024\n"), left = text;
        CHECK_OK(sniff_format(text, true, &t->arena, &sniffed, &t->err));
        CHECK_OK(sniff_rows(&sniffed, source_of_bytes(&left), 2, &t->arena, &rows, &t->err));
        CHECK_INT(rows.counts.records, 5);
        CHECK_INT(rows.accepted, 3);
        CHECK_INT(rows.quarantined, 1);
        CHECK_INT(rows.preview_count, 2);
        CHECK_STR(rows.preview[1], STR("2.50"));
        CHECK_STR(rows.preview[2], STR("2024-12-25"));
        CHECK(rows.preview[4].data == NULL);
}
