// Resolving with the packages of a lock file held where they are.
#ifndef CB_BUILDER_LOCK_HOLD_H
#define CB_BUILDER_LOCK_HOLD_H

#include "cbuild/builder/lock.h"

struct cb_arch_build;
struct cb_image_config;

// Resolves c anew, after cb_arch_build_resolve without siblings: packages of old stay in their versions but for those
// of names, and for as few others as it takes for there to be a solution; these are told in the log.
int cb_lock_hold(struct cb_arch_build *a, const struct cb_image_config *c, const struct cb_lock_file *old,
                 const struct cb_strs *names, struct cb_error *err);

#endif
