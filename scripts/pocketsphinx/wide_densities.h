/* Densities of all codebooks of a model, of several frames at once.
 *
 * A model is read from memory once for as many frames as have come, and one copy serves all
 * decoders of a process: read by each for itself, frame by frame, it would push everything else out
 * of the processor's cache. Not for decoders that run in several threads at once.
 */
#ifndef WIDE_DENSITIES_H
#define WIDE_DENSITIES_H

#include "ms_gauden.h"

#define DENSITIES_BLOCK 32 /* the number of densities in a codebook is a multiple of this */

typedef struct densities_s densities_t;

/* Those of `g` as they are now; to be released. */
densities_t *densities_of(gauden_t const *g);

void densities_release(densities_t *densities);

/* Log-likelihoods in frame `rows[0]` (the features of its streams): of codebook `cb` and stream
 * `feat` from `(cb * n_feat + feat) * n_density` on. Good until the next call, which is best given
 * the `n_rows - 1` rows that follow. */
mfcc_t const *densities_eval(densities_t *densities, mfcc_t ***rows, int n_rows);

#endif
