/*
 * Each body is fed in two pieces, split at every byte, and byte by byte: what comes out
 * must not depend on the pieces.
 */
#include "dff_test.h"

#include "dff_multipart.h"

#define BOUNDARY  "xYz"
#define HEAD(name)  "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define MAX_PARTS  4

typedef struct {
    char   text[4096];
    size_t len;
    bool   open;
    size_t stop_at;         /* data() fails at that many bytes; 0: never */
} seen_t;

static void
add(seen_t *seen, const char *data, size_t len)
{
    assert_true(seen->len + len < sizeof(seen->text));
    memcpy(seen->text + seen->len, data, len);
    seen->len += len;
    seen->text[seen->len] = '\0';
}

static void
add_field(seen_t *seen, const char *label, dff_str_t value)
{
    add(seen, label, strlen(label));
    if (value.len > 0)
        add(seen, value.data, value.len);
}

static int
on_begin(void *ctx, const dff_multipart_part_t *part)
{
    seen_t *seen = ctx;

    assert_false(seen->open);
    seen->open = true;
    add_field(seen, "[", part->name);
    if (part->is_file)
        add_field(seen, "|f=", part->filename);
    if (part->type.len > 0)
        add_field(seen, "|t=", part->type);
    if (part->encoding.len > 0)
        add_field(seen, "|e=", part->encoding);
    add(seen, "]", 1);
    return DFF_OK;
}

static int
on_data(void *ctx, const char *data, size_t len)
{
    seen_t *seen = ctx;

    assert_true(seen->open);
    assert_true(len > 0);
    add(seen, data, len);
    return seen->stop_at > 0 && seen->len >= seen->stop_at ? DFF_ERROR : DFF_OK;
}

static int
on_end(void *ctx)
{
    seen_t *seen = ctx;

    assert_true(seen->open);
    seen->open = false;
    add(seen, ";", 1);
    return DFF_OK;
}

static const dff_multipart_handlers_t handlers = { on_begin, on_data, on_end };

/* Fed as pieces that end at each of count offsets. */
static int
feed(dff_multipart_t *reader, seen_t *seen, dff_str_t body, const size_t *ends, size_t count)
{
    size_t at = 0, i;
    int    rc = DFF_OK;

    *seen = (seen_t) { .stop_at = seen->stop_at };
    dff_multipart_init(reader, DFF_STR(BOUNDARY), MAX_PARTS, &handlers, seen);
    for (i = 0; i < count && rc == DFF_OK; i++) {
        dff_str_t piece = dff_test_exact((dff_str_t) { body.data + at, ends[i] - at });

        rc = dff_multipart_feed(reader, piece.data, piece.len);
        dff_test_free(piece);
        at = ends[i];
    }
    return rc == DFF_OK ? dff_multipart_finish(reader) : rc;
}

typedef struct {
    const char *name;
    dff_str_t   body;
    const char *parts;      /* what the callbacks make of it; NULL: not looked at */
    const char *why;        /* NULL: accepted */
} body_case_t;

#define BODY(text)  { text, sizeof(text) - 1 }

