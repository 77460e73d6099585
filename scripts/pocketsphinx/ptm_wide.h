/* Senone scores of phonetically tied mixtures, many densities and many senones at a time.
 *
 * The scores are those of ptm_mgau.c, bit for bit. That file goes through a codebook density by
 * density and gives one up as soon as it cannot be among the best, and through senones one by one:
 * branches that no processor foresees, which is most of what decoding costs. Here nothing is given
 * up, and there is nothing to foresee.
 */
#ifndef PTM_WIDE_H
#define PTM_WIDE_H

#include "ptm_mgau.h"
#include "wide_densities.h"

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
/* One library for every processor: which of these runs is decided when it is loaded. */
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif
/* Into each of those: what is called from there was made for one processor. */
#define INLINE static inline __attribute__((always_inline))

/* Also sets `s->wide`. NULL where model or processor are of another shape than this was written for
 * (densities no multiple of 32, more than four best ones, clustered mixture weights, a finer log base,
 * high bytes first), and where the environment has POCKETSPHINX_NARROW, which is for comparing: then
 * ptm_mgau.c does without. */
ptm_wide_t *ptm_wide_init(ptm_mgau_t *s);

/* After the means have changed. */
void ptm_wide_update(ptm_mgau_t *s);

void ptm_wide_free(ptm_mgau_t *s);

/* The best densities of the codebooks for features `z`, in place of those of the frame before. */
void ptm_wide_codebook_eval(ptm_mgau_t *s, mfcc_t **z);

/* As ptm_mgau_senone_eval(). */
int ptm_wide_senone_eval(ptm_mgau_t *s, int16 *senone_scores, uint8 const *senone_active,
                         int32 n_senone_active, int compall);

#endif
