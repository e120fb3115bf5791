/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/encoding_guess.h"

#include "base/test.h"
#include "frame/input.h"

/* In pieces of `piece` bytes, as a delivery comes; the rest of a letter waits for the next piece. */
static Str decode(Test *t, const Encoding *encoding, Str raw, size_t piece) {
        char *out = arena_alloc_raw(&t->arena, raw.size * ENCODING_GROWTH + 1);
        size_t size = 0, at = 0, end = 0;
        while (at < raw.size || end < raw.size) {
                size_t made;
                end = end + piece < raw.size ? end + piece : raw.size;
                at += encoding_decode(encoding, str_slice(raw, at, end), end == raw.size, out + size, &made);
                size += made;
        }
        return (Str){ out, size };
}

TEST(letters_come_as_UTF_8_and_bytes_that_mean_nothing_as_marks) {
        static const struct {
                const char *encoding;
                Str raw;
                Str text;
        } cases[] = {
                { "cp1252", STR("caf\xe9 \x80 \x93hi\x94"), STR("caf\u00e9 \u20ac \u201chi\u201d") },
                { "cp1252", STR("a\x81"
                                "b\x9d"),
                  STR("a\xff"
                      "b\xff") },
                { "latin1", STR("\x93\xe9"), STR("\u201c\u00e9") },
                { "shift_jis", STR("\x83\x5c\x82\xa0\xb1,"), STR("\u30bd\u3042\uff71,") },
                { "shift_jis", STR("\x83,\x80\xff"), STR("\xff,\xff\xff") },
                { "shift_jis", STR("\x82"), STR("\xff") },
                { "gbk", STR("\xd6\xd0\xce\xc4|"), STR("\u4e2d\u6587|") },
                { "gb18030", STR("\x81\x30\x81\x30\x95\x32\x82\x36\xa2\xe3"), STR("\xc2\x80\U00020000\u20ac") },
                { "gb18030", STR("\x81\x30,"), STR("\xff"
                                                   "0,") },
                { "gb18030", STR("\xfe\x39\xfe\x39"), STR("\xff"
                                                          "9\xff"
                                                          "9") },
                { "euc-kr", STR("\xc7\xd1\xb1\xdb"), STR("\ud55c\uae00") },
                { "big5", STR("\xa4\xa4\xa4\xe5"), STR("\u4e2d\u6587") },
                { "euc-jp", STR("\xa4\xa2\x8e\xb1\x8f\xb0\xa1"), STR("\u3042\uff71\u4e02") },
                { "euc-jp", STR("\x8f\xb0,"), STR("\xff\xff,") },
                { "utf-16le", STR("a\0\x3d\xd8\x00\xde\n\0"), STR("a\U0001f600\n") },
                { "utf-16be", STR("\0a\xd8\x3d\xde\0"), STR("a\U0001f600") },
                { "utf-16le", STR("\x00\xdc"
                                  "a\0\x3d\xd8"
                                  "b\0c"),
                  STR("\xff\xff"
                      "a\xff\xff"
                      "b\xff") },
                { "utf-16be", STR("\0\0\xfe\xff"), STR("\0\ufeff") },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const Encoding *encoding = encoding_find(str_of(cases[i].encoding));
                EncodingSizes *sizes = encoding_sizes_new(encoding);
                for (size_t piece = 1; piece < 9; piece++)
                        CHECK_STR(decode(t, encoding, cases[i].raw, piece), cases[i].text);
                CHECK_INT((int64_t)encoding_raw_size(sizes, cases[i].text), (int64_t)cases[i].raw.size);
                encoding_sizes_free(sizes);
        }
}

