/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The type matrix: every type that a source may declare with good, border and bad texts, and what becomes of them. One
 * table, which is tried here and printed as docs/types.md.
 */
#include "frame/typing.h"

#include "base/file.h"
#include "base/test.h"

static Str others[] = { { "NAB", 3 }, { "-5", 2 } }, euros[] = { { "\xe2\x82\xac", 3 }, { "EUR", 3 } }, day_first[] = { { "dd/MM/yyyy", 10 }, { "dd.MM.yyyy", 10 } }, short_year[] = { { "dd.MM.yy", 8 } }, twelve[] = { { "M/d/yyyy h:mm a", 15 } },
           empty[] = { { "", 0 } }, absent[] = { { "NA", 2 }, { "-", 1 } }, ja[] = { { "ja", 2 } }, nein[] = { { "nein", 4 } };

/* What a source says, as its text and as a format. */
typedef struct Setting {
        const char *words;
        Format format;
        bool of_column; /* the words for NULL are the column's own */
} Setting;

enum { USUAL, COMMA, BLANKS, APOSTROPHE, MONEY, PERCENT, FRACTION, BRACKETS, BEHIND, DAYS, CLOCK, NULLS, WORDS, INDIAN, OWN, OWN_EMPTY, NONE, OWN_JSON, SHORT,
       OWN_COMMA, DUMP, SETTINGS };

#define CSV .delimiter = ';', .quote = '"', .record_limit = FORMAT_RECORD_LIMIT

static const Setting settings[SETTINGS] = {
        [USUAL] = { "", { CSV, .decimal = '.' } },
        [COMMA] = { "decimal: \",\", thousands: \".\"", { CSV, .decimal = ',', .thousands = '.' } },
        [BLANKS] = { "decimal: \",\", thousands: space", { CSV, .decimal = ',', .thousands = ' ' } },
        [APOSTROPHE] = { "thousands: \"'\"", { CSV, .decimal = '.', .thousands = '\'' } },
        [MONEY] = { "currency: [\u20ac, EUR]", { CSV, .decimal = '.', .currency = { euros, 2 } } },
        [PERCENT] = { "percent: number", { CSV, .decimal = '.', .percent = PERCENT_NUMBER } },
        [FRACTION] = { "percent: fraction", { CSV, .decimal = '.', .percent = PERCENT_FRACTION } },
        [BRACKETS] = { "negatives: parentheses", { CSV, .decimal = '.', .negatives = NEGATIVES_PARENTHESES } },
        [BEHIND] = { "negatives: behind", { CSV, .decimal = '.', .negatives = NEGATIVES_BEHIND } },
        [DAYS] = { "dates: [dd/MM/yyyy, dd.MM.yyyy]", { CSV, .decimal = '.', .dates = { day_first, 2 } } },
        [CLOCK] = { "dates: M/d/yyyy h:mm a", { CSV, .decimal = '.', .dates = { twelve, 1 } } },
        [NULLS] = { "nulls: [NA, \"-\"]", { CSV, .decimal = '.', .nulls = { absent, 2 } } },
        [WORDS] = { "true: ja, false: nein", { CSV, .decimal = '.', .true_words = { ja, 1 }, .false_words = { nein, 1 } } },
        [INDIAN] = { "thousands: indian", { CSV, .decimal = '.', .thousands = THOUSANDS_INDIAN } },
        [OWN] = { "of the column: nulls(NA | -)", { CSV, .decimal = '.', .nulls = { absent, 2 } }, true },
        [OWN_EMPTY] = { "of the column: nulls(\"\")", { CSV, .decimal = '.', .nulls = { empty, 1 } }, true },
        [NONE] = { "of the column: nulls()", { CSV, .decimal = '.' }, true },
        [OWN_JSON] = { "of the column, in JSON: nulls(NA | -)", { .kind = FORMAT_JSON, .delimiter = ',', .quote = '"', .header = true, .record_limit = FORMAT_RECORD_LIMIT, .decimal = '.', .nulls = { absent, 2 } }, true },
        [SHORT] = { "dates: dd.MM.yy", { CSV, .decimal = '.', .dates = { short_year, 1 } } },
        [OWN_COMMA] = { "of the column: decimal(\",\") thousands(\".\") currency(EUR)", { CSV, .decimal = ',', .thousands = '.', .currency = { euros + 1, 1 } }, true },
        [DUMP] = { "escapes: postgres, quote: none", { .delimiter = '\t', .record_limit = FORMAT_RECORD_LIMIT, .decimal = '.', .escapes = ESCAPES_POSTGRES } },
};