static const body_case_t bodies[] = {
    { "empty", BODY(""), "", "its boundary does not occur in it, at byte 0" },
    { "no boundary in it", BODY("hello"), "", "its boundary does not occur in it, at byte 5" },
    { "nothing but the end", BODY("--xYz--"), "", NULL },
    { "one field", BODY("--xYz\r\n" HEAD("a") "1\r\n--xYz--\r\n"), "[a]1;", NULL },
    { "no CRLF behind the end", BODY("--xYz\r\n" HEAD("a") "1\r\n--xYz--"), "[a]1;", NULL },
    { "two fields of a name", BODY("--xYz\r\n" HEAD("a") "1\r\n--xYz\r\n" HEAD("a")
      "2\r\n--xYz--\r\n"), "[a]1;[a]2;", NULL },
    { "empty content", BODY("--xYz\r\n" HEAD("a") "\r\n--xYz--\r\n"), "[a];", NULL },
    { "no content and no line for it", BODY("--xYz\r\n" HEAD("a") "--xYz--\r\n"), "[a];", NULL },
    { "content that begins like a delimiter", BODY("--xYz\r\n" HEAD("a") "--xY\r\n--xYz--\r\n"),
      "[a]--xY;", NULL },
    { "preamble and epilogue", BODY("preamble\r\n--xYz\r\n" HEAD("a")
      "1\r\n--xYz--\r\nepi\r\n--xYz"), "[a]1;", NULL },
    { "preamble that is almost a delimiter", BODY("--xY\r\n--xYz\r\n" HEAD("a") "1\r\n--xYz--"),
      "[a]1;", NULL },
    { "blanks behind a boundary", BODY("--xYz \t\r\n" HEAD("a") "1\r\n--xYz-- \r\n"),
      "[a]1;", NULL },
    { "content that almost has a delimiter",
      BODY("--xYz\r\n" HEAD("a") "\r\r\n-\r\n--\r\n--xY\r\n--xYZ\r\n\r\n--xYz--\r\n"),
      "[a]\r\r\n-\r\n--\r\n--xY\r\n--xYZ\r\n;", NULL },
    { "nothing but CRs", BODY("--xYz\r\n" HEAD("a") "\r\r\r\r\r\n--xYz--\r\n"), "[a]\r\r\r\r;",
      NULL },
    { "LFs in content", BODY("--xYz\r\n" HEAD("a") "\n\n--xYz\n\r\n--xYz--\r\n"),
      "[a]\n\n--xYz\n;", NULL },
    { "a file", BODY("--xYz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: binary\r\n\r\n"
      "abc\r\n--xYz--\r\n"), "[f|f=a.txt|t=text/plain|e=binary]abc;", NULL },
    { "header names in any case, other headers",
      BODY("--xYz\r\nX-A: b\r\ncontent-DISPOSITION:form-data;name=a\r\n\r\n1\r\n--xYz--"),
      "[a]1;", NULL },

    { "no head at all", BODY("--xYz\r\n\r\n1\r\n--xYz--"), "",
      "part 1 has no Content-Disposition, at byte 8" },
    { "no name", BODY("--xYz\r\nContent-Disposition: form-data\r\n\r\n1\r\n--xYz--"), "",
      "part 1 has no name, at byte 40" },
    { "second part without a name", BODY("--xYz\r\n" HEAD("a") "1\r\n--xYz\r\n"
      "Content-Disposition: form-data; filename=\"b\"\r\n\r\n1\r\n--xYz--"), "[a]1;",
      "part 2 has no name, at byte 108" },
    { "another disposition", BODY("--xYz\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1"),
      "", "part 1 has a Content-Disposition that is not form-data, at byte 51" },
    { "almost form-data", BODY("--xYz\r\nContent-Disposition: form-datax; name=\"a\"\r\n\r\n1"),
      "", "part 1 has a Content-Disposition that is not form-data, at byte 51" },
    { "name twice", BODY("--xYz\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1"),
      "", "part 1 has a malformed Content-Disposition, at byte 56" },
    { "quote not closed", BODY("--xYz\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1"),
      "", "part 1 has a malformed Content-Disposition, at byte 49" },
    { "nested", BODY("--xYz\r\nContent-Disposition: form-data; name=\"f\"\r\n"
      "Content-Type: Multipart/mixed; boundary=q\r\n\r\n"), "",
      "part 1 is multipart itself, at byte 93" },
    { "disposition twice", BODY("--xYz\r\nContent-Disposition: form-data; name=a\r\n"
      "Content-Disposition: form-data; name=b\r\n\r\n"), "",
      "part 1 has two Content-Dispositions, at byte 88" },
    { "folded header", BODY("--xYz\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n"), "",
      "part 1 has a folded header line, at byte 40" },
    { "header line without a colon", BODY("--xYz\r\nabc\r\n\r\n"), "",
      "part 1 has a header line without a name, at byte 13" },
    { "header that ends in LF", BODY("--xYz\r\nA: b\n\n"), "",
      "part 1 has a header line that ends without CR, at byte 11" },
    { "CR in a header", BODY("--xYz\r\nA: b\rc\r\n"), "",
      "part 1 has a CR in a header line, at byte 12" },
    { "NUL in a header", BODY("--xYz\r\nA: \0b\r\n"), "",
      "part 1 has a NUL in its header, at byte 10" },
    { "boundary that ends in LF", BODY("--xYz\n" HEAD("a") "1"), "",
      "the beginning is followed by a boundary line that ends without CR, at byte 5" },
    { "text behind a boundary", BODY("--xYz\r\n" HEAD("a") "1\r\n--xYzz\r\n"), "[a]1;",
      "part 1 is followed by text behind the boundary, at byte 59" },
    { "one dash behind a boundary", BODY("--xYz-\r\n"), "",
      "the beginning is followed by text behind the boundary, at byte 6" },
    { "CR without LF behind a boundary", BODY("--xYz\rA"), "",
      "the beginning is followed by a CR without LF, at byte 6" },
    { "five parts where four are allowed",
      BODY("--xYz\r\n" HEAD("a") "\r\n--xYz\r\n" HEAD("a") "\r\n--xYz\r\n" HEAD("a") "\r\n--xYz\r\n"
           HEAD("a") "\r\n--xYz\r\n" HEAD("a") "\r\n--xYz--"), "[a];[a];[a];[a];",
      "part 4 is the last that is allowed, but more follow, at byte 218" },
    { "cut in a head", BODY("--xYz\r\nContent-Dis"), "", "part 1 ends in its header, at byte 18" },
    { "cut in content", BODY("--xYz\r\n" HEAD("a") "12"), "[a]12",
      "part 1 ends before a boundary, at byte 53" },
    { "cut in a boundary", BODY("--xYz\r\n" HEAD("a") "12\r\n--xY"), "[a]12",
      "part 1 ends before a boundary, at byte 59" },
    { "cut behind a boundary", BODY("--xYz\r\n" HEAD("a") "12\r\n--xYz"), "[a]12;",
      "part 1 is followed by a cut boundary, at byte 60" },
    { "cut behind a boundary's line", BODY("--xYz\r\n" HEAD("a") "12\r\n--xYz\r\n"), "[a]12;",
      "part 2 ends in its header, at byte 62" },
};

