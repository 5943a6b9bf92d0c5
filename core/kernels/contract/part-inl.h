// Reading a part of a vector. Include inside a vector target's namespace, once per target.

// The first `count` elements, fewer than a vector's, and zeros; nothing past them is read.
template <class D, typename T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_part(D d, const T* from, int64_t count) {
#if HWY_HAVE_SCALABLE || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(count)), d, from);
#else  // where a masked load reads a whole vector, which has to be aligned
  HWY_ALIGN T part[HWY_MAX_BYTES / sizeof(T)] = {};
  for (int64_t i = 0; i < count; ++i) part[i] = from[i];
  return hn::Load(d, part);
#endif
}