TEST(names_are_what_people_write) {
        static const struct {
                const char *written, *name;
        } cases[] = {
                { "", "utf-8" },           { "UTF8", "utf-8" },         { "utf_16", "utf-16" },   { "UTF-16LE", "utf-16le" },
                { "ISO-8859-1", "latin1" }, { "Latin-1", "latin1" },     { "windows-1252", "cp1252" }, { "CP1252", "cp1252" },
                { "Shift-JIS", "shift_jis" }, { "sjis", "shift_jis" },  { "cp932", "shift_jis" }, { "GB2312", "gbk" },
                { "gb18030", "gbk" },      { "EUC_KR", "euc-kr" },      { "cp949", "euc-kr" },    { "Big5", "big5" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STR(encoding_name(encoding_find(str_of(cases[i].written))), str_of(cases[i].name));
        static const char *const unknown[] = { "utf-9", "latn1", "-", "utf8\xc3\xa9", "a name that is much too long to be one of these" };
        for (size_t i = 0; i < COUNT_OF(unknown); i++)
                CHECK(encoding_find(str_of(unknown[i])) == NULL);
        CHECK_STR(encoding_nearest(STR("utf-9")), STR("utf-8"));
        CHECK_STR(encoding_nearest(STR("shiftjis_")), STR("shift_jis"));
}

TEST(a_mark_says_more_than_a_source_and_zeros_tell_the_order) {
        static const struct {
                const char *said;
                Str head;
                const char *name;
        } cases[] = {
                { "cp1252", STR("\xef\xbb\xbfx"), "utf-8" },
                { "utf-8", STR("\xff\xfex\0"), "utf-16le" },
                { "utf-16", STR("\xfe\xff\0x"), "utf-16be" },
                { "utf-16", STR("\0x\0y"), "utf-16be" },
                { "utf-16", STR("x\0y\0"), "utf-16le" },
                { "big5", STR("x"), "big5" },
                { "utf-8", STR(""), "utf-8" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STR(encoding_name(encoding_of_text(encoding_find(str_of(cases[i].said)), cases[i].head)), str_of(cases[i].name));
}

TEST(an_encoding_is_guessed_by_the_sense_that_its_text_makes_and_said) {
        static const struct {
                Str raw;
                const char *name;
                bool doubt;
        } cases[] = {
                { STR("a,b\n1,2\n"), "utf-8", false },
                { STR("name\nZo\xc3\xab\n"), "utf-8", false },
                { STR("\xff\xfe"
                      "a\0\n\0"),
                  "utf-16", false },
                { STR("a\0,\0b\0\n\0"
                      "1\0,\0"
                      "2\0\n\0"),
                  "utf-16le", true },
                { STR("\0a\0,\0b\0\n"), "utf-16be", true },
                { STR("id,name\r\n123,#TEST1\r\n4\"T;\0\r\r"), "utf-8", false },
                { STR("name,city\nJos\xe9,M\xe1laga\nS\xf8ren,K\xf8" "benhavn\n"), "latin1", true },
                { STR("name,price\n\x93Zo\xeb\x94,\x80 5\nJos\xe9,\x80 6\n"), "cp1252", true },
                { STR("\xcc\xee\xf1\xea\xe2\xe0,\xd0\xee\xf1\xf1\xe8\xff\n"), "cp1251", true },
                { STR("\x93\x8c\x8b\x9e\x82\xcc\x83\x5c\x83\x6a\x81[,\x82\xa0\x82\xe8\n"), "shift_jis", true },
                { STR("\xd6\xd0\xb9\xfa\xb5\xc4\xb3\xc7\xca\xd0,\xb1\xb1\xbe\xa9\xca\xd0\n"), "gbk", true },
                { STR("\xc7\xd1\xb1\xdb,\xb4\xeb\xc7\xd1\xb9\xce\xb1\xb9\n"), "euc-kr", true },
                { STR("\xa4\xa4\xa5\xc1\xb0\xea,\xbb\x4f\xa5\x5f\xa5\xab\n"), "big5", true },
                { STR("\xa4\xb3\xa4\xec\xa4\xcf\xc6\xfc\xcb\xdc,\xa5\xc6\xa5\xb9\xa5\xc8\n"), "euc-jp", true },
                { STR("\x93\xfa\x95t,\x8c\xda\x8bq\x96\xbc,\x8b\xe0\x8az\n2024/03/01,\x93" "c\x92\x86\x91\xbe\x98Y,1230\n"), "shift_jis", true }, /* no kana, as in a table of names and amounts */
                { STR("\x93\xfa\x95t,\x98" "a\x97\xef\n2024/03/01,\x97\xdf\x98" "a6\x94N3\x8c\x8e" "1\x93\xfa\n"), "shift_jis", true },
                { STR("\xc6\xfc\xc9\xd5,\xb8\xdc\xb5\xd2\xcc\xbe,\xb6\xe2\xb3\xdb\n2024/03/01,\xc5\xc4\xc3\xe6\xc2\xc0\xcf\xba,1230\n"), "euc-jp", true },
                { STR("\xc8\xd5\xc6\xda,\xbf\xcd\xbb\xa7,\xbd\xf0\xb6\xee\n2024/03/01,\xb1\xb1\xbe\xa9\xb9\xab\xcb\xbe,1230\n"), "gbk", true },
                { STR("k\x81hl,gr\x81n,\x84hnlich\n"), "cp850", true },
                { STR("\x01\x81\xfe\x03\xff\xff\x80\x90\x8d\xff"), "utf-8", true },
                { STR("a,b\n1,in_\xff\xff_valid\n"), "utf-8", true },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                EncodingGuess guess;
                encoding_guess(cases[i].raw, true, &t->arena, &guess);
                CHECK_STR(encoding_name(guess.encoding), str_of(cases[i].name));
                CHECK(cases[i].doubt == (guess.what.size > 0));
        }
}

/* The bytes of a text in an encoding of one byte a letter. */
static Str encoded(Test *t, const char *name, const char *text) {
        const Encoding *encoding = encoding_find(str_of(name));
        Str from = str_of(text);
        char *raw = arena_alloc(&t->arena, from.size + 1);
        size_t size = 0;
        for (size_t at = 0; at < from.size; size++) {
                uint32_t wanted, point;
                at += utf8_decode(from, at, &wanted);
                for (int byte = 0; byte < 256; byte++) {
                        char c = (char)byte;
                        encoding_letter(encoding, (Str){ &c, 1 }, 0, &point);
                        if (point == wanted)
                                raw[size] = c;
                }
                if (raw[size] == 0)
                        test_fail(t, __FILE__, __LINE__, "%s has no letter U+%04x", name, wanted);
        }
        return (Str){ raw, size };
}

static Str decoded(Test *t, const Encoding *encoding, Str raw) {
        char *text = arena_alloc(&t->arena, raw.size * ENCODING_GROWTH + 1);
        size_t size;
        encoding_decode(encoding, raw, true, text, &size);
        return (Str){ text, size };
}

TEST(text_of_mainframes_is_told_by_its_bytes) {
        static const struct {
                Str raw;
                bool ebcdic;
        } cases[] = {
                { STR("\xf0\xf0\xf1\xc1\xd5\xd5\x40\xe2\xd4\xc9\xe3\xc8\x40\x40\x40\xf1\xf2\xf3\x25"), true },
                { STR("\xf0\xf0\xf1\xc1\xd5\xd5\xd5\xd5"), false }, /* too short to tell */
                { STR("\xcc\xee\xf1\xea\xe2\xe0,\xd0\xee\xf1\xf1\xe8\xff;\xcc\xee\xf1\xea\n"), false },
                { STR("id,mail\n1,a@@@@@@@@@@@@@@@\n"), false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK(encoding_is_ebcdic(cases[i].raw) == cases[i].ebcdic);
}

/* Words as they stand in columns: names, places, days. What is guessed reads them as what they are, whatever it is called. */
TEST(words_of_a_language_are_read_as_that_language) {
        static const struct {
                const char *encodings, *text;
        } cases[] = {
                { "cp1250 iso-8859-2", "miasto\nŁódź\nKraków\nGdańsk\nWrocław\nŻyrardów\nCzęstochowa\n" },
                { "cp1250 iso-8859-2", "imię,ulica\nMałgorzata,Świętojańska\nPaweł,Długa\nJózef,Źródlana\nGrażyna,Łąkowa\n" },
                { "cp1250 iso-8859-2", "produkt;uwagi\nmąka;zażółć gęślą jaźń\nsól;proszę dostarczyć później\n" },
                { "cp1250 iso-8859-2", "jméno,město\nJiří,Plzeň\nŽofie,České Budějovice\nTomáš,Ústí nad Labem\nDvořák,Třebíč\n" },
                { "cp1250 iso-8859-2", "den\npondělí\núterý\nstředa\nčtvrtek\npátek\nneděle\nříjen\nzáří\nčervenec\n" },
                { "cp1250 iso-8859-2", "mesto\nŽilina\nPrešov\nTrenčín\nKošice\nBanská Štiavnica\nMichalovce\nĽubovňa\nkôň\n" },
                { "cp1250 iso-8859-2", "név,város\nSzűcs,Győr\nKovács István,Székesfehérvár\nErdős,Hódmezővásárhely\nÖrdög Tünde,Szőlős\n" },
                { "cp1250 iso-8859-2", "grad\nČakovec\nŠibenik\nPožega\nVukovar\nĐakovo\nVaraždin\n" },
                { "cp1251 koi8-r", "имя,город\nИван Петров,Москва\nОльга Щербакова,Нижний Новгород\nЮрий,Санкт-Петербург\n" },
                { "cp1251 koi8-r", "товар,цена\nмолоко,12\nхлеб чёрный,7\nяйца,90\nшоколад,55\n" },
                { "cp1251", "місто\nКиїв\nХарків\nЧернігів\nЗапоріжжя\nІвано-Франківськ\n" },
                { "cp1252 cp850 macroman", "Name;Straße;Ort\nMüller;Königsallee 3;Düsseldorf\nJäger;Große Straße;Köln\nSchröder;Höhenweg;Nürnberg\n" },
                { "cp1252 cp850 macroman", "nom,ville\nHélène,Besançon\nFrançois,Sète\nBenoît,Nîmes\nZoé,Évreux\nJérôme,Orléans\nà côté,Château-Thierry\n" },
                { "cp1252 cp850 macroman", "nombre,ciudad\nMuñoz,Málaga\nGarcía,León\nPeña,Cádiz\nRodríguez,Córdoba\nÁngel,Logroño\n" },
                { "cp1252", "place\nB\u00e9ja\u00efa\nTizi Ouzou\nB\u00e9ja\u00efa\n" },
                { "cp1252", "cidade\nSão Paulo\nBrasília\nGoiânia\nMaceió\nSantarém\nPoções\nCuiabá\nConceição\n" },
                { "cp1252", "città,perché\nForlì,è così\nCantù,già\nMondovì,più\n" },
                { "cp1252 cp850 macroman", "by\nKøbenhavn\nÅrhus\nHelsingør\nNæstved\nKøge\nÆrøskøbing\nSønderborg\n" },
                { "cp1252 cp850 macroman", "ort\nMalmö\nGöteborg\nÖrebro\nVästerås\nLinköping\nJyväskylä\n" },
                { "cp1252", "borg\nReykjavík\nÍsafjörður\nKópavogur\nHafnarfjörður\nÞingvellir\nEgilsstaðir\n" },
                { "cp1252", "name,land\nJosé,España\nSøren,Danmark\nZoë,België\nJürgen,Österreich\nFrançois,Genève\n" },
                { "cp1254 iso-8859-9", "şehir,isim\nİstanbul,Ayşe Yılmaz\nŞanlıurfa,Çağla\nMuğla,Işık\nDiyarbakır,Gökçe Öztürk\nIğdır,Tuğba\n" },
                { "cp1253 iso-8859-7", "πόλη,όνομα\nΑθήνα,Γιώργος\nΘεσσαλονίκη,Ελένη\nΠάτρα,Παπαδόπουλος\nΗράκλειο,Νίκος\n" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str name, rest = str_of(cases[i].encodings);
                while (rest.size > 0) {
                        str_cut(rest, ' ', &name, &rest);
                        Str raw = encoded(t, arena_cstr(&t->arena, name), cases[i].text);
                        EncodingGuess guess;
                        encoding_guess(raw, true, &t->arena, &guess);
                        if (!str_is(decoded(t, guess.encoding, raw), cases[i].text))
                                test_fail(t, __FILE__, __LINE__, "case %zu in %.*s is taken for %.*s: %.*s", i, STR_ARG(name), STR_ARG(encoding_name(guess.encoding)),
                                          STR_ARG(guess.what));
                }
        }
}

TEST(what_nothing_tells_is_left_to_a_person_with_the_candidates_named) {
        EncodingGuess guess;
        static const char *const texts[] = { "a,b\nx\xe8y,1\n", "n\n\xb3\n\xb9\n", "name\n\xf8\n" };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                encoding_guess(str_of(texts[i]), true, &t->arena, &guess);
                bool named = str_find(guess.what, STR("nothing tells which")) < guess.what.size && str_find(guess.assumed, STR("or encoding: ")) < guess.assumed.size;
                if (encoding_is_utf8(guess.encoding) && !named)
                        test_fail(t, __FILE__, __LINE__, "case %zu: %.*s; %.*s", i, STR_ARG(guess.what), STR_ARG(guess.assumed));
        }
}

TEST(text_that_is_half_utf8_is_utf8_with_records_that_are_not) {
        static const char *const texts[] = {
                "name\nZoë\nMüller\nJ\xfcrgen\n",                       /* one in Latin-1 */
                "name\nZoë\nMüller\nJ\xfcrgen\nGr\xf6\xdf" "e\nK\xf6ln\n", /* as many and more */
                "miasto\nŁódź\nKraków\nGda\xf1sk\nWroc\xb3" "aw\n",
                "имя\nИван\n\xc8\xe2\xe0\xed\nОльга\n",
        };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                EncodingGuess guess;
                encoding_guess(str_of(texts[i]), true, &t->arena, &guess);
                if (!encoding_is_utf8(guess.encoding))
                        test_fail(t, __FILE__, __LINE__, "case %zu is taken for %.*s", i, STR_ARG(encoding_name(guess.encoding)));
        }
}

/* A text without an end; the context counts its bytes. */
static Status read_endless(void *context, void *into, size_t size, size_t *out_got, Error *err UNUSED) {
        *(uint64_t *)context += size;
        memset(into, 'a', size);
        *out_got = size;
        return STATUS_OK;
}

static Status read_endless_at(void *context, uint64_t offset UNUSED, void *into, size_t size, size_t *out_got, Error *err) {
        return *(uint64_t *)context > 1u << 24 ? error_set(err, STATUS_INTERNAL, "too much is read") : read_endless(context, into, size, out_got, err);
}

TEST(looking_whether_all_is_utf8_ends_where_reading_must) {
        uint64_t bytes = 0;
        Source source = { .read = read_endless, .context = &bytes, .read_at = read_endless_at, .size = UINT64_MAX };
        Format format = { .encoding = STR("latin1") };
        CLEANUP(input_freep) Input *input = input_new();
        CHECK_OK(input_start_text(input, source, &format, 1u << 20, &t->err));
        CHECK(bytes < 1u << 22);
}
