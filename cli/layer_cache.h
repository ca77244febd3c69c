// What keeping layers between runs needs from outside: the secret that entries are authenticated with, and the name of
// this very program.
#ifndef CB_CLI_LAYER_CACHE_H
#define CB_CLI_LAYER_CACHE_H

#include "cbuild/builder/workshop.h"

// Fills secret and program. The secret is a file of the user's in $XDG_STATE_HOME/cbuild or ~/.local/state/cbuild, made
// where it is missing. False where there is none to be had, which is logged.
bool cb_layer_cache_fill(struct cb_shelf_options *o);

#endif