static void
check(const body_case_t *c, dff_multipart_t *reader, const seen_t *seen, int rc, size_t split)
{
    char why[160];

    if (c->why == NULL) {
        if (rc != DFF_OK) {
            dff_multipart_explain(&reader->fail, why, sizeof(why));
            fail_msg("%s, split at %zu: refused: %s", c->name, split, why);
        }
    } else {
        assert_int_equal(rc, DFF_ERROR);
        dff_multipart_explain(&reader->fail, why, sizeof(why));
        if (strcmp(why, c->why) != 0)
            fail_msg("%s, split at %zu: <%s>", c->name, split, why);
    }
    if (seen->len != strlen(c->parts) || memcmp(seen->text, c->parts, seen->len) != 0)
        fail_msg("%s, split at %zu: <%s>", c->name, split, seen->text);
}

static void
what_comes_out_does_not_depend_on_the_pieces(void **state)
{
    static dff_multipart_t reader;
    static seen_t          seen;
    size_t                 i, split, ends[512];
    int                    rc;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(bodies); i++) {
        const body_case_t *c = &bodies[i];

        for (split = 0; split <= c->body.len; split++) {
            rc = feed(&reader, &seen, c->body, (size_t[]) { split, c->body.len }, 2);
            check(c, &reader, &seen, rc, split);
        }
        assert_true(c->body.len < DFF_TEST_COUNT(ends));
        for (split = 0; split < c->body.len; split++)
            ends[split] = split + 1;
        rc = feed(&reader, &seen, c->body, ends, c->body.len);
        check(c, &reader, &seen, rc, SIZE_MAX);
    }
}

