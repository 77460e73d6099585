#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ptm_wide.h"
#include "tied_mgau_common.h"
#include "util/ckd_alloc.h"

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
/* One library for every processor: which of these runs is decided when it is loaded. */
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

#define BLOCK 64  /* densities whose sums are made together: they fit into registers */
#define GLANCE 16 /* densities that are looked at together */
#define LANES 32  /* senones that are scored together */
#define STEPS 8   /* largest value of the table with which logarithms are added */
#define MOST_DENSITIES 1024
#define MOST_PARTS 64 /* best densities of a codebook, in all streams */

/* Senones of one codebook that follow each other, at most LANES of them. */
typedef struct block_s {
    int32 first;
    int32 n;
    uint8 cb;
    uint8 is_needed; /* has an active senone in this frame */
} block_t;

struct ptm_wide_s {
    /* Means, then variances (their inverses), of each codebook and feature stream, dimension by
     * dimension. */
    mfcc_t **by_dim;
    block_t *blocks;
    int32 n_blocks;
    uint16 *block_of; /* each senone */
    int16 *scores;    /* of all senones; of old frames where they are not needed */
    /* The table adds one for each of these that a difference is below. */
    int16 below[STEPS];
};

void
ptm_wide_update(ptm_mgau_t *s)
{
    gauden_t *g = s->g;
    int cb, feat, cw, j;

    for (cb = 0; cb < g->n_mgau; ++cb)
        for (feat = 0; feat < g->n_feat; ++feat) {
            int n = g->n_density, len = g->featlen[feat];
            mfcc_t *to = s->wide->by_dim[cb * g->n_feat + feat];
            for (cw = 0; cw < n; ++cw)
                for (j = 0; j < len; ++j) {
                    to[j * n + cw] = g->mean[cb][feat][cw][j];
                    to[(len + j) * n + cw] = g->var[cb][feat][cw][j];
                }
        }
}

static int
fill_below(ptm_mgau_t *s, ptm_wide_t *wide)
{
    logadd_t *t = LOGMATH_TABLE(s->lmath_8b);
    uint8 const *table = t->table;
    uint32 d;
    int k;

    if (table[0] > STEPS)
        return -1;
    for (d = 1; d < t->table_size; ++d)
        if (table[d] > table[d - 1])
            return -1;
    for (k = 0; k < STEPS; ++k)
        for (d = 0; d < t->table_size && table[d] > k; ++d)
            wide->below[k] = d + 1;
    return 0;
}

static void
fill_blocks(ptm_mgau_t *s, ptm_wide_t *wide)
{
    int sen;

    for (sen = 0; sen < s->n_sen; ++sen) {
        block_t *last = wide->n_blocks ? wide->blocks + wide->n_blocks - 1 : NULL;
        if (last == NULL || last->cb != s->sen2cb[sen] || last->n == LANES) {
            last = wide->blocks + wide->n_blocks++;
            last->first = sen;
            last->cb = s->sen2cb[sen];
        }
        ++last->n;
        wide->block_of[sen] = wide->n_blocks - 1;
    }
}

ptm_wide_t *
ptm_wide_init(ptm_mgau_t *s)
{
    gauden_t *g = s->g;
    ptm_wide_t *wide;
    int i, streams = g->n_mgau * g->n_feat;

    if (getenv("POCKETSPHINX_NARROW"))
        return NULL;
    if (g->n_density % BLOCK || g->n_density > MOST_DENSITIES || s->mixw_cb
        || s->n_sen < LANES || s->n_sen > 0xffff
        || g->n_feat * s->max_topn > MOST_PARTS)
        return NULL;
    wide = ckd_calloc(1, sizeof(*wide));
    wide->by_dim = ckd_calloc(streams, sizeof(*wide->by_dim));
    wide->blocks = ckd_calloc(s->n_sen, sizeof(*wide->blocks));
    wide->block_of = ckd_calloc(s->n_sen, sizeof(*wide->block_of));
    wide->scores = ckd_calloc(s->n_sen, sizeof(*wide->scores));
    for (i = 0; i < streams; ++i)
        wide->by_dim[i] = ckd_calloc(2 * g->n_density * g->featlen[i % g->n_feat],
                                     sizeof(**wide->by_dim));
    s->wide = wide;
    if (fill_below(s, wide) < 0) {
        ptm_wide_free(s);
        return NULL;
    }
    ptm_wide_update(s);
    fill_blocks(s, wide);
    return wide;
}

