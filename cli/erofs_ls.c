// The listing. It is laid out as a whole, so that nothing is printed of an image that cannot be read to its end.
#include <stdio.h>
#include <stdlib.h>

#include "cbuild/fs/erofs.h"
#include "columns.h"
#include "erofs.h"
#include "output.h"

static void add_mode(struct cb_buf *out, uint32_t mode)
{
    static const struct {
        uint32_t type;
        char letter;
    } types[] = {{S_IFDIR, 'd'}, {S_IFLNK, 'l'}, {S_IFIFO, 'p'}, {S_IFSOCK, 's'}, {S_IFCHR, 'c'}, {S_IFBLK, 'b'}};
    static const struct {
        uint32_t bit, execute;
        unsigned column;
        char letter;
    } special[] = {{S_ISUID, S_IXUSR, 3, 's'}, {S_ISGID, S_IXGRP, 6, 's'}, {S_ISVTX, S_IXOTH, 9, 't'}};
    char text[] = "-rwxrwxrwx";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((mode & S_IFMT) == types[i].type)
            text[0] = types[i].letter;
    for (unsigned i = 0; i < 9; i++)
        if (!(mode & (0400u >> i)))
            text[i + 1] = '-';
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (mode & special[i].bit)
            text[special[i].column] =
                (char)(mode & special[i].execute ? special[i].letter : special[i].letter - 'a' + 'A');
    cb_buf_adds(out, text);
}

// Year, month, day of a count of days since 1970 in the Gregorian calendar. Eras of 400 years have 146,097 days, and
// years that begin in March end in the leap day.
static void civil_date(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static void add_time(struct cb_buf *out, int64_t sec)
{
    int64_t days = sec / 86400, of_day = sec % 86400, year;
    int month, day;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }
    civil_date(days, &year, &month, &day);
    cb_buf_addf(out, "%s%04lld-%02d-%02d %02d:%02d", year < 0 ? "-" : "", (long long)(year < 0 ? -year : year), month,
                day, (int)(of_day / 3600), (int)(of_day % 3600 / 60));
}

// A folder's own size says how one layer stores it: it is shown as 0. A device has numbers instead.
static void add_size(struct cb_buf *out, const struct cb_erofs_stat *s)
{
    if (S_ISCHR(s->mode) || S_ISBLK(s->mode))
        cb_buf_addf(out, "%u,%u", cb_erofs_major(s->rdev), cb_erofs_minor(s->rdev));
    else
        cb_buf_addf(out, "%llu", S_ISDIR(s->mode) ? 0ull : (unsigned long long)s->size);
}

// Tabs in names are laid out like the others, as the reference has it.
static void add_name(struct cb_buf *out, struct cb_str name)
{
    struct cb_str part;
    while (cb_str_cut(&name, '\t', &part)) {
        cb_escape(out, part, SIZE_MAX / 2, false);
        if (name.p)
            cb_buf_addc(out, '\t');
    }
}

static int list_item(void *ctx, const struct cb_erofs_item *item, struct cb_error *err)
{
    struct cb_buf *out = ctx;
    (void)err;
    add_mode(out, item->stat.mode);
    cb_buf_addf(out, "\t%u/%u\t", item->stat.uid, item->stat.gid);
    add_size(out, &item->stat);
    cb_buf_addc(out, '\t');
    add_time(out, item->stat.mtime.sec);
    cb_buf_addc(out, '\t');
    add_name(out, item->path);
    if (S_ISLNK(item->stat.mode)) {
        cb_buf_adds(out, " -> ");
        add_name(out, item->target);
    }
    cb_buf_addc(out, '\n');
    return 0;
}

int cb_erofs_ls(const struct cb_erofs_layers *l, struct cb_error *err)
{
    struct cb_erofs **images = cb_zalloc((l->n + 1) * sizeof *images);
    int failed = 0;
    for (size_t i = 0; i < l->n && !failed; i++) {
        images[i] = cb_erofs_open(l->v[i].fd, l->v[i].size, l->v[i].path, err);
        failed = !images[i];
    }
    CB_BUF_AUTO text = {0};
    failed = failed || cb_erofs_walk(images, l->n, list_item, &text, err);
    if (!failed)
        cb_print_columns(cb_buf_str(&text));
    for (size_t i = 0; i < l->n; i++)
        cb_erofs_free(images[i]);
    free(images);
    return failed ? -1 : 0;
}