typedef struct Row {
        int setting;
        const char *type, *text, *becomes; /* what is read, NULL, or the rule it breaks after a ! */
        enum { INSIDE, BORDER } at;        /* the last text that fits or the first that does not, or one just so */
} Row;

static const Row rows[] = {
        { USUAL, "boolean", "true", "true" },
        { USUAL, "boolean", "T", "true" },
        { USUAL, "boolean", "yes", "true" },
        { USUAL, "boolean", "1", "true" },
        { USUAL, "boolean", "off", "false" },
        { USUAL, "boolean", "", "NULL", BORDER },
        { USUAL, "boolean", "2", "!not_a_boolean" },
        { USUAL, "boolean", "ja", "!not_a_boolean" },
        { USUAL, "boolean", " TRUE ", "true", BORDER },
        { USUAL, "boolean", "01", "!not_a_boolean", BORDER },
        { WORDS, "boolean", "JA", "true" },
        { WORDS, "boolean", "nein", "false" },
        { WORDS, "boolean", "true", "!not_a_boolean" },
        { USUAL, "int", "42", "42" },
        { USUAL, "int", "-2147483648", "-2147483648", BORDER },
        { USUAL, "int", "2147483647", "2147483647", BORDER },
        { USUAL, "int", "-2147483649", "!out_of_range", BORDER },
        { USUAL, "int", "2147483648", "!out_of_range", BORDER },
        { USUAL, "int", "007", "7" },
        { USUAL, "int", "+5", "5" },
        { USUAL, "int", " 5 ", "5" },
        { USUAL, "int", "", "NULL", BORDER },
        { USUAL, "int", "\"\"", "!empty_quoted" },
        { USUAL, "int", "1.0", "!not_an_integer" },
        { USUAL, "int", "1e3", "!not_an_integer" },
        { USUAL, "int", "1,000", "!not_a_number" },
        { USUAL, "int", "12a", "!not_a_number" },
        { COMMA, "int", "1.234", "1234" },
        { COMMA, "int", "12.34", "!not_a_number" },
        { INDIAN, "int", "12,34,567", "1234567" },
        { INDIAN, "int", "1,234", "1234" },
        { INDIAN, "int", "12,345", "12345" },
        { INDIAN, "int", "1234567", "1234567" },
        { INDIAN, "int", "1,234,567", "!not_a_number" },
        { INDIAN, "int", "123,456", "!not_a_number" },
        { INDIAN, "int", "12,34", "!not_a_number" },
        { NULLS, "int", "NA", "NULL" },
        { NULLS, "int", "-", "NULL" },
        { USUAL, "bigint", "9223372036854775807", "9223372036854775807", BORDER },
        { USUAL, "bigint", "9223372036854775808", "!out_of_range", BORDER },
        { USUAL, "bigint", "-9223372036854775808", "-9223372036854775808", BORDER },
        { USUAL, "bigint", "-9223372036854775809", "!out_of_range", BORDER },
        { USUAL, "bigint", "9007199254740993", "9007199254740993" },
        { USUAL, "bigint", "1.5", "!not_an_integer" },
        { USUAL, "bigint", "9223372036854775807.0", "!not_an_integer" },
        { USUAL, "bigint", "12345678901234567890123", "!out_of_range" },
        { USUAL, "decimal(10,2)", "12.5", "12.50" },
        { USUAL, "decimal(10,2)", "12.500", "12.50" },
        { USUAL, "decimal(10,2)", "12.505", "!too_many_digits", BORDER },
        { USUAL, "decimal(10,2)", "123456789.00", "!out_of_range" },
        { USUAL, "decimal(10,2)", "99999999.99", "99999999.99", BORDER },
        { USUAL, "decimal(10,2)", "-99999999.99", "-99999999.99", BORDER },
        { USUAL, "decimal(10,2)", "100000000", "!out_of_range", BORDER },
        { USUAL, "decimal(10,2)", "99999999.995", "!too_many_digits", BORDER },
        { USUAL, "decimal(10,2)", "0.01", "0.01", BORDER },
        { USUAL, "decimal(10,2)", "0.001", "!too_many_digits", BORDER },
        { USUAL, "decimal(10,2)", "1.5e2", "150.00" },
        { USUAL, "decimal(10,2)", "$5", "!not_a_number" },
        { USUAL, "decimal(38,0)", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678" },
        { USUAL, "decimal(38,0)", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999", BORDER },
        { USUAL, "decimal(38,0)", "-99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", BORDER },
        { USUAL, "decimal(38,0)", "100000000000000000000000000000000000000", "!out_of_range", BORDER },
        { USUAL, "decimal(38,38)", "0.99999999999999999999999999999999999999", "0.99999999999999999999999999999999999999", BORDER },
        { USUAL, "decimal(38,38)", "1", "!out_of_range", BORDER },
        { COMMA, "decimal(10,2)", "1.234,50", "1234.50" },
        { COMMA, "decimal(10,2)", "1234,5", "1234.50" },
        { COMMA, "decimal(10,2)", "1,234.50", "!not_a_number" },
        { BLANKS, "decimal(10,2)", "1 234,50", "1234.50" },
        { BLANKS, "decimal(10,2)", "1\u00a0234,50", "1234.50" },
        { BLANKS, "decimal(10,2)", "1\u202f234\u202f567,50", "1234567.50" },
        { BLANKS, "decimal(10,2)", "12 34,50", "!not_a_number" },
        { APOSTROPHE, "decimal(10,2)", "1'234.50", "1234.50" },
        { APOSTROPHE, "decimal(10,2)", "1\u2019234.50", "1234.50" },
        { MONEY, "decimal(10,2)", "\u20ac 12.50", "12.50" },
        { MONEY, "decimal(10,2)", "12.50\u00a0EUR", "12.50" },
        { MONEY, "decimal(10,2)", "-\u20ac12.50", "-12.50" },
        { MONEY, "decimal(10,2)", "\u20ac-12.50", "-12.50" },
        { MONEY, "decimal(10,2)", "12.50", "12.50" },
        { MONEY, "decimal(10,2)", "12.50 USD", "!not_a_number" },
        { MONEY, "decimal(10,2)", "\u20ac 12.50 EUR", "!not_a_number" },
        { MONEY, "decimal(10,2)", "\u20ac", "!not_a_number" },
        { PERCENT, "decimal(10,2)", "12.5%", "12.50" },
        { PERCENT, "decimal(10,2)", "12.5 %", "12.50" },
        { PERCENT, "int", "12%", "12" },
        { FRACTION, "decimal(10,4)", "12.5%", "0.1250" },
        { FRACTION, "decimal(10,4)", "12.5", "12.5000" },
        { FRACTION, "double", "50%", "0.5" },
        { FRACTION, "int", "100%", "!not_an_integer" },
        { BRACKETS, "decimal(10,2)", "(12.50)", "-12.50" },
        { BRACKETS, "decimal(10,2)", "-12.50", "-12.50" },
        { BRACKETS, "decimal(10,2)", "(-12.50)", "!not_a_number" },
        { BRACKETS, "decimal(10,2)", "(12.50", "!not_a_number" },
        { BEHIND, "decimal(10,2)", "12.50-", "-12.50" },
        { BEHIND, "decimal(10,2)", "-12.50-", "!not_a_number" },
        { USUAL, "decimal(10,2)", "12.50-", "!not_a_number" },
        { USUAL, "decimal(10,2)", "\u221212.50", "-12.50" },
        { USUAL, "int", "\u22125", "-5" },
        { USUAL, "int", "\u2212-5", "!not_a_number" },
        { INDIAN, "decimal(12,2)", "12,34,567.89", "1234567.89" },
        { INDIAN, "decimal(12,2)", "-1,23,45,678.5", "-12345678.50" },
        { USUAL, "double", "0.1", "0.1" },
        { USUAL, "double", "1e308", "1e+308" },
        { USUAL, "double", "1e309", "!out_of_range", BORDER },
        { USUAL, "double", "1.7976931348623157e308", "1.7976931348623157e+308", BORDER },
        { USUAL, "double", "-1.7976931348623157e308", "-1.7976931348623157e+308", BORDER },
        { USUAL, "double", "1.797693134862315808e308", "!out_of_range", BORDER },
        { USUAL, "double", "5e-324", "4.94065645841247e-324", BORDER },
        { USUAL, "double", "9007199254740993", "9007199254740992", BORDER },
        { USUAL, "double", "nan", "nan" },
        { USUAL, "double", "0x10", "!not_a_number" },
        { USUAL, "float", "0.1", "0.1" },
        { USUAL, "float", "-1.5e3", "-1500" },
        { USUAL, "float", "-inf", "-inf" },
        { USUAL, "float", "", "NULL", BORDER },
        { USUAL, "float", "3.4028235e38", "3.4028235e+38", BORDER },
        { USUAL, "float", "3.4028236e38", "!out_of_range", BORDER },
        { USUAL, "float", "-3.4028236e38", "!out_of_range", BORDER },
        { USUAL, "float", "1e-45", "1.4013e-45", BORDER },
        { USUAL, "float", "16777217", "16777216", BORDER },
        { USUAL, "float", "1.00000005960464477539062500001", "1.0000001", BORDER },
        { USUAL, "float", "1e309", "!out_of_range" },
        { USUAL, "float", "1,5", "!not_a_number" },
        { USUAL, "float", "1.5f", "!not_a_number" },
        { COMMA, "float", "1.234,5", "1234.5" },
        { USUAL, "date", "2024-02-29", "2024-02-29", BORDER },
        { USUAL, "date", "2023-02-29", "!not_a_date", BORDER },
        { USUAL, "date", "2024-02-29 10:00:00", "!not_a_date" },
        { USUAL, "date", "29/02/2024", "!not_a_date" },
        { USUAL, "date", "0001-01-01", "0001-01-01", BORDER },
        { USUAL, "date", "9999-12-31", "9999-12-31", BORDER },
        { USUAL, "date", "0000-12-31", "!not_a_date", BORDER },
        { USUAL, "date", "10000-01-01", "!not_a_date", BORDER },
        { USUAL, "date", "2000-02-29", "2000-02-29", BORDER },
        { USUAL, "date", "1900-02-29", "!not_a_date", BORDER },
        { USUAL, "date", "2024-04-31", "!not_a_date", BORDER },
        { DAYS, "date", "29/02/2024", "2024-02-29" },
        { DAYS, "date", "29.02.2024", "2024-02-29" },
        { DAYS, "date", "02/29/2024", "!not_a_date" },
        { DAYS, "date", "2024-02-29", "!not_a_date" },
        { USUAL, "time", "23:59:59.5", "23:59:59.5" },
        { USUAL, "time", "24:00:00", "!not_a_time", BORDER },
        { USUAL, "time", "12:34", "12:34:00" },
        { USUAL, "time", "00:00:00", "00:00:00", BORDER },
        { USUAL, "time", "23:59:59.999999", "23:59:59.999999", BORDER },
        { USUAL, "time", "23:59:59.9999990", "23:59:59.999999", BORDER },
        { USUAL, "time", "23:59:59.9999999", "!not_a_time", BORDER },
        { USUAL, "time", "23:59:60", "!not_a_time", BORDER },
        { USUAL, "time", "23:60:00", "!not_a_time", BORDER },
        { USUAL, "time", "noon", "!not_a_time" },
        { USUAL, "time", "10:00:00Z", "!not_a_time" },
        { USUAL, "timestamp", "2024-02-29 10:11:12", "2024-02-29 10:11:12" },
        { USUAL, "timestamp", "2024-02-29T10:11:12.123456", "2024-02-29 10:11:12.123456" },
        { USUAL, "timestamp", "2024-02-29", "2024-02-29 00:00:00" },
        { USUAL, "timestamp", "2024-02-29 10:11:12Z", "!not_a_timestamp" },
        { USUAL, "timestamp", "0001-01-01 00:00:00", "0001-01-01 00:00:00", BORDER },
        { USUAL, "timestamp", "9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999", BORDER },
        { USUAL, "timestamp", "0000-12-31 23:59:59.999999", "!not_a_timestamp", BORDER },
        { USUAL, "timestamp", "10000-01-01 00:00:00", "!not_a_timestamp", BORDER },
        { USUAL, "timestamp", "9999-12-31 24:00:00", "!not_a_timestamp", BORDER },
        { CLOCK, "timestamp", "2/29/2024 1:05 PM", "2024-02-29 13:05:00" },
        { CLOCK, "timestamp", "29/2/2024 1:05 PM", "!not_a_timestamp" },
        { USUAL, "timestamptz", "2024-02-29 10:11:12+02:00", "2024-02-29 08:11:12+00" },
        { USUAL, "timestamptz", "2024-02-29 10:11:12", "!no_offset" },
        { USUAL, "timestamptz", "2024-02-29 10:11:12Z", "2024-02-29 10:11:12+00" },
        { USUAL, "timestamptz", "tomorrow", "!not_a_timestamp" },
        { USUAL, "timestamptz", "0001-01-01 00:00:00Z", "0001-01-01 00:00:00+00", BORDER },
        { USUAL, "timestamptz", "0001-01-01 01:59:59+02:00", "!out_of_range", BORDER },
        { USUAL, "timestamptz", "0001-01-01 02:00:00+02:00", "0001-01-01 00:00:00+00", BORDER },
        { USUAL, "timestamptz", "9999-12-31 23:59:59.999999Z", "9999-12-31 23:59:59.999999+00", BORDER },
        { USUAL, "timestamptz", "9999-12-31 22:00:00-02:00", "!out_of_range", BORDER },
        { USUAL, "timestamptz", "9999-12-31 21:59:59.999999-02:00", "9999-12-31 23:59:59.999999+00", BORDER },
        { USUAL, "timestamp Europe/Berlin", "2024-07-15 12:00:00", "2024-07-15 10:00:00+00" },
        { USUAL, "timestamp Europe/Berlin", "2024-01-15 12:00:00", "2024-01-15 11:00:00+00" },
        { USUAL, "timestamp Europe/Berlin", "2024-07-15 12:00:00Z", "2024-07-15 12:00:00+00" },
        { USUAL, "timestamp Europe/Berlin", "2024-03-31 01:59:59.999999", "2024-03-31 00:59:59.999999+00", BORDER },
        { USUAL, "timestamp Europe/Berlin", "2024-03-31 02:00:00", "!no_such_time", BORDER },
        { USUAL, "timestamp Europe/Berlin", "2024-03-31 02:59:59.999999", "!no_such_time", BORDER },
        { USUAL, "timestamp Europe/Berlin", "2024-03-31 03:00:00", "2024-03-31 01:00:00+00", BORDER },
        { USUAL, "timestamp Europe/Berlin", "2024-10-27 02:00:00", "2024-10-27 00:00:00+00", BORDER },
        { USUAL, "timestamp Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27 02:00:00+00", BORDER },
        { USUAL, "timestamp Europe/Berlin", "0001-01-01 00:00:00", "!out_of_range", BORDER },
        { USUAL, "timestamp Europe/Berlin", "9999-12-31 23:59:59", "9999-12-31 22:59:59+00", BORDER },
        { USUAL, "timestamp Europe/Berlin", "2024-02-30 10:00:00", "!not_a_timestamp" },
        { CLOCK, "timestamp Europe/Berlin", "7/15/2024 1:05 PM", "2024-07-15 11:05:00+00" },
        { SHORT, "date", "31.12.69", "2069-12-31" },
        { SHORT, "date", "01.02.70", "1970-02-01" },
        { SHORT, "date", "31.12.2069", "!not_a_date" },
        { OWN_COMMA, "decimal(10,2)", "1.234,50 EUR", "1234.50" },
        { OWN_COMMA, "decimal(10,2)", "1.5", "!not_a_number" },
        { USUAL, "uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6" },
        { USUAL, "uuid", "f81d4fae7dec11d0a76500a0c91e6bf6", "!not_a_uuid" },
        { USUAL, "uuid", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000", BORDER },
        { USUAL, "uuid", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "ffffffff-ffff-ffff-ffff-ffffffffffff", BORDER },
        { USUAL, "uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "!not_a_uuid", BORDER },
        { USUAL, "uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf60", "!not_a_uuid", BORDER },
        { USUAL, "uuid", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6", "!not_a_uuid" },
        { USUAL, "uuid", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "!not_a_uuid" },
        { USUAL, "binary", "\\x00FF", "\\x00ff" },
        { USUAL, "binary", "\\x", "\\x", BORDER },
        { USUAL, "binary", "00ff", "!not_binary" },
        { USUAL, "binary", "\\x00f", "!not_binary", BORDER },
        { USUAL, "binary", "\\X00", "!not_binary", BORDER },
        { USUAL, "binary", "\\xfg", "!not_binary", BORDER },
        { USUAL, "binary", "", "NULL", BORDER },
        { USUAL, "binary", "\"\"", "!empty_quoted" },
        { USUAL, "text", "007", "007" },
        { USUAL, "text", " a ", " a " },
        { USUAL, "text", "", "NULL", BORDER },
        { USUAL, "text", "\"\"", "", BORDER },
        { DUMP, "text", "a\\\\b", "a\\b" },
        { DUMP, "text", "\\N", "NULL", BORDER },
        { DUMP, "text", "a\\", "!bad_escape", BORDER },
        { DUMP, "text", "\\xff", "!bad_escape" },
        { NULLS, "text", "NA", "NULL" },
        { NULLS, "text", "\"NA\"", "NA" },
        { OWN, "int", "NA", "NULL" },
        { OWN, "int", "-5", "-5" },
        { OWN, "text", "-", "NULL" },
        { OWN, "text", "\"-\"", "-" },
        { OWN_EMPTY, "text", "\"\"", "NULL" },
        { OWN_EMPTY, "int", "\"\"", "NULL" },
        { OWN_JSON, "text", "\"NA\"", "NULL" },
        { OWN_JSON, "text", "\"NAB\"", "NAB" },
        { NONE, "text", "NA", "NA" },
        { USUAL, "list<int>", "[1, 2,null]", "[1,2,null]" },
        { USUAL, "list<int>", "[]", "[]", BORDER },
        { USUAL, "list<int>", "", "NULL" },
        { USUAL, "list<int>", "[1,\"2\"]", "[1,2]" },
        { USUAL, "list<int>", "[1,2.5]", "!not_an_integer" },
        { USUAL, "list<int>", "[1,\"x\"]", "!not_a_number" },
        { USUAL, "list<int>", "[1", "!bad_json", BORDER },
        { USUAL, "list<int>", "1", "!not_a_list" },
        { COMMA, "list<decimal(10,2)>", "[1.5,\"1,50\"]", "[1.50,1.50]" },
        { DAYS, "list<date>", "[\"29/02/2024\"]", "[\"2024-02-29\"]" },
        { USUAL, "list<text>", "[\"a\",1.50,true,[2],{\"k\": 3}]", "[\"a\",\"1.50\",\"true\",\"[2]\",\"{\\\"k\\\":3}\"]" },
        { USUAL, "list<text>", "[\"\",null]", "[\"\",null]" },
        { NULLS, "list<int>", "[\"NA\",\"-\",1]", "[null,null,1]" },
        { OWN_JSON, "list<text>", "[\"NA\",\"b\"]", "[null,\"b\"]" },
        { USUAL, "struct<street text, no int>", "{\"street\":\"S\",\"no\":7}", "{\"street\":\"S\",\"no\":7}" },
        { USUAL, "struct<street text, no int>", "{\"NO\":\"7\"}", "{\"street\":null,\"no\":7}" },
        { USUAL, "struct<street text, no int>", "{}", "{\"street\":null,\"no\":null}", BORDER },
        { USUAL, "struct<street text, no int>", "{\"no\":1,\"no\":2}", "!bad_json" },
        { USUAL, "struct<street text, no int>", "[1]", "!not_a_struct" },
        { USUAL, "list<struct<sku text, at date>>", "[{\"at\":\"2024-02-29\"},null]", "[{\"sku\":null,\"at\":\"2024-02-29\"},null]" },
        { USUAL, "list<struct<sku text, at date>>", "[{\"at\":\"2024-02-30\"}]", "!not_a_date" },
};

/* The type that a row declares; `timestamp ZONE` with the zone's file, NOT_FOUND where no tz database is. */
static Status declared(Test *t, const Row *row, SourceColumn *column) {
        Str text = str_of(row->type);
        if (!str_starts_with(text, STR("timestamp ")))
                return type_parse_nested(&t->arena, text, &column->type, &t->err);
        column->type = (Type){ .kind = TYPE_TIMESTAMPTZ };
        column->zone = str_slice(text, strlen("timestamp "), text.size);
        const char *path = arena_printf(&t->arena, "/usr/share/zoneinfo/%.*s", STR_ARG(column->zone));
        return file_read(path, ZONE_FILE_MAX, &t->arena, &column->zone_file, &t->err);
}

static Str answer(Test *t, const Row *row, SourceColumn column) {
        TypingRules rules;
        Typing typing;
        Value value = { 0 };
        bool null;
        Format source = settings[row->setting].format;
        const Format *format = &source;
        if (settings[row->setting].of_column) {
                column.has_nulls = true;
                column.nulls = source.nulls;
                column.decimal = source.decimal == ',' ? ',' : 0;
                column.thousands = source.thousands;
                column.has_thousands = source.thousands != 0;
                column.has_currency = source.currency.count > 0;
                column.currency = source.currency;
                source.nulls = (StrList){ others, COUNT_OF(others) };
                source.currency = (StrList){ 0 };
                source.decimal = '.';
                source.thousands = 0;
        }
        if (format_check(format, &t->err) != STATUS_OK || typing_rules_init(&rules, format, &t->arena, &t->err) != STATUS_OK ||
            typing_init(&typing, &rules, &column, &t->arena, &t->err) != STATUS_OK)
                return str_of(t->err.message);
        Rule rule = typing_value(&typing, str_of(row->text), &t->arena, &value, &null);
        if (rule != RULE_NONE)
                return arena_strf(&t->arena, "!%s", rule_name(rule));
        return null ? STR("NULL") : typing_print(&typing, value, &t->arena);
}

TEST(every_type_takes_what_it_can_hold_and_names_the_rule_of_the_rest) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                SourceColumn column = { .name = STR("c") };
                Status status = declared(t, &rows[i], &column);
                if (status == STATUS_NOT_FOUND)
                        continue; /* no tz database here */
                CHECK_STATUS(status, STATUS_OK);
                Str got = answer(t, &rows[i], column);
                if (!str_is(got, rows[i].becomes))
                        test_fail(t, __FILE__, __LINE__, "%s '%s' with %s gives %.*s, wanted %s", rows[i].type, rows[i].text,
                                  settings[rows[i].setting].words, STR_ARG(got), rows[i].becomes);
        }
}

static const char *const kinds[] = {
#define X(name, text, iceberg, duckdb) text,
        TYPE_TABLE(X)
#undef X
        "timestamp ZONE",
};

static size_t kind_of(Test *t, const Row *row) {
        SourceColumn column = { 0 };
        if (str_starts_with(str_of(row->type), STR("timestamp ")))
                return COUNT_OF(kinds) - 1;
        return declared(t, row, &column) == STATUS_OK ? (size_t)column.type.kind : TYPE_MAP;
}

TEST(every_type_that_can_be_declared_has_good_border_and_bad_texts) {
        size_t good[COUNT_OF(kinds)] = { 0 }, border[COUNT_OF(kinds)] = { 0 }, bad[COUNT_OF(kinds)] = { 0 };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                size_t *counts = rows[i].at == BORDER ? border : rows[i].becomes[0] == '!' ? bad : good;
                counts[kind_of(t, &rows[i])]++;
        }
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
                Type type;
                if (i == TYPE_MAP) { /* a map is read from Parquet and Avro, and no text is one */
                        CHECK_STATUS(type_parse_nested(&t->arena, STR("map<text, int>"), &type, &t->err), STATUS_BAD_VALUE);
                        CHECK(good[i] + border[i] + bad[i] == 0);
                } else if (!good[i] || !border[i] || !bad[i]) {
                        test_fail(t, __FILE__, __LINE__, "%s has %zu good, %zu border and %zu bad texts", kinds[i], good[i], border[i], bad[i]);
                }
        }
}

/* --- the page --- */

static void print_text(Buf *out, const char *text) {
        if (!*text) {
                buf_append_cstr(out, "(nothing)");
                return;
        }
        buf_append_byte(out, '`');
        for (; *text; text++) {
                if (*text == '|')
                        buf_append_byte(out, '\\');
                buf_append_byte(out, *text);
        }
        buf_append_byte(out, '`');
}

static void print_page(Buf *out) {
        buf_append_cstr(out,
                        "# Types\n\n"
                        "What becomes of a field's text, by the type that its column is declared to have and by what the source says of\n"
                        "texts. Nothing is rounded, cut or guessed: what does not fit goes to quarantine with the rule it breaks. (A `float` and a\n"
                        "`double` are the binary number nearest to the text, by what they are; `decimal`, `bigint` and `text` keep each digit.) This\n"
                        "page is printed from the table that a test tries. Values inside lists and structs stand in JSON: numbers and words are read\n"
                        "as JSON writes them, texts as the source says.\n\n"
                        "A year of two digits (`yy`) is 1970 to 2069: 69 is 2069, and 70 is 1970. Times are of the years 1 to 9999, and so are they\n"
                        "in UTC. A minus may be the typographer's (U+2212).\n\n"
                        "| type | the source says | text | becomes |\n|---|---|---|---|\n");
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                const Row *row = &rows[i];
                buf_printf(out, "| %s | ", row->type);
                if (settings[row->setting].words[0])
                        print_text(out, settings[row->setting].words);
                buf_append_cstr(out, " | ");
                print_text(out, row->text);
                buf_append_cstr(out, " | ");
                if (row->becomes[0] == '!')
                        buf_printf(out, "quarantine: %s", row->becomes + 1);
                else if (strcmp(row->becomes, "NULL") == 0)
                        buf_append_cstr(out, "NULL");
                else if (row->becomes[0] == 0)
                        buf_append_cstr(out, "the empty text");
                else
                        print_text(out, row->becomes);
                buf_append_cstr(out, " |\n");
        }
        buf_append_cstr(out,
                        "\n## How one column is written\n\n"
                        "`decimal`, `thousands`, `currency`, `dates` and `nulls` of a source hold for all its columns. One that is written otherwise\n"
                        "says so behind its type: `fee: decimal(12,2) decimal(\",\") thousands(\".\") currency(EUR)`,\n"
                        "`paid: date(dd/MM/yyyy)`, `score: int nulls(NA)`. A column with a decimal point of its own has no thousands but its own.\n\n"
                        "## Years of two digits\n\n"
                        "`yy` is 1970 to 2069: `69` is 2069, `70` is 1970. It is one rule for all files, and no year is guessed from the others. Dates\n"
                        "of birth before 1970 need four digits; a column of them with two is better kept as text.\n\n"
                        "## Local times\n\n"
                        "`timestamp Europe/Berlin` reads texts without an offset as local times of that zone, by the tz database.\n\n"
                        "- In autumn an hour comes twice, and the text does not say which of both it means. The **first** is taken, before the clocks\n"
                        "  went back, and `lode run` says of each delivery and column how many values were in that hour, with the first of them.\n"
                        "- In spring an hour is skipped. A time in it never was: quarantine, `no_such_time`.\n"
                        "- A text with an offset says which hour it means, and nothing of this holds for it.\n\n"
                        "## What no eye sees\n\n"
                        "Text is kept as it is, blanks included. A byte order mark, a zero-width or a no-break space at its edges is kept too, and\n"
                        "makes it another text than the one without: a join or a key does not find it. So it is told: `lode add` doubts the column and\n"
                        "counts the values, `lode run` says of each delivery and column how many there are, with the first, as `<U+200B>A3`. A byte\n"
                        "order mark where a file or a record begins is no part of its first field.\n");
}

TEST(the_manual_of_types_is_what_the_table_prints) {
        CLEANUP(buf_deinit) Buf page = { 0 };
        const char *path = path_join(&t->arena, path_dir(&t->arena, __FILE__), "../../docs/types.md");
        print_page(&page);
        if (getenv("LODE_UPDATE"))
                CHECK_OK(file_write_text(path, buf_view(&page), &t->err));
        Str kept;
        if (file_read(path, 1 << 20, &t->arena, &kept, &t->err) == STATUS_NOT_FOUND) {
                test_skip(t, "the sources are not here");
                return;
        }
        if (!str_equal(kept, buf_view(&page)))
                test_fail(t, __FILE__, __LINE__, "docs/types.md is stale: run this test with LODE_UPDATE=1");
}