/* Content-Disposition of a part -> its name and file name. */
static const struct {
    const char *disposition, *parts;
} dispositions[] = {
    { "form-data; name=\"\"", "[];" },
    { "form-data; name=\"a b\"", "[a b];" },
    { "FORM-DATA; NAME=a", "[a];" },
    { "form-data ; name = \"a\" ; x=y;", "[a];" },
    { "form-data; name=\"a;b=\\\"c\\\"\"", "[a;b=\"c\"];" },
    { "form-data; name=\"a%22b%0d%0Ac%25%2\"", "[a\"b\r\nc%25%2];" },
    { "form-data; name=\"f\"; filename=\"\"", "[f|f=];" },
    { "form-data; name=\"f\"; filename=\"a%22; name=\\\"b\\\".txt\"",
      "[f|f=a\"; name=\"b\".txt];" },
    { "form-data; name=\"f\"; filename=\"C:\\temp\\new.txt\"", "[f|f=C:\\temp\\new.txt];" },
    { "form-data; name=\"f\"; filename=\"a\\\\b\"", "[f|f=a\\b];" },
    { "form-data; name=\"f\"; filename=\"\xe4\xb8\xad.txt\"", "[f|f=\xe4\xb8\xad.txt];" },
    { "form-data; name=\"f\"; filename*=UTF-8''na%c3%AFve%20%22.txt",
      "[f|f=na\xc3\xafve \".txt];" },
    { "form-data; name=\"f\"; filename=\"x\"; filename*=utf-8'en'y", "[f|f=y];" },
};

static void
names_are_decoded_as_browsers_and_others_write_them(void **state)
{
    static dff_multipart_t reader;
    static seen_t          seen;
    char                   body[512];
    size_t                 i, len;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(dispositions); i++) {
        len = (size_t) snprintf(body, sizeof(body), "--xYz\r\nContent-Disposition: %s\r\n\r\n"
                                "\r\n--xYz--", dispositions[i].disposition);
        assert_int_equal(feed(&reader, &seen, (dff_str_t) { body, len }, &len, 1), DFF_OK);
        assert_string_equal(seen.text, dispositions[i].parts);
    }
}

static void
a_malformed_disposition_is_refused(void **state)
{
    static const char *const bad[] = {
        "form-data; name", "form-data; name=a b", "form-data; =a", "form-data; ; name=a",
        "form-data; name=\"a\"b", "form-data; name=\"a\\\"", "form-data; name=a; filename*=b",
        "form-data; name=a; filename*=UTF-8''%4", "form-data; name=a; filename*=latin1''a",
        "form-data; name=a; filename*=UTF-8'", "form-data; name=a; filename=b; filename=c",
    };
    static dff_multipart_t reader;
    static seen_t          seen;
    char                   body[512];
    size_t                 i, len;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(bad); i++) {
        len = (size_t) snprintf(body, sizeof(body), "--xYz\r\nContent-Disposition: %s\r\n\r\n"
                                "\r\n--xYz--", bad[i]);
        if (feed(&reader, &seen, (dff_str_t) { body, len }, &len, 1) == DFF_OK)
            fail_msg("%s was accepted as %s", bad[i], seen.text);
    }
}

static void
a_head_has_a_bound(void **state)
{
    static dff_multipart_t reader;
    static seen_t          seen;
    char                   body[DFF_MULTIPART_HEAD_MAX + 100];
    char                   why[160];
    size_t                 len;

    (void) state;
    len = (size_t) snprintf(body, sizeof(body), "--xYz\r\nX: ");
    memset(body + len, 'x', sizeof(body) - len);
    len = sizeof(body);
    assert_int_equal(feed(&reader, &seen, (dff_str_t) { body, len }, &len, 1), DFF_ERROR);
    dff_multipart_explain(&reader.fail, why, sizeof(why));
    assert_string_equal(why, "part 1 has a header of more than 8192 bytes, at byte 8199");
}

