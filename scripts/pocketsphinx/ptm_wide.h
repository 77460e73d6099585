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

/* Also sets `s->wide`. NULL where the model is of another shape than this was written for (densities
 * no multiple of 64, clustered mixture weights, a finer log base), and where the environment has
 * POCKETSPHINX_NARROW, which is for comparing: then ptm_mgau.c does without. */
ptm_wide_t *ptm_wide_init(ptm_mgau_t *s);

/* After the means have changed. */
void ptm_wide_update(ptm_mgau_t *s);

void ptm_wide_free(ptm_mgau_t *s);

/* The best densities of a codebook for features `z`, in place of those of the frame before. */
void ptm_wide_top_densities(ptm_mgau_t *s, int cb, int feat, mfcc_t const *z);

/* As ptm_mgau_senone_eval(). */
int ptm_wide_senone_eval(ptm_mgau_t *s, int16 *senone_scores, uint8 const *senone_active,
                         int32 n_senone_active, int compall);

#endif