void
ptm_wide_free(ptm_mgau_t *s)
{
    int i;

    if (s->wide == NULL)
        return;
    for (i = 0; i < s->g->n_mgau * s->g->n_feat; ++i)
        ckd_free(s->wide->by_dim[i]);
    ckd_free(s->wide->by_dim);
    ckd_free(s->wide->blocks);
    ckd_free(s->wide->block_of);
    ckd_free(s->wide->scores);
    ckd_free(s->wide);
    s->wide = NULL;
}

/* Log-likelihoods of all densities of a codebook: `det` less the weighted squares of how far `z`
 * is from the means, in the order in which ptm_mgau.c subtracts them. */
WIDE static void
eval_densities(mfcc_t *restrict d, mfcc_t const *restrict det, mfcc_t const *restrict mean,
               mfcc_t const *restrict var, mfcc_t const *restrict z, int n, int len)
{
    int i, j, k;

    for (k = 0; k < n; k += BLOCK) {
        mfcc_t sum[BLOCK];
        for (i = 0; i < BLOCK; ++i)
            sum[i] = det[k + i];
        for (j = 0; j < len; ++j) {
            mfcc_t const *m = mean + j * n + k, *v = var + j * n + k;
            mfcc_t x = z[j];
            for (i = 0; i < BLOCK; ++i) {
                mfcc_t diff = x - m[i];
                sum[i] = sum[i] - diff * diff * v[i];
            }
        }
        for (i = 0; i < BLOCK; ++i)
            d[k + i] = sum[i];
    }
}

/* The first density from `from` on that is at least `threshold`, or `n`. */
WIDE static int
next_above(mfcc_t const *d, mfcc_t threshold, int from, int n)
{
    int i;

    for (; from % GLANCE; ++from)
        if (d[from] >= threshold)
            return from;
    for (; from < n; from += GLANCE) {
        int some = FALSE;
        for (i = 0; i < GLANCE; ++i)
            some |= d[from + i] >= threshold;
        if (some)
            break;
    }
    while (from < n && d[from] < threshold)
        ++from;
    return from;
}

static int32
whole(mfcc_t d)
{
    return d < (mfcc_t)MAX_NEG_INT32 ? MAX_NEG_INT32 : (int32)d;
}

/* Makes room in `topn`, sorted, among its first `n` for a score that is to stand before equals or
 * behind them. */
static void
insert(ptm_topn_t *topn, int n, int32 cw, int32 score, int before_equals)
{
    int i = n - 1;

    while (i > 0 && score + before_equals > topn[i - 1].score) {
        topn[i] = topn[i - 1];
        --i;
    }
    topn[i].cw = cw;
    topn[i].score = score;
}

void
ptm_wide_top_densities(ptm_mgau_t *s, int cb, int feat, mfcc_t const *z)
{
    int i, cw, n = s->g->n_density, len = s->g->featlen[feat], most = s->max_topn;
    mfcc_t const *by_dim = s->wide->by_dim[cb * s->g->n_feat + feat];
    ptm_topn_t *topn = s->f->topn[cb][feat], *worst = topn + most - 1;
    mfcc_t d[MOST_DENSITIES], threshold;

    eval_densities(d, s->g->det[cb][feat], by_dim, by_dim + len * n, z, n, len);
    for (i = 0; i < most; ++i) {
        cw = topn[i].cw;
        insert(topn, i + 1, cw, whole(d[cw]), FALSE);
    }
    for (i = 0; i < most; ++i)
        d[topn[i].cw] = -HUGE_VALF; /* is in already */
    for (cw = -1;;) {
        threshold = (mfcc_t)worst->score;
        cw = next_above(d, threshold, cw + 1, n);
        if (cw == n)
            return;
        insert(topn, most, cw, whole(d[cw]), TRUE);
    }
}

