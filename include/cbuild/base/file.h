// Files of the host: read whole with a limit, written so that they appear complete or not at all.
#ifndef CB_BASE_FILE_H
#define CB_BASE_FILE_H

#include <sys/stat.h>

#include "cbuild/base/stream.h"

// Opens a regular file for reading (a FIFO, device or folder is refused), close-on-exec. The descriptor, or -1.
int cb_open_read(const char *path, struct cb_error *err);

// The whole file into *b (appended); larger than limit is CB_E_LIMIT.
int cb_read_file(const char *path, struct cb_buf *b, size_t limit, struct cb_error *err);

// The same for a file that the user names: of a FIFO, pipe or terminal (/dev/stdin, <(...)) all up to its end, which
// may have to be waited for.
int cb_read_named(const char *path, struct cb_buf *b, size_t limit, struct cb_error *err);

// mkdir -p with mode 0755 less the umask.
int cb_mkdirs(const char *path, struct cb_error *err);

// A file that appears under its name on commit and leaves nothing behind otherwise, even when the process is killed: it
// has no name until then (where the file system has no O_TMPFILE, one that begins with ".cbuild-"). Derived from
// nothing in the input. What exists at path is replaced, through a link too; but a device, a pipe or a file without a
// name of its own (/dev/stdout) is written to as it is, and so is one in a folder that takes no new files. The umask
// applies to mode, which is that of a file that was not there before.
struct cb_atomic {
    int fd; // -1 when not open
    char *path, *temp;
    bool direct; // path is written to as it is
};
#define CB_ATOMIC_INIT                                                                                                 \
    {                                                                                                                  \
        -1, 0, 0, false                                                                                                \
    }
int cb_atomic_open(struct cb_atomic *f, const char *path, mode_t mode, struct cb_error *err);
int cb_atomic_commit(struct cb_atomic *f, struct cb_error *err); // closes and renames over path
void cb_atomic_abort(struct cb_atomic *f);                       // closes and removes; nothing if committed

// Writes a whole file through cb_atomic.
int cb_write_file(const char *path, struct cb_str bytes, mode_t mode, struct cb_error *err);

// The folder for temporary files where none is named: "/tmp" until this is called (once, by cli/, before threads
// start).
void cb_temp_set_folder(const char *dir);
const char *cb_temp_folder(void);

// An unnamed temporary file in folder dir (NULL: cb_temp_folder()): gone when its descriptor closes, however the
// process ends. The descriptor, or -1.
int cb_temp_fd(const char *dir, struct cb_error *err);

// All n bytes at offset, retrying short writes and reads; a short file is CB_E_IO.
int cb_pwrite_full(int fd, const void *p, size_t n, uint64_t at, const char *name, struct cb_error *err);
int cb_pread_full(int fd, void *p, size_t n, uint64_t at, const char *name, struct cb_error *err);

// "dir/name" as an owned string; one slash between, name alone where dir is "" or NULL.
char *cb_path_join(const char *dir, const char *name);

// Lexically clean path as Go's path.Clean gives it; owned.
char *cb_path_clean(struct cb_str path);

void cb_close_p(int *fd); // closes where >= 0 and sets -1
#define CB_FD_AUTO __attribute__((cleanup(cb_close_p))) int

#endif
