#include "core/framework/tensor_list.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/platform/alloc.h"

namespace tw {

namespace {

// Elements up to this size are packed as they come; what a tensor of its own takes beyond them is at most a third.
constexpr size_t kMaxPacked = 4096;
// Elements up to this size lie without gaps, and are copied when they are read, which costs less than what aligning
// them would waste.
constexpr size_t kMaxTight = 192;
// Slabs double up to this size.
constexpr size_t kMaxSlab = size_t{256} << 10;
constexpr size_t kFirstSlab = 512;
// Of a list that was made with its size known, all elements lie in one slab, which stacks them without a copy. Larger
// elements are kept rather than copied into it where that is possible; beyond the last size there is no such slab.
constexpr size_t kMaxReservedCopy = size_t{64} << 10;
constexpr size_t kMaxReserved = size_t{256} << 20;

size_t round_up(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

size_t bytes_of(DType dtype, const Shape& s) { return static_cast<size_t>(s.num_elements()) * dtype_size(dtype); }

}  // namespace

bool TensorList::is_set(int64_t i) const {
  switch (rows_) {
    case Rows::kNone: return false;
    case Rows::kPacked: return set_.empty() || set_[static_cast<size_t>(i)] != 0;
    case Rows::kKept: return kept_[static_cast<size_t>(i)].valid();
  }
  return false;
}

const Shape& TensorList::shape(int64_t i) const {
  return rows_ == Rows::kPacked ? row_ : kept_[static_cast<size_t>(i)].shape();
}

const void* TensorList::data(int64_t i) const {
  return rows_ == Rows::kPacked ? row(i) : kept_[static_cast<size_t>(i)].raw();
}

Result<Tensor> TensorList::element(int64_t i) const {
  if (!is_set(i)) return Tensor();
  if (rows_ == Rows::kKept) return kept_[static_cast<size_t>(i)];
  const Slab& slab = slab_of(i);
  char* const at = row(i);
  if (reinterpret_cast<uintptr_t>(at) % kAlignment == 0 && stride_ % kAlignment == 0) {
    return Tensor(dtype, row_, slab.buffer, static_cast<size_t>(at - static_cast<char*>(slab.buffer->data())));
  }
  TW_ASSIGN_OR_RETURN(Tensor copy, Tensor::make(dtype, row_));
  std::memcpy(copy.raw(), at, bytes_);
  return copy;
}

Tensor TensorList::stacked() const {
  if (rows_ != Rows::kPacked || slabs_.size() != 1 || stride_ != bytes_ || row_.rank() == kMaxRank) return {};
  if (std::find(set_.begin(), set_.end(), 0) != set_.end()) return {};
  const Slab& slab = slabs_[0];
  if (reinterpret_cast<uintptr_t>(slab.data) % kAlignment != 0) return {};
  Shape shape{size_};
  for (const int64_t d : row_.dims()) shape.add_dim(d);
  return Tensor(dtype, shape, slab.buffer, static_cast<size_t>(slab.data - static_cast<char*>(slab.buffer->data())));
}

bool TensorList::packs(const Shape& shape, bool shareable) const {
  if (rows_ != Rows::kNone) return rows_ == Rows::kPacked && shape == row_;
  if (!is_plain(dtype)) return false;
  const size_t bytes = bytes_of(dtype, shape);
  if (bytes == 0) return false;
  if (size_ > 0) {
    if (bytes > kMaxReserved / static_cast<size_t>(size_)) return false;
    return bytes <= kMaxReservedCopy || !shareable;
  }
  return bytes <= kMaxPacked;
}

void TensorList::begin_packing(const Shape& shape) {
  rows_ = Rows::kPacked;
  uniform_ = true;
  row_ = shape;
  bytes_ = bytes_of(dtype, shape);
  // What has its size known is meant to be stacked.
  stride_ = size_ > 0 || bytes_ <= kMaxTight ? bytes_ : round_up(bytes_);
  set_.assign(static_cast<size_t>(size_), 0);
}

TensorList::Slab& TensorList::slab_of(int64_t i) {
  if (i >= slabs_.back().begin) return slabs_.back();
  const auto after =
      std::upper_bound(slabs_.begin(), slabs_.end(), i, [](int64_t at, const Slab& s) { return at < s.begin; });
  return *(after - 1);
}

char* TensorList::row(int64_t i) const {
  const Slab& slab = slab_of(i);
  return slab.data + static_cast<size_t>(i - slab.begin) * stride_;
}

Status TensorList::add_slab(int64_t begin, int64_t room) {
  const Shape bytes{static_cast<int64_t>(static_cast<size_t>(room) * stride_)};
  TW_ASSIGN_OR_RETURN(const Tensor t, Tensor::make(DType::kUint8, bytes));
  slabs_.push_back({t.buffer(), t.data<char>(), begin, room});
  return {};
}

Result<void*> TensorList::place(int64_t i, const Shape& shape, bool shareable) {
  if (!packs(shape, shareable)) {
    if (rows_ == Rows::kPacked) TW_RETURN_IF_ERROR(unpack());
    return nullptr;
  }
  if (rows_ == Rows::kNone) begin_packing(shape);
  const int64_t covered = slabs_.empty() ? 0 : slabs_.back().end();
  const auto most = static_cast<int64_t>(std::max<size_t>(kMaxSlab / stride_, 1));
  if (i >= covered) {
    const auto first = static_cast<int64_t>(std::max<size_t>(kFirstSlab / stride_, 1));
    const int64_t growth = slabs_.empty() ? first : std::min(most, 2 * slabs_.back().room);
    TW_RETURN_IF_ERROR(add_slab(covered, std::max(growth, std::max(i + 1, size_) - covered)));
  } else if (!slab_of(i).exclusive()) {
    if (i < size_) {
      TW_RETURN_IF_ERROR(unshare(i));
      if (rows_ != Rows::kPacked) return nullptr;
    } else {
      // Others see the memory behind the last element too, where one of them may have put an element of its own.
      Slab& last = slabs_.back();
      last.room = i - last.begin;
      TW_RETURN_IF_ERROR(add_slab(i, std::min(most, 2 * last.room)));
    }
  }
  mark_set(i);
  return row(i);
}

Status TensorList::unshare(int64_t i) {
  // Elements that can be looked at where they lie become tensors, and the one that is replaced goes alone.
  if (stride_ % kAlignment == 0) return unpack();
  Slab& slab = slab_of(i);
  const Shape bytes{static_cast<int64_t>(static_cast<size_t>(slab.room) * stride_)};
  TW_ASSIGN_OR_RETURN(const Tensor t, Tensor::make(DType::kUint8, bytes));
  const int64_t used = std::min(slab.end(), size_) - slab.begin;
  std::memcpy(t.raw(), slab.data, static_cast<size_t>(used) * stride_);
  slab.buffer = t.buffer();
  slab.data = t.data<char>();
  return {};
}

Status TensorList::unpack() {
  std::vector<Tensor> kept(static_cast<size_t>(size_));
  for (int64_t i = 0; i < size_; ++i) {
    TW_ASSIGN_OR_RETURN(kept[static_cast<size_t>(i)], element(i));
  }
  kept_ = std::move(kept);
  slabs_.clear();
  set_.clear();
  rows_ = Rows::kKept;
  return {};
}

void TensorList::mark_set(int64_t i) {
  if (i < size_) {
    if (!set_.empty()) set_[static_cast<size_t>(i)] = 1;
    return;
  }
  if (!set_.empty()) set_.push_back(1);
  ++size_;
}

Status TensorList::keep(int64_t i, Tensor element) {
  if (rows_ == Rows::kPacked) TW_RETURN_IF_ERROR(unpack());
  if (rows_ == Rows::kNone) {
    kept_.resize(static_cast<size_t>(size_));
    rows_ = Rows::kKept;
    row_ = element.shape();
    uniform_ = true;
  }
  uniform_ = uniform_ && element.shape() == row_;
  if (i < size_) {
    kept_[static_cast<size_t>(i)] = std::move(element);
    return {};
  }
  kept_.push_back(std::move(element));
  ++size_;
  return {};
}

void TensorList::resize(int64_t n) {
  if (rows_ == Rows::kKept) kept_.resize(static_cast<size_t>(n));
  if (rows_ == Rows::kPacked) {
    if (n > size_ && set_.empty()) set_.assign(static_cast<size_t>(size_), 1);
    if (!set_.empty()) set_.resize(static_cast<size_t>(n), 0);
    while (!slabs_.empty() && slabs_.back().begin >= n) slabs_.pop_back();
  }
  size_ = n;
  if (n == 0) {
    rows_ = Rows::kNone;
    set_.clear();
  }
}

void TensorList::adopt_rows(const Tensor& t) {
  rows_ = Rows::kPacked;
  uniform_ = true;
  size_ = t.shape()[0];
  row_ = Shape(t.shape().dims().subspan(1));
  bytes_ = stride_ = bytes_of(dtype, row_);
  set_.clear();
  slabs_ = {{t.buffer(), t.data<char>(), 0, size_}};
}

void TensorList::share_elements(const TensorList& other) {
  rows_ = other.rows_;
  uniform_ = other.uniform_;
  size_ = other.size_;
  row_ = other.row_;
  bytes_ = other.bytes_;
  stride_ = other.stride_;
  slabs_ = other.slabs_;
  set_ = other.set_;
  kept_ = other.kept_;
}

}  // namespace tw
