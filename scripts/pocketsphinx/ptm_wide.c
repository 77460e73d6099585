#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ptm_wide.h"
#include "tied_mgau_common.h"
#include "util/ckd_alloc.h"

#define MOST_TOPN 4
#define GROUPS (8 * MOST_TOPN) /* densities are distributed among these */
#define LANES 32               /* senones that are scored together */
#define STEPS 7                /* largest value of the table with which logarithms are added */
#define MOST_DENSITIES 1024
#define MOST_PARTS 64          /* best densities of a codebook, in all streams */

/* Senones of one codebook that follow each other, at most LANES of them. */
typedef struct block_s {
    int32 first;
    int32 n;
    uint8 cb;
    uint8 is_needed; /* has an active senone in this frame */
} block_t;

struct ptm_wide_s {
    densities_t *densities;
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
    densities_release(s->wide->densities);
    s->wide->densities = densities_of(s->g);
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

    if (getenv("POCKETSPHINX_NARROW"))
        return NULL;
    if (g->n_density % DENSITIES_BLOCK || g->n_density > MOST_DENSITIES || s->mixw_cb
        || s->n_sen < LANES || s->n_sen > 0xffff
        || s->max_topn > MOST_TOPN || g->n_feat * s->max_topn > MOST_PARTS
        || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        return NULL;
    wide = ckd_calloc(1, sizeof(*wide));
    wide->blocks = ckd_calloc(s->n_sen, sizeof(*wide->blocks));
    wide->block_of = ckd_calloc(s->n_sen, sizeof(*wide->block_of));
    wide->scores = ckd_calloc(s->n_sen, sizeof(*wide->scores));
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
    if (s->wide == NULL)
        return;
    densities_release(s->wide->densities);
    ckd_free(s->wide->blocks);
    ckd_free(s->wide->block_of);
    ckd_free(s->wide->scores);
    ckd_free(s->wide);
    s->wide = NULL;
}

static int32
whole(mfcc_t d)
{
    return d < (mfcc_t)MAX_NEG_INT32 ? MAX_NEG_INT32 : (int32)d;
}

/* At least MOST_TOPN of the densities are not below this: the best of each of so many parts. */
INLINE mfcc_t
floor_of_best(mfcc_t const *d, int n)
{
    mfcc_t best[GROUPS], least;
    int i, k;

    memcpy(best, d, sizeof(best));
    for (k = GROUPS; k < n; k += GROUPS)
        for (i = 0; i < GROUPS; ++i)
            best[i] = best[i] > d[k + i] ? best[i] : d[k + i];
    for (k = GROUPS / 2; k >= MOST_TOPN; k /= 2)
        for (i = 0; i < k; ++i)
            best[i] = best[i] > best[i + k] ? best[i] : best[i + k];
    for (least = best[0], i = 1; i < MOST_TOPN; ++i)
        least = least < best[i] ? least : best[i];
    return least;
}

/* A bit for each density that is above `floor`, from the lowest on: 64 in each of `bits`. */
INLINE void
mark_above(uint64 *bits, mfcc_t const *d, mfcc_t floor, int n)
{
    uint8 marks[MOST_DENSITIES];
    int i;

    for (i = 0; i < n; ++i)
        marks[i] = d[i] > floor;
    memset(bits, 0, (n + 63) / 64 * sizeof(*bits));
    for (i = 0; i < n; i += 8) {
        uint64 eight;
        memcpy(&eight, marks + i, sizeof(eight));
        bits[i / 64] |= eight * 0x0102040810204080 >> 56 << i % 64;
    }
}

/* The best of the marked densities and one more, as score * 2**16 + number, from the best on. */
INLINE void
sort_marked(int64 *best, uint64 const *bits, mfcc_t const *d, int n)
{
    int i, k;

    for (k = 0; k <= MOST_TOPN; ++k)
        best[k] = INT64_MIN;
    for (i = 0; i < n; i += 64) {
        uint64 some;
        for (some = bits[i / 64]; some; some &= some - 1) {
            int cw = i + __builtin_ctzll(some);
            int64 x = (int64)whole(d[cw]) * 65536 + cw;
            for (k = 0; k <= MOST_TOPN; ++k) {
                int64 less = x < best[k] ? x : best[k];
                best[k] = x < best[k] ? best[k] : x;
                x = less;
            }
        }
    }
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

/* Those of the frame before, in the order of their new scores. */
INLINE void
rescore(ptm_topn_t *topn, int most, mfcc_t const *d)
{
    int i;

    for (i = 0; i < most; ++i)
        insert(topn, i + 1, topn[i].cw, whole(d[topn[i].cw]), FALSE);
}

/* As ptm_mgau.c does it: first those of the frame before, and then the others one by one. Whom equals
 * displace depends on who comes first. */
static void
insert_all(ptm_topn_t *topn, int most, mfcc_t const *d, int n)
{
    int i, cw;

    rescore(topn, most, d);
    for (cw = 0; cw < n; ++cw) {
        for (i = 0; i < most && topn[i].cw != cw; ++i)
            ;
        if (i == most && d[cw] >= (mfcc_t)topn[most - 1].score)
            insert(topn, most, cw, whole(d[cw]), TRUE);
    }
}

/* The best densities of a codebook. Without equals among them it is all the same in which order they
 * are found. */
INLINE void
find_best(ptm_topn_t *topn, int most, mfcc_t const *d, int n)
{
    uint64 bits[MOST_DENSITIES / 64];
    int64 best[MOST_TOPN + 1];
    int k, equals = 0;

    /* Scores are cut off towards zero: those above this may be equal to the least that is wanted. */
    mark_above(bits, d, (mfcc_t)whole(floor_of_best(d, n)) - 1, n);
    sort_marked(best, bits, d, n);
    for (k = 0; k < most; ++k)
        equals |= best[k] >> 16 == best[k + 1] >> 16;
    if (equals) {
        insert_all(topn, most, d, n);
        return;
    }
    for (k = 0; k < most; ++k) {
        topn[k].score = best[k] >> 16;
        topn[k].cw = best[k] & 0xffff;
    }
}

WIDE static void
find_best_of_all(ptm_mgau_t *s, mfcc_t const *d)
{
    int i, n = s->g->n_density, n_feat = s->g->n_feat;
    /* One codebook and stream after the other. */
    ptm_topn_t *topn = s->f->topn[0][0];

    for (i = 0; i < s->g->n_mgau * n_feat; ++i, d += n, topn += s->max_topn)
        if (bitvec_is_set(s->f->mgau_active, i / n_feat))
            find_best(topn, s->max_topn, d, n);
        else
            rescore(topn, s->max_topn, d);
}

void
ptm_wide_codebook_eval(ptm_mgau_t *s, mfcc_t **z)
{
    ps_mgau_t *base = ps_mgau_base(s);

    if (base->n_coming && base->coming[0] == z)
        find_best_of_all(s, densities_eval(s->wide->densities, base->coming, base->n_coming));
    else
        find_best_of_all(s, densities_eval(s->wide->densities, &z, 1));
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
