// scripts.tar, which apk runs packages' scripts from, and the triggers file.
#include "install_steps.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cbuild/crypto/hash.h"

#define END_OF_TAR 1024u // the two zero blocks, which the next package's scripts overwrite

static void add_control_hash(struct cb_buf *b, const struct cb_package *p)
{
    cb_buf_adds(b, "Q1");
    cb_base64_add(b, p->checksum.p, p->checksum.n);
}

// Executable by all: this leaves out what else stands in a control segment.
static bool is_script(const struct cb_tar_header *h)
{
    return !cb_str_is(h->name, ".PKGINFO") && (h->mode & 0555) == 0555;
}

static int copy_script(struct cb_tar_reader *from, struct cb_tar_writer *to, const struct cb_tar_header *h,
                       struct cb_error *err)
{
    char buf[4096];

    if (cb_tar_write_header(to, h, err) != 0)
        return -1;
    for (int64_t left = h->size; left > 0;) {
        ssize_t got = cb_tar_read(from, buf, left < (int64_t)sizeof buf ? (size_t)left : sizeof buf, err);
        if (got < 0 || (got > 0 && cb_tar_write(to, buf, (size_t)got, err) != 0))
            return -1;
        if (got == 0)
            return cb_fail(err, CB_E_INPUT, "%" PRId64 " bytes short", left);
        left -= got;
    }
    return 0;
}

// "<name>-<version>.Q1<control hash><.script>": apk finds a package's scripts by it.
static void rename_script(struct cb_tar_header *h, const struct cb_package *p, struct cb_buf *name)
{
    cb_buf_reset(name);
    cb_buf_addf(name, "%.*s-%.*s.", CB_STR_ARG(p->name), CB_STR_ARG(p->version));
    add_control_hash(name, p);
    cb_buf_addstr(name, h->name);
    h->name = cb_buf_str(name);
}

static int copy_scripts(struct cb_tar_reader *from, struct cb_tar_writer *to, const struct cb_package *p,
                        struct cb_time source_date_epoch, struct cb_error *err)
{
    CB_BUF_AUTO name = {0};

    for (;;) {
        CB_ARENA_AUTO arena = {0};
        struct cb_tar_header h;
        int rc = cb_tar_next(from, &arena, &h, err);
        if (rc <= 0)
            return rc;
        if (!is_script(&h))
            continue;
        rename_script(&h, p, &name);
        h.mtime = source_date_epoch;
        if (copy_script(from, to, &h, err) != 0)
            return cb_context(err, "script %.*s", CB_STR_ARG(h.name));
    }
}

int scripts_install(struct cb_tree *t, const struct cb_apk_file *file, const struct cb_package *p,
                    struct cb_time source_date_epoch, struct cb_error *err)
{
    struct cb_mem_source control = cb_mem_source(file->control.p, file->control.n);
    CB_BUF_AUTO added = {0};
    struct cb_buf_sink sink = cb_buf_sink(&added);
    struct cb_tar_writer to = cb_tar_writer(&sink.sink);
    struct cb_node *scripts = cb_tree_open(t, CB_STR(CB_APK_SCRIPTS), err);

    if (!scripts)
        return -1;
    struct cb_tar_reader *from = cb_tar_reader_new(&control.source, "control segment");
    int rc = copy_scripts(from, &to, p, source_date_epoch, err);
    cb_tar_reader_free(from);
    if (rc != 0 || cb_tar_close(&to, err) != 0)
        return -1;
    uint64_t size = cb_node_size(scripts), at = size >= END_OF_TAR ? size - END_OF_TAR : 0;
    return cb_tree_write_at(t, CB_STR(CB_APK_SCRIPTS), cb_buf_str(&added), at, 0, err);
}

int triggers_install(struct cb_tree *t, const struct cb_apk_file *file, const struct cb_package *p,
                     struct cb_error *err)
{
    CB_BUF_AUTO lines = {0};

    for (size_t i = 0; i < file->triggers.n; i++) {
        struct cb_str trigger = file->triggers.v[i];
        if (cb_str_find(trigger, '\n') >= 0)
            return cb_fail(err, CB_E_INPUT, "a newline in trigger \"%.*s\": it would forge lines in %s",
                           CB_STR_ARG(trigger), CB_APK_TRIGGERS);
        add_control_hash(&lines, p);
        cb_buf_addc(&lines, ' ');
        cb_buf_addstr(&lines, trigger);
        cb_buf_addc(&lines, '\n');
    }
    return cb_tree_append_file(t, CB_STR(CB_APK_TRIGGERS), cb_buf_str(&lines), 0, err);
}
