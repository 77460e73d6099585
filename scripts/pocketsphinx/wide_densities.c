#include <string.h>

#include "acmod.h"
#include "ptm_wide.h"
#include "wide_densities.h"
#include "util/ckd_alloc.h"

#define BLOCK DENSITIES_BLOCK /* sums that are made together: for two frames they fit into registers */

struct densities_s {
    densities_t *next; /* of another model */
    int used_by;       /* decoders */

    int n_mgau, n_feat, n_density;
    int32 *featlen;
    int32 row_len; /* of all streams */
    /* Of each codebook and stream, in the order in which they are read: for every BLOCK densities
     * their constants, and then of each dimension their means and variances (which are inverses). */
    mfcc_t *model;
    int32 model_size;

    /* The frames evaluated last: their features, and what came of them. */
    int n_known;
    mfcc_t *features;
    mfcc_t *values;
    int32 n_values; /* of a frame */
};

static densities_t *all;

static mfcc_t *
read_model(densities_t const *self, gauden_t const *g)
{
    mfcc_t *model = ckd_calloc(self->model_size, sizeof(*model)), *to = model;
    int cb, feat, k, i, j;

    for (cb = 0; cb < g->n_mgau; ++cb)
        for (feat = 0; feat < g->n_feat; ++feat)
            for (k = 0; k < g->n_density; k += BLOCK) {
                memcpy(to, g->det[cb][feat] + k, BLOCK * sizeof(*to));
                to += BLOCK;
                for (j = 0; j < g->featlen[feat]; ++j, to += 2 * BLOCK)
                    for (i = 0; i < BLOCK; ++i) {
                        to[i] = g->mean[cb][feat][k + i][j];
                        to[BLOCK + i] = g->var[cb][feat][k + i][j];
                    }
            }
    return model;
}

static void
free_densities(densities_t *self)
{
    ckd_free(self->featlen);
    ckd_free(self->model);
    ckd_free(self->features);
    ckd_free(self->values);
    ckd_free(self);
}

static int
is_same(densities_t const *a, densities_t const *b)
{
    return a->n_mgau == b->n_mgau && a->n_feat == b->n_feat && a->n_density == b->n_density
        && memcmp(a->featlen, b->featlen, a->n_feat * sizeof(*a->featlen)) == 0
        && memcmp(a->model, b->model, a->model_size * sizeof(*a->model)) == 0;
}

densities_t *
densities_of(gauden_t const *g)
{
    densities_t *self = ckd_calloc(1, sizeof(*self)), *other;
    int feat;

    self->n_mgau = g->n_mgau;
    self->n_feat = g->n_feat;
    self->n_density = g->n_density;
    self->featlen = ckd_calloc(g->n_feat, sizeof(*self->featlen));
    for (feat = 0; feat < g->n_feat; ++feat) {
        self->featlen[feat] = g->featlen[feat];
        self->row_len += g->featlen[feat];
    }
    self->model_size = g->n_mgau * g->n_density * (g->n_feat + 2 * self->row_len);
    self->model = read_model(self, g);
    for (other = all; other; other = other->next)
        if (is_same(self, other)) {
            free_densities(self);
            ++other->used_by;
            return other;
        }
    self->features = ckd_calloc(PS_MGAU_MOST_COMING * self->row_len, sizeof(mfcc_t));
    self->n_values = g->n_mgau * g->n_feat * g->n_density;
    self->values = ckd_calloc((PS_MGAU_MOST_COMING + 1) * self->n_values, sizeof(mfcc_t));
    self->used_by = 1;
    self->next = all;
    return all = self;
}

void
densities_release(densities_t *self)
{
    densities_t **at = &all;

    if (self == NULL || --self->used_by)
        return;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    free_densities(self);
}

/* Of BLOCK densities, in two frames: the constants less the weighted squares of how far features `z`
 * are from the means, in the order in which ptm_mgau.c subtracts them. */
WIDE static void
eval_block(mfcc_t *restrict d0, mfcc_t *restrict d1, mfcc_t const *restrict model,
           mfcc_t const *restrict z0, mfcc_t const *restrict z1, int len)
{
    mfcc_t sum0[BLOCK], sum1[BLOCK];
    int i, j;

    for (i = 0; i < BLOCK; ++i)
        sum0[i] = sum1[i] = model[i];
    model += BLOCK;
    for (j = 0; j < len; ++j, model += 2 * BLOCK) {
        mfcc_t x0 = z0[j], x1 = z1[j];
        for (i = 0; i < BLOCK; ++i) {
            mfcc_t diff0 = x0 - model[i], diff1 = x1 - model[i];
            sum0[i] = sum0[i] - diff0 * diff0 * model[BLOCK + i];
            sum1[i] = sum1[i] - diff1 * diff1 * model[BLOCK + i];
        }
    }
    for (i = 0; i < BLOCK; ++i) {
        d0[i] = sum0[i];
        d1[i] = sum1[i];
    }
}

static void
eval_frames(densities_t *self, mfcc_t ***rows, int n_rows)
{
    mfcc_t const *model = self->model;
    mfcc_t *to = self->values;
    int cb, feat, i, k;

    for (cb = 0; cb < self->n_mgau; ++cb)
        for (feat = 0; feat < self->n_feat; ++feat)
            for (i = 0; i < self->n_density; i += BLOCK, to += BLOCK) {
                int len = self->featlen[feat];
                for (k = 0; k < n_rows; k += 2) {
                    mfcc_t *d = to + k * self->n_values;
                    /* Without a second frame: the same once more, to where nobody looks. */
                    int second = k + 1 < n_rows ? k + 1 : k;
                    eval_block(d, d + self->n_values, model, rows[k][feat], rows[second][feat], len);
                }
                model += (1 + 2 * len) * BLOCK;
            }
}

/* The streams of a row follow each other. */
static mfcc_t *
known_row(densities_t const *self, int k)
{
    return self->features + k * self->row_len;
}

static int
is_row(densities_t const *self, mfcc_t const *known, mfcc_t **row)
{
    int feat;

    for (feat = 0; feat < self->n_feat; known += self->featlen[feat++])
        if (memcmp(known, row[feat], self->featlen[feat] * sizeof(*known)))
            return FALSE;
    return TRUE;
}

static void
keep_row(densities_t const *self, mfcc_t *known, mfcc_t **row)
{
    int feat;

    for (feat = 0; feat < self->n_feat; known += self->featlen[feat++])
        memcpy(known, row[feat], self->featlen[feat] * sizeof(*known));
}

mfcc_t const *
densities_eval(densities_t *self, mfcc_t ***rows, int n_rows)
{
    int k;

    /* By its features: whoever asks for them, and be it another decoder, it is the same frame. */
    for (k = 0; k < self->n_known; ++k)
        if (is_row(self, known_row(self, k), rows[0]))
            return self->values + k * self->n_values;
    eval_frames(self, rows, n_rows);
    for (k = 0; k < n_rows; ++k)
        keep_row(self, known_row(self, k), rows[k]);
    self->n_known = n_rows;
    return self->values;
}
