#include "golden.h"

#include "cbuild/oci/image_config.h"

// What Go's time package gives for the same times.
static const struct {
    struct cb_created t;
    const char *plain, *nano;
} cases[] = {
    {{0, 0, 0}, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
    {{-1, 0, 0}, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
    {{1700000000, 500000000, 0}, "2023-11-14T22:13:20Z", "2023-11-14T22:13:20.5Z"},
    {{1700000000, 1, 7200}, "2023-11-15T00:13:20+02:00", "2023-11-15T00:13:20.000000001+02:00"},
    {{1700000000, 0, -34200}, "2023-11-14T12:43:20-09:30", "2023-11-14T12:43:20-09:30"},
    {{951782400, 0, 0}, "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
    {{4107542400, 0, 0}, "2100-03-01T00:00:00Z", "2100-03-01T00:00:00Z"},
    {{-62135596800, 0, 0}, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
    {{-62167219200, 0, 0}, "0000-01-02T00:00:00Z", "0000-01-01T00:00:00Z"},
    {{253402300799, 999999999, 0}, "9999-12-30T23:59:59Z", "9999-12-31T23:59:59.999999999Z"},
};

static void test_format(void **state)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CB_ARENA_AUTO a = {0};
        struct cb_str nano;
        struct cb_created back;
        assert_int_equal(cb_created_format_nano(&a, cases[i].t, &nano, &err), 0);
        assert_str(nano, cb_str(cases[i].nano));
        assert_int_equal(cb_created_parse(nano, &back, &err), 0);
        assert_memory_equal(&back, &cases[i].t, sizeof back);
        if (cases[i].t.sec > -62135596801 && cases[i].t.sec < 253402214400)
            assert_str(cb_created_format(&a, cases[i].t), cb_str(cases[i].plain));
    }
}

static void test_out_of_range(void **state)
{
    static const struct cb_created times[] = {
        {253402300800, 0, 0}, {-62167219201, 0, 0}, {INT64_MAX, 0, 0}, {INT64_MIN, 0, 0}, {253402300799, 0, 60}};
    CB_ERROR_AUTO err = CB_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        CB_ARENA_AUTO a = {0};
        struct cb_str text;
        assert_fails(cb_created_format_nano(&a, times[i], &text, &err), &err, CB_E_CONFIG, "years 0 to 9999");
        assert_true(cb_created_format(&a, times[i]).n >= 20);
    }
}

static void test_parse(void **state)
{
    static const char *const good[] = {"2020-02-29T00:00:00Z", "2020-01-01T1:00:00Z", "2020-01-01T01:00:00,5Z",
                                       "2020-01-01T01:00:00.1234567890123+23:59", "2020-01-01T01:00:00+22:60"};
    static const char *const bad[] = {"",
                                      "2020",
                                      "2020-13-01T00:00:00Z",
                                      "2021-02-29T00:00:00Z",
                                      "2020-01-01t00:00:00Z",
                                      "2020-01-01T00:00:00z",
                                      "2020-01-01T24:00:00Z",
                                      "2020-01-01T00:60:00Z",
                                      "2020-01-01T00:00:60Z",
                                      "2020-01-01T00:00:00",
                                      "2020-01-01T00:00:00.Z",
                                      "2020-01-01T00:00:00+0200",
                                      "2020-01-01T00:00:00+24:00",
                                      "2020-01-01T00:00:00+23:60",
                                      "2020-01-01 00:00:00Z",
                                      "2020-1-01T00:00:00Z",
                                      "2020-01-01T00:00:00Z ",
                                      "+020-01-01T00:00:00Z",
                                      "12020-01-01T00:00:00Z"};
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    struct cb_created t;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(cb_created_parse(cb_str(good[i]), &t, &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(cb_created_parse(cb_str(bad[i]), &t, &err), &err, CB_E_USAGE, "is not a time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
