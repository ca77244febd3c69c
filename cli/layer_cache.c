#include "layer_cache.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "cbuild/base/file.h"
#include "cbuild/base/log.h"

// ---- the program: its build ID, which the linker makes from all that is in it

static bool find_build_id(const char *p, size_t n, struct cb_str *out)
{
    while (n >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, p, sizeof note);
        size_t name = ((size_t)note.n_namesz + 3) & ~(size_t)3, desc = ((size_t)note.n_descsz + 3) & ~(size_t)3;
        if (n < sizeof note + name + desc)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && !memcmp(p + sizeof note, "GNU", 4)) {
            *out = cb_strn(p + sizeof note + name, note.n_descsz);
            return true;
        }
        p += sizeof note + name + desc;
        n -= sizeof note + name + desc;
    }
    return false;
}

// The first object is the program.
static int look_at_program(struct dl_phdr_info *info, size_t size, void *out)
{
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type == PT_NOTE &&
            find_build_id((const char *)(uintptr_t)(info->dlpi_addr + h->p_vaddr), h->p_memsz, out))
            break;
    }
    return 1;
}

// ---- the secret

static char *secret_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/')
        return cb_path_join(state, "cbuild");
    if ((state && *state) || !home || !*home)
        return NULL;
    return cb_path_join(home, ".local/state/cbuild");
}

// 1 where it was read, 0 where there is none yet.
static int read_secret(const char *path, uint8_t secret[CB_SHELF_SECRET_SIZE], struct cb_error *err)
{
    struct stat st;
    CB_FD_AUTO fd = cb_open_read(path, err);
    if (fd < 0 && err->kind == CB_E_NOT_FOUND) {
        cb_error_clear(err);
        return 0;
    }
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 077) || st.st_size != CB_SHELF_SECRET_SIZE)
        return cb_fail(err, CB_E_TRUST, "%s is not a file of %u bytes that only its owner, this user, may read", path,
                       CB_SHELF_SECRET_SIZE);
    return cb_pread_full(fd, secret, CB_SHELF_SECRET_SIZE, 0, path, err) ? -1 : 1;
}

// Of two programs that make it at once the last one's counts; what the other has authenticated is made anew.
static int make_secret(const char *folder, const char *path, uint8_t secret[CB_SHELF_SECRET_SIZE], struct cb_error *err)
{
    if (getrandom(secret, CB_SHELF_SECRET_SIZE, 0) != CB_SHELF_SECRET_SIZE)
        abort();
    return cb_mkdirs(folder, err) || cb_write_file(path, cb_strn(secret, CB_SHELF_SECRET_SIZE), 0600, err) ? -1 : 0;
}

bool cb_layer_cache_fill(struct cb_shelf_options *o)
{
    CB_ERROR_AUTO err = CB_ERROR_INIT;
    CB_AUTOFREE char *folder = secret_folder();
    dl_iterate_phdr(look_at_program, &o->program);
    if (!folder || !o->program.n) {
        cb_log(CB_DEBUG, "layers are not kept between runs: %s",
               folder ? "this program has no build ID" : "neither XDG_STATE_HOME nor HOME is set");
        return false;
    }
    CB_AUTOFREE char *path = cb_path_join(folder, "cache-secret");
    int found = read_secret(path, o->secret, &err);
    if (found > 0 || (found == 0 && make_secret(folder, path, o->secret, &err) == 0))
        return true;
    cb_log(CB_WARN, "layers are not kept between runs: %s", err.message);
    return false;
}
