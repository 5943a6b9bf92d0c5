// Runs one kernel without graph, plan or session: prepare(), storage with guard bytes, run().
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/framework/kernel.h"

namespace tw::test {

class Step : public StepContext {
 public:
  explicit Step(int threads = 2) : pool_(threads) {}
  WorkerPool& pool() override { return pool_; }
  ResourceManager& resources() override { return resources_; }
  bool cancelled() const override { return false; }
  int64_t step_id() const override { return 1; }

 private:
  WorkerPool pool_;
  ResourceManager resources_;
};

inline Step& shared_step() {
  static Step step;
  return step;
}

enum class Mode {
  kDynamic,  // prepare() knows no value and no output shape
  kStatic,   // prepare() knows both; outputs lie between guard bytes
};

// One node's kernel. run() may be called again, as a session does step after step.
class Node {
 public:
  Node(const KernelDef& kernel, AttrMap attrs, std::vector<DType> outputs, Step& step = shared_step())
      : kernel_(kernel), attrs_(std::move(attrs)), output_dtypes_(std::move(outputs)), step_(step) {
    op_.name = "TestOp";
  }
  // For kernels that look at their row.
  Node& with_op(const OpDef& op) {
    op_ = op;
    return *this;
  }

  // For kernels that several ops share and tell apart by name.
  Node& named(std::string_view op) {
    op_.name = op;
    return *this;
  }

  // `consumable`: bit i lets the kernel take input i apart. With kStatic, `shapes` are the outputs' shapes.
  static bool handed_over(size_t i, uint32_t consumable) { return i < 32 && ((consumable >> i) & 1) != 0; }

  Result<std::vector<Tensor>> run(const std::vector<Tensor>& inputs, Mode mode = Mode::kDynamic,
                                  std::vector<Shape> shapes = {}, uint32_t consumable = 0) {
    const size_t n_in = inputs.size(), n_out = output_dtypes_.size();
    std::vector<Shape> in_shapes;
    std::vector<DType> in_dtypes;
    std::vector<const Tensor*> known;
    for (const Tensor& t : inputs) {
      in_shapes.push_back(t.shape());
      in_dtypes.push_back(t.dtype());
      known.push_back(mode == Mode::kStatic ? &t : nullptr);
    }
    if (mode == Mode::kDynamic) shapes.assign(n_out, Shape::unknown());
    PrepareContext prepare(op_, attrs_, in_shapes, in_dtypes, known, shapes, output_dtypes_, step_.pool().threads());
    TW_RETURN_IF_ERROR(kernel_.prepare(prepare));
    const std::unique_ptr<KernelState> state = prepare.take_state();
    std::vector<char> workspace(prepare.workspace() + 1);

    std::vector<Value> values(n_in + n_out);
    std::vector<Shape> dynamic(n_in + n_out);
    std::vector<uint32_t> numbers(n_in + n_out);
    for (size_t i = 0; i < values.size(); ++i) numbers[i] = static_cast<uint32_t>(i);
    for (size_t i = 0; i < n_in; ++i) {
      values[i] = {inputs[i].raw(), &inputs[i].shape(), inputs[i].buffer().get(), inputs[i].dtype()};
      // A consumable input is the step's alone: the caller's reference is the only one.
      if (!handed_over(i, consumable)) values[i].owner->ref();
    }
    constexpr int64_t kGuard = 64;
    std::vector<Tensor> guarded(n_out);
    for (size_t o = 0; o < n_out; ++o) {
      Value& v = values[n_in + o];
      v.dtype = output_dtypes_[o];
      if (mode == Mode::kDynamic) continue;
      const auto bytes = static_cast<int64_t>(dtype_size(v.dtype)) * shapes[o].num_elements();
      if (is_plain(v.dtype)) {
        guarded[o] = Tensor::make_or_die(DType::kUint8, Shape{bytes + 2 * kGuard});
        std::memset(guarded[o].raw(), 0x5a, guarded[o].bytes());
        v.data = guarded[o].data<char>() + kGuard;
      } else {
        guarded[o] = Tensor::make_or_die(v.dtype, shapes[o]);
        v.data = guarded[o].raw();
      }
      v.shape = &shapes[o];
    }
    RunContext ctx;
    ctx.values_ = values.data();
    ctx.dynamic_shapes_ = dynamic.data();
    ctx.args_ = numbers.data();
    ctx.state_ = state.get();
    ctx.workspace_ = workspace.data();
    ctx.step_ = &step_;
    ctx.consumable_ = consumable;
    ctx.num_in_ = static_cast<uint16_t>(n_in);
    ctx.num_out_ = static_cast<uint16_t>(n_out);
    const Status status = kernel_.run(ctx);
    // A kernel that gave such an input's storage to an output took the only reference; the caller's is one more.
    for (size_t i = 0; i < n_in; ++i) {
      if (handed_over(i, consumable) && values[i].owner == nullptr) inputs[i].buffer()->ref();
    }

    std::vector<Tensor> outputs;
    for (size_t o = 0; o < n_out; ++o) {
      const Value& v = values[n_in + o];
      if (guarded[o].valid() && is_plain(v.dtype) && v.owner == nullptr) {
        const char* all = guarded[o].data<char>();
        const int64_t bytes = guarded[o].num_elements() - 2 * kGuard;
        for (int64_t i = 0; i < kGuard; ++i) {
          EXPECT_EQ(all[i], 0x5a) << "written before the output";
          EXPECT_EQ(all[kGuard + bytes + i], 0x5a) << "written behind the output";
        }
      }
      if (!status.ok()) continue;
      if (v.owner != nullptr) {
        const auto offset = static_cast<size_t>(static_cast<char*>(v.data) - static_cast<char*>(v.owner->data()));
        outputs.emplace_back(v.dtype, *v.shape, Ref<Buffer>(v.owner), offset);
      } else {
        Tensor t = Tensor::make_or_die(v.dtype, *v.shape);
        copy_elements(v.dtype, v.data, t.raw(), t.num_elements());
        outputs.push_back(std::move(t));
      }
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].owner != nullptr && !(i < n_in && handed_over(i, consumable))) values[i].owner->unref();
    }
    if (!status.ok()) return status;
    return outputs;
  }

 private:
  const KernelDef& kernel_;
  AttrMap attrs_;
  std::vector<DType> output_dtypes_;
  Step& step_;
  OpDef op_{};
};

