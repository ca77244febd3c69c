// Runs a fuzz target over a recorded corpus: a file of inputs in hex, one a line.
#include <stdio.h>
#include <stdlib.h>

#include "cbuild/crypto/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(FILE *f)
{
    char *line = NULL;
    size_t cap = 0, inputs = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, f)) > 0) {
        struct cb_str hex = cb_str_trim(cb_strn(line, (size_t)n));
        uint8_t *data =
            malloc(hex.n / 2); // of exactly the input's size, for address sanitizer to see what is behind it
        if (!cb_unhex(data, hex.n / 2, hex))
            return -1;
        LLVMFuzzerTestOneInput(data, hex.n / 2);
        free(data);
        inputs++;
    }
    free(line);
    printf("%zu inputs\n", inputs);
    return inputs > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
    int result = f ? replay(f) : -1;

    if (f)
        fclose(f);
    return result < 0;
}
