// Every optimizer against TensorFlow 1.15 over several steps, dense and sparse, for each float type; and bad input.
#include <cmath>

#include "tests/kernels/kernel_harness.h"

namespace tw {
namespace test {
namespace {

struct Golden {
  const char* op;
  std::vector<double> scalars;
  bool use_nesterov, update_slots;
  std::vector<double> values;
};
const Golden kGoldens[] = {
#include "tests/kernels/training_goldens.inc"
};

// As in make_training.py: slot 0 is the variable, -1 the gradient of a step.
double value(int slot, int step, int64_t i) {
  if (slot < 0) return static_cast<double>((i * 29 + step * 5) % 13 - 6) / 5;
  if (slot == 0) return static_cast<double>((i * 37) % 11 - 5) / 4;
  return static_cast<double>((i * 13 + slot) % 7 + 1) / 8;
}

// What a value passes through on its way to T: 16-bit types are made from float.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <typename T>
Tensor tensor_of(const Shape& shape, int slot, int step) {
  Tensor t = Tensor::make_or_die(dtype_of<T>, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i)
    t.data<T>()[i] = static_cast<T>(static_cast<Wide<T>>(value(slot, step, i)));
  return t;
}
template <typename T>
Tensor scalar_of(double v) {
  Tensor t = Tensor::make_or_die(dtype_of<T>, Shape{});
  t.data<T>()[0] = static_cast<T>(static_cast<Wide<T>>(v));
  return t;
}

Tensor handle_of(const Ref<Variable>& v) {
  Tensor t = Tensor::make_or_die(DType::kResource, Shape{});
  t.data<ResourceHandle>()[0] = v;
  return t;
}

// One op with variables of its own.
template <typename T>
struct Update {
  const OpDef* op;
  bool sparse;
  std::vector<Ref<Variable>> slots;
  std::vector<Tensor> inputs;
  int grad = -1, global_step = -1, indices = -1;

