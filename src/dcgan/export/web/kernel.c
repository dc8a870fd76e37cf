// The arithmetic of both networks in WebAssembly SIMD. kernel.wasm beside this file is built from it:
//
//   clang --target=wasm32 -O3 -msimd128 -nostdlib -Wl,--no-entry,--import-memory,--strip-debug,--stack-first \
//     -Wl,-z,stack-size=4096,--export=product,--export=enlarge,--export=halve,--export=activate -o kernel.wasm kernel.c
//
// Every layer that multiplies is one function, a gathered matrix product: each output pixel is a sum over a few input
// pixels (the taps). A convolution is one such product; a transposed convolution of stride 2 is four, one for each
// parity of row and column; a fully connected layer has one for each place of its output. Maps are channels last with a
// border of zeros, so that no tap has to ask whether it lies inside. plain.js does the same without SIMD.

#include <wasm_simd128.h>

typedef v128_t four;

static inline four rectified(four value, four slope) {
  return wasm_f32x4_max(value, wasm_f32x4_mul(value, slope));  // max(x, slope x): leaky ReLU, ReLU or the identity
}

// PIXELS x (4 VECTORS) sums in registers. `from` and `to` are offsets of pixels, `taps` of the taps from a pixel.
#define BLOCK(NAME, PIXELS, VECTORS)                                                                                  \
  static inline void NAME(const float *in, float *out, const float *weights, const float *bias, const int *from,      \
                          const int *to, const int *taps, int num_taps, int depth, four slope, int adds) {            \
    four sums[PIXELS][VECTORS];                                                                                       \
    for (int p = 0; p < PIXELS; p++)                                                                                  \
      for (int v = 0; v < VECTORS; v++) {                                                                             \
        sums[p][v] = wasm_v128_load(bias + 4 * v);                                                                    \
        if (adds) sums[p][v] = wasm_f32x4_add(sums[p][v], wasm_v128_load(out + to[p] + 4 * v));                       \
      }                                                                                                               \
    for (int t = 0; t < num_taps; t++) {                                                                              \
      const float *rows[PIXELS];                                                                                      \
      for (int p = 0; p < PIXELS; p++) rows[p] = in + from[p] + taps[t];                                              \
      for (int c = 0; c < depth; c++, weights += 4 * VECTORS)                                                         \
        for (int p = 0; p < PIXELS; p++) {                                                                            \
          four value = wasm_v128_load32_splat(rows[p] + c);                                                           \
          for (int v = 0; v < VECTORS; v++)                                                                           \
            sums[p][v] = wasm_f32x4_add(sums[p][v], wasm_f32x4_mul(value, wasm_v128_load(weights + 4 * v)));          \
        }                                                                                                             \
    }                                                                                                                 \
    for (int p = 0; p < PIXELS; p++)                                                                                  \
      for (int v = 0; v < VECTORS; v++) wasm_v128_store(out + to[p] + 4 * v, rectified(sums[p][v], slope));           \
  }

BLOCK(four_by_eight, 4, 2)
BLOCK(one_by_eight, 1, 2)
BLOCK(eight_by_four, 8, 1)
BLOCK(one_by_four, 1, 1)

// Weights lie in panels of eight outputs, the last one of four when so many are left: panel, tap, input, output.
void product(const float *in, float *out, const float *weights, const float *bias, const int *from, const int *to,
             int num_pixels, const int *taps, int num_taps, int depth, int outputs, float slope_, int adds) {
  four slope = wasm_f32x4_splat(slope_);
  int n = 0;
  for (; n + 8 <= outputs; n += 8, weights += 8 * num_taps * depth) {
    int p = 0;
    for (; p + 4 <= num_pixels; p += 4)
      four_by_eight(in, out + n, weights, bias + n, from + p, to + p, taps, num_taps, depth, slope, adds);
    for (; p < num_pixels; p++)
      one_by_eight(in, out + n, weights, bias + n, from + p, to + p, taps, num_taps, depth, slope, adds);
  }
  if (n < outputs) {
    int p = 0;
    for (; p + 8 <= num_pixels; p += 8)
      eight_by_four(in, out + n, weights, bias + n, from + p, to + p, taps, num_taps, depth, slope, adds);
    for (; p < num_pixels; p++)
      one_by_four(in, out + n, weights, bias + n, from + p, to + p, taps, num_taps, depth, slope, adds);
  }
}

static inline int row_of(int y, int width, int channels) {  // offset of the first inner pixel of a row of a map
  return ((y + 1) * (width + 2) + 1) * channels;
}

static inline int clamped(int value, int end) { return value < 0 ? 0 : value >= end ? end - 1 : value; }

// Twice the height and width, bilinear, pixel centres aligned: each weight is 3/4 or 1/4.
void enlarge(const float *in, float *out, int height, int width, int channels) {
  four near = wasm_f32x4_splat(0.75f), far = wasm_f32x4_splat(0.25f);
  for (int y = 0; y < 2 * height; y++) {
    const float *here = in + row_of(y >> 1, width, channels);
    const float *next = in + row_of(clamped((y >> 1) + (y & 1 ? 1 : -1), height), width, channels);
    float *to = out + row_of(y, 2 * width, channels);
    for (int x = 0; x < 2 * width; x++, to += channels) {
      int a = (x >> 1) * channels, b = clamped((x >> 1) + (x & 1 ? 1 : -1), width) * channels;
      for (int c = 0; c < channels; c += 4) {
        four upper = wasm_f32x4_add(wasm_f32x4_mul(near, wasm_v128_load(here + a + c)),
                                    wasm_f32x4_mul(far, wasm_v128_load(here + b + c)));
        four lower = wasm_f32x4_add(wasm_f32x4_mul(near, wasm_v128_load(next + a + c)),
                                    wasm_f32x4_mul(far, wasm_v128_load(next + b + c)));
        wasm_v128_store(to + c, wasm_f32x4_add(wasm_f32x4_mul(near, upper), wasm_f32x4_mul(far, lower)));
      }
    }
  }
}

// Half the height and width: the mean of four pixels.
void halve(const float *in, float *out, int height, int width, int channels) {
  int row = (width + 2) * channels;
  for (int y = 0; y < height / 2; y++) {
    const float *from = in + row_of(2 * y, width, channels);
    float *to = out + row_of(y, width / 2, channels);
    for (int i = 0; i < width / 2; i++, from += 2 * channels, to += channels)
      for (int c = 0; c < channels; c += 4) {
        const float *f = from + c;
        four upper = wasm_f32x4_add(wasm_v128_load(f), wasm_v128_load(f + channels));
        four lower = wasm_f32x4_add(wasm_v128_load(f + row), wasm_v128_load(f + row + channels));
        wasm_v128_store(to + c, wasm_f32x4_mul(wasm_f32x4_splat(0.25f), wasm_f32x4_add(upper, lower)));
      }
  }
}

// Leaky ReLU of a whole map, its border of zeros included; `count` is a multiple of four.
void activate(const float *in, float *out, int count, float slope_) {
  four slope = wasm_f32x4_splat(slope_);
  for (int i = 0; i < count; i += 4) wasm_v128_store(out + i, rectified(wasm_v128_load(in + i), slope));
}