/* What a senone's score is made of: in each feature stream, the best densities of its codebook and
 * the senones' weights for them. */
typedef struct mixture_s {
    uint8 const *weights[MOST_PARTS];
    int16 scores[MOST_PARTS];
    int n_feat, topn;
} mixture_t;

/* Negated logarithms of the sums over densities, as fast_logmath_add makes them, added up over the
 * streams: of LANES senones from the first on. */
WIDE static void
eval_senones(int16 *restrict to, mixture_t const *mixture, int first, int16 const *restrict below)
{
    int f, j, k, i;

    memset(to, 0, LANES * sizeof(*to));
    for (f = 0; f < mixture->n_feat; ++f) {
        int16 sum[LANES];
        for (j = 0; j < mixture->topn; ++j) {
            int part = f * mixture->topn + j;
            int16 score = mixture->scores[part];
            uint8 const *weights = mixture->weights[part] + first;

            if (j == 0) {
                for (i = 0; i < LANES; ++i)
                    sum[i] = weights[i] + score;
                continue;
            }
            for (i = 0; i < LANES; ++i) {
                int16 x = weights[i] + score, y = sum[i];
                int16 less = x < y ? x : y, more = x < y ? y : x;
                int16 apart = more - less;
                for (k = 0; k < STEPS; ++k)
                    less -= apart < below[k];
                sum[i] = less;
            }
        }
        for (i = 0; i < LANES; ++i)
            to[i] += sum[i];
    }
}

static void
mixture_of(ptm_mgau_t *s, int cb, mixture_t *mixture)
{
    int f, j;

    mixture->n_feat = s->g->n_feat;
    mixture->topn = s->max_topn;
    for (f = 0; f < mixture->n_feat; ++f)
        for (j = 0; j < mixture->topn; ++j) {
            ptm_topn_t *density = s->f->topn[cb][f] + j;
            /* Of a codebook that was not evaluated when this frame was new, as in ptm_mgau.c. */
            if (bitvec_is_clear(s->f->mgau_active, cb))
                density->score = MAX_NEG_ASCR;
            mixture->weights[f * mixture->topn + j] = s->mixw[f][density->cw];
            mixture->scores[f * mixture->topn + j] = density->score;
        }
}

static void
eval_needed_blocks(ptm_mgau_t *s)
{
    block_t *block = s->wide->blocks, *end = block + s->wide->n_blocks;

    for (; block < end; ++block) {
        mixture_t mixture;
        int16 found[LANES];
        /* Never beyond the last senone: nothing may lie behind its weights. */
        int first = block->first < s->n_sen - LANES ? block->first : s->n_sen - LANES;

        if (!block->is_needed)
            continue;
        block->is_needed = FALSE;
        mixture_of(s, block->cb, &mixture);
        eval_senones(found, &mixture, first, s->wide->below);
        memcpy(s->wide->scores + block->first, found + block->first - first,
               block->n * sizeof(*found));
    }
}

int
ptm_wide_senone_eval(ptm_mgau_t *s, int16 *senone_scores, uint8 const *senone_active,
                     int32 n_senone_active, int compall)
{
    int16 const *scores = s->wide->scores;
    int i, sen, bestscore = 0x7fffffff;

    if (compall)
        n_senone_active = s->n_sen;
    for (sen = i = 0; i < n_senone_active; ++i) {
        sen = compall ? i : sen + senone_active[i];
        s->wide->blocks[s->wide->block_of[sen]].is_needed = TRUE;
    }
    eval_needed_blocks(s);
    memset(senone_scores, 0, s->n_sen * sizeof(*senone_scores));
    for (sen = i = 0; i < n_senone_active; ++i) {
        sen = compall ? i : sen + senone_active[i];
        senone_scores[sen] = scores[sen];
        if (scores[sen] < bestscore)
            bestscore = scores[sen];
    }
    for (i = 0; i < s->n_sen; ++i)
        senone_scores[i] -= bestscore;
    return 0;
}