  Update(const char* name, std::vector<double> scalars)
      : op(find_op(name)), sparse(std::string_view(name).find("Sparse") < 20) {
    const Shape shape = sparse ? Shape{5, 3} : Shape{13};
    size_t next_scalar = 0;
    for (const ArgDef& arg : op->inputs) {
      const int i = static_cast<int>(inputs.size());
      if (arg.dtype == DType::kResource) {
        slots.push_back(make_ref<Variable>(std::string(arg.name), dtype_of<T>, shape));
        slots.back()->assign(tensor_of<T>(shape, static_cast<int>(slots.size()) - 1, 0));
        inputs.push_back(handle_of(slots.back()));
      } else if (arg.name == "grad" || arg.name == "delta") {
        grad = i;
        inputs.emplace_back();
      } else if (arg.name == "indices") {
        indices = i;
        inputs.push_back(Tensor::vector<int32_t>({1, 4, 1}));
      } else if (arg.name == "global_step") {
        global_step = i;
        inputs.emplace_back();
      } else {
        inputs.push_back(scalar_of<T>(scalars.at(next_scalar++)));
      }
    }
    set_step(0);
  }
  void set_step(int step) {
    inputs[static_cast<size_t>(grad)] = tensor_of<T>(sparse ? Shape{3, 3} : Shape{13}, -1, step);
    if (global_step >= 0) inputs[static_cast<size_t>(global_step)] = Tensor::scalar<int64_t>(step + 1);
  }
  Status run(bool use_nesterov = false, bool update_slots = true) {
    AttrMap attrs{{"T", dtype_of<T>}, {"use_nesterov", use_nesterov}, {"update_slots", update_slots}};
    const KernelDef* kernel = find_kernel(*op, attrs);
    if (!kernel) return internal_error("no kernel for ", op->name);
    return Node(*kernel, attrs, {}).with_op(*op).run(inputs).status();
  }
};

template <typename T>
void expect_goldens(double tolerance) {
  for (const Golden& golden : kGoldens) {
    SCOPED_TRACE(golden.op);
    ASSERT_NE(find_op(golden.op), nullptr);
    Update<T> update(golden.op, golden.scalars);
    for (int step = 0; step < 3; ++step) {
      update.set_step(step);
      const Status s = update.run(golden.use_nesterov, golden.update_slots);
      ASSERT_TRUE(s.ok()) << s.to_string();
    }
    size_t at = 0;
    for (const auto& slot : update.slots) {
      const Result<Tensor> got = slot->read();
      ASSERT_TRUE(got.ok());
      for (int64_t i = 0; i < got->num_elements(); ++i, ++at) {
        const double want = golden.values.at(at);
        EXPECT_NEAR(static_cast<double>(got->data<T>()[i]), want, tolerance * std::max(1.0, std::fabs(want)))
            << slot->name() << "[" << i << "]";
      }
    }
    EXPECT_EQ(at, golden.values.size());
  }
  ::testing::Test::RecordProperty("passed.values", static_cast<int>(std::size(kGoldens)));
  ::testing::Test::RecordProperty("differs.values", 0);
}

TEST(Training, MatchesTensorFlowInDouble) { expect_goldens<double>(1e-12); }
TEST(Training, MatchesTensorFlowInFloat) { expect_goldens<float>(2e-5); }

template <typename T>
Tensor widened(const Tensor& t) {
  Tensor wide = Tensor::make_or_die(DType::kFloat, t.shape());
  for (int64_t i = 0; i < t.num_elements(); ++i) wide.data<float>()[i] = static_cast<float>(t.data<T>()[i]);
  return wide;
}

// A 16-bit step is a float step on the same inputs whose results are rounded.
template <typename T>
void expect_rounded_float_steps() {
  for (const Golden& golden : kGoldens) {
    SCOPED_TRACE(golden.op);
    Update<T> narrow(golden.op, golden.scalars);
    Update<float> wide(golden.op, golden.scalars);
    if (narrow.sparse) {
      // A row that is named twice would be rounded in between.
      narrow.inputs[static_cast<size_t>(narrow.indices)] = Tensor::vector<int32_t>({1, 4, 0});
      wide.inputs[static_cast<size_t>(wide.indices)] = Tensor::vector<int32_t>({1, 4, 0});
    }
    for (int step = 0; step < 3; ++step) {
      narrow.set_step(step);
      wide.set_step(step);
      for (size_t i = 0; i < narrow.inputs.size(); ++i) {
        if (narrow.inputs[i].dtype() == dtype_of<T>) wide.inputs[i] = widened<T>(narrow.inputs[i]);
      }
      for (size_t i = 0; i < narrow.slots.size(); ++i) wide.slots[i]->assign(widened<T>(*narrow.slots[i]->read()));
      ASSERT_TRUE(narrow.run(golden.use_nesterov, golden.update_slots).ok());
      ASSERT_TRUE(wide.run(golden.use_nesterov, golden.update_slots).ok());
      for (size_t s = 0; s < narrow.slots.size(); ++s) {
        const Tensor got = *narrow.slots[s]->read(), want = *wide.slots[s]->read();
        for (int64_t i = 0; i < got.num_elements(); ++i) {
          EXPECT_EQ(got.data<T>()[i].bits, T(want.data<float>()[i]).bits) << narrow.slots[s]->name() << "[" << i << "]";
        }
      }
    }
  }
}
TEST(Training, HalfIsRoundedFloat) { expect_rounded_float_steps<half>(); }
TEST(Training, Bfloat16IsRoundedFloat) { expect_rounded_float_steps<bfloat16>(); }

// A large sparse update is split over threads by rows; the result is that of one thread.
TEST(Training, ManyRepeatedIndices) {
  const OpDef* op = find_op("ResourceSparseApplyMomentum");
  const AttrMap attrs{{"T", DType::kFloat}, {"use_nesterov", false}};
  std::vector<Tensor> results;
  for (const int threads : {1, 2}) {
    Step step(threads);
    auto var = make_ref<Variable>("var", DType::kFloat, Shape{50, 64});
    auto accum = make_ref<Variable>("accum", DType::kFloat, Shape{50, 64});
    var->assign(tensor_of<float>({50, 64}, 0, 0));
    accum->assign(tensor_of<float>({50, 64}, 1, 0));
    Tensor indices = Tensor::make_or_die(DType::kInt64, Shape{4000});
    for (int64_t i = 0; i < 4000; ++i) indices.data<int64_t>()[i] = (i * 7919) % 50;
    const std::vector<Tensor> inputs = {
        handle_of(var), handle_of(accum),    Tensor::scalar(0.01f), tensor_of<float>({4000, 64}, -1, 0),
        indices,        Tensor::scalar(0.9f)};
    ASSERT_TRUE(Node(*find_kernel(*op, attrs), attrs, {}, step).with_op(*op).run(inputs).ok());
    results.push_back(*var->read());
  }
  EXPECT_TRUE(same_values(results[0], results[1]));
}

TEST(Training, ReadersKeepTheOldValue) {
  Update<float> update("ResourceApplyGradientDescent", {0.5});
  const Tensor before = *update.slots[0]->read();
  const Tensor copy = *before.clone();
  ASSERT_TRUE(update.run().ok());
  EXPECT_TRUE(same_values(before, copy));
  EXPECT_FALSE(same_values(*update.slots[0]->read(), copy));
}

TEST(Training, BadInput) {
  Update<float> adam("ResourceApplyAdam", {0.9, 0.99, 0.1, 0.9, 0.99, 1e-8});
  adam.inputs[static_cast<size_t>(adam.grad)] = tensor_of<float>({12}, -1, 0);
  EXPECT_EQ(adam.run().message(), "var and grad do not have the same shape[13] [12]");
  adam.set_step(0);
  adam.inputs[5] = Tensor::vector<float>({1, 2});
  EXPECT_EQ(adam.run().message(), "lr is not a scalar: [2]");
  adam.inputs[5] = Tensor::scalar(0.1f);
  adam.slots[1]->assign(tensor_of<float>({12}, 1, 0));
  EXPECT_EQ(adam.run().message(), "var and m do not have the same shape[13] [12]");
  adam.slots[1]->clear();
  EXPECT_EQ(adam.run().code(), Code::kFailedPrecondition);
  EXPECT_EQ(adam.run().message(), "Attempting to use uninitialized value m");

  Update<float> sparse("ResourceSparseApplyAdagrad", {0.1});
  const Tensor before = *sparse.slots[0]->read()->clone();
  sparse.inputs[static_cast<size_t>(sparse.indices)] = Tensor::vector<int32_t>({1, 9, 1});
  EXPECT_EQ(sparse.run().message(), "Index 9 at offset 1 in indices is out of range");
  sparse.inputs[static_cast<size_t>(sparse.indices)] = Tensor::vector<int32_t>({1, 2});
  EXPECT_EQ(sparse.run().message(), "grad must be the same size as indices in the first dimension.");
  EXPECT_TRUE(same_values(*sparse.slots[0]->read(), before));
}

}  // namespace
}  // namespace test
}  // namespace tw