inline bool same_values(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.dtype() == DType::kString) {
    for (int64_t i = 0; i < a.num_elements(); ++i) {
      if (a.data<std::string>()[i] != b.data<std::string>()[i]) return false;
    }
    return true;
  }
  return a.num_elements() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// Runs in both modes, checks that they agree, and gives the outputs.
inline Result<std::vector<Tensor>> run_kernel(const KernelDef& kernel, const AttrMap& attrs,
                                              const std::vector<Tensor>& inputs, const std::vector<DType>& outputs) {
  Node node(kernel, attrs, outputs);
  auto dynamic = node.run(inputs, Mode::kDynamic);
  if (!dynamic.ok()) return dynamic;
  std::vector<Shape> shapes;
  for (const Tensor& t : *dynamic) shapes.push_back(t.shape());
  auto fixed = node.run(inputs, Mode::kStatic, shapes);
  EXPECT_TRUE(fixed.ok()) << fixed.status().to_string();
  if (!fixed.ok()) return fixed;
  for (size_t o = 0; o < outputs.size(); ++o) {
    EXPECT_TRUE(same_values((*dynamic)[o], (*fixed)[o])) << (*dynamic)[o].summary() << " vs. " << (*fixed)[o].summary();
  }
  return dynamic;
}

template <typename T>
Tensor tensor(const Shape& shape, std::initializer_list<T> values) {
  Tensor t = Tensor::make_or_die(dtype_of<T>, shape);
  EXPECT_EQ(t.num_elements(), static_cast<int64_t>(values.size()));
  int64_t i = 0;
  for (const T& v : values) t.data<T>()[i++] = v;
  return t;
}

template <typename T>
Tensor iota(const Shape& shape) {
  Tensor t = Tensor::make_or_die(dtype_of<T>, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) t.data<T>()[i] = static_cast<T>(i + 1);
  return t;
}

template <typename T>
std::vector<T> values(const Tensor& t) {
  EXPECT_EQ(t.dtype(), dtype_of<T>);
  return std::vector<T>(t.data<T>(), t.data<T>() + t.num_elements());
}

}  // namespace tw::test
