#include "cbuild/base/nearest.h"

#include <string.h>

// Levenshtein's distance, cut off at 4 (which is then the answer).
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 64 };
    size_t row[MOST + 1], na = strlen(a), nb = strlen(b);
    if (na > MOST || nb > MOST)
        return 4;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < step ? change : step;
        }
    }
    return row[nb] < 4 ? row[nb] : 4;
}

const char *cb_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t least = 4;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, candidates[i]);
        if (d < least && d < strlen(word)) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}