static void
a_callback_that_fails_stops_the_reader_for_good(void **state)
{
    static const char      body[] = "--xYz\r\n" HEAD("a") "12345\r\n--xYz--";
    static dff_multipart_t reader;
    static seen_t          seen;
    size_t                 len = sizeof(body) - 1;

    (void) state;
    seen.stop_at = 4;
    assert_int_equal(feed(&reader, &seen, (dff_str_t) { body, len }, &len, 1), DFF_ERROR);
    assert_null(reader.fail.what);
    assert_string_equal(seen.text, "[a]12345");
    assert_int_equal(dff_multipart_feed(&reader, "x", 1), DFF_ERROR);
    assert_int_equal(dff_multipart_finish(&reader), DFF_ERROR);
    assert_string_equal(seen.text, "[a]12345");
}

static const struct {
    const char *type, *boundary, *why;
} boundaries[] = {
    { "multipart/form-data", NULL, "Content-Type has no boundary" },
    { "multipart/form-data; boundary", NULL, "Content-Type is malformed" },
    { "multipart/form-data; boundary=", NULL, "Content-Type has no boundary" },
    { "multipart/form-data; boundary=\"\"", NULL, "Content-Type has no boundary" },
    { "multipart/form-data; boundary=\"a", NULL, "Content-Type is malformed" },
    { "multipart/form-data; boundary=a; boundary=b", NULL, "Content-Type is malformed" },
    { "multipart/form-data; boundary=\"a \"", NULL,
      "the boundary of Content-Type must have 1 to 70 characters, the last no blank" },
    { "multipart/form-data; boundary=a\xc3\xa4", NULL,
      "the boundary of Content-Type has a character that a boundary cannot have" },
    { "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
      "----WebKitFormBoundary7MA4YWxkTrZu0gW", NULL },
    { "multipart/form-data; charset=utf-8; BOUNDARY=\"a b'()+_,-./:=?\"", "a b'()+_,-./:=?", NULL },
};

static void
the_boundary_is_taken_from_the_content_type(void **state)
{
    char        out[DFF_MULTIPART_BOUNDARY_MAX], type[256];
    size_t      i, len;
    const char *what = NULL;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(boundaries); i++) {
        int rc = dff_multipart_boundary(dff_str_from(boundaries[i].type), out, &len, &what);

        if (boundaries[i].boundary == NULL) {
            assert_int_equal(rc, DFF_ERROR);
            assert_string_equal(what, boundaries[i].why);
            continue;
        }
        assert_int_equal(rc, DFF_OK);
        dff_test_str_is((dff_str_t) { out, len }, boundaries[i].boundary);
    }

    for (len = 70; len <= 71; len++) {
        size_t used = (size_t) snprintf(type, sizeof(type), "multipart/form-data; boundary=");

        memset(type + used, 'b', len);
        assert_int_equal(dff_multipart_boundary((dff_str_t) { type, used + len }, out,
                                                &(size_t) { 0 }, &what),
                         len == 70 ? DFF_OK : DFF_ERROR);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_out_does_not_depend_on_the_pieces),
        cmocka_unit_test(names_are_decoded_as_browsers_and_others_write_them),
        cmocka_unit_test(a_malformed_disposition_is_refused),
        cmocka_unit_test(a_head_has_a_bound),
        cmocka_unit_test(a_callback_that_fails_stops_the_reader_for_good),
        cmocka_unit_test(the_boundary_is_taken_from_the_content_type),
    };

    return cmocka_run_group_tests_name("dff_multipart", tests, NULL, NULL);
}
