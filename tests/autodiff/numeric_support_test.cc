#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/autodiff/numeric.h"

namespace tw::testing {
namespace {

using grad::call;
using grad::Val;
using grad::Vals;

Tensor draw(const In& in, std::mt19937& random) {
  std::uniform_real_distribution<double> range(in.low, in.high);
  Tensor t = Tensor::make_or_die(DType::kDouble, in.shape);
  for (double& v : t.flat<double>()) v = range(random);
  return t;
}

// One number out of several tensors: each times fixed weights, all added up.
Val weigh(Builder& b, const Vals& parts, std::mt19937& random) {
  std::uniform_real_distribution<double> range(0.5, 1.5);
  Val total;
  for (const Val& p : parts) {
    const Shape s = p.shape();
    Val weighted = p;
    if (s.fully_known()) {
      Tensor w = Tensor::make_or_die(DType::kDouble, s);
      for (double& v : w.flat<double>()) v = range(random);
      weighted = p * Val(b, b.constant(std::move(w)));
    } else {
      weighted = p * call("Cos", {p});
    }
    const Val sum = grad::sum_all(weighted);
    total = total ? total + sum : sum;
  }
  return total;
}

class Checker {
 public:
  Checker(const std::string& what, const std::vector<In>& inputs, const CheckOptions& options)
      : what_(what), options_(options), graph_(std::make_shared<Graph>()), b_(graph_.get()) {
    for (const In& in : inputs) {
      values_.push_back(draw(in, random_));
      const NodeId id = b_.add("Placeholder", {}, {{"dtype", DType::kDouble}, {"shape", in.shape}});
      xs_.emplace_back(b_, Output{id, 0});
    }
  }

  void run(const Expression& f) {
    Val loss = weigh(b_, {f(xs_)}, random_);
    ASSERT_TRUE(b_.status().ok()) << what_ << ": " << b_.status().to_string();
    for (int order = 1; order <= options_.order; ++order) {
      const std::string label = internal::concat(what_, ", order ", order);
      std::vector<Output> xs(xs_.begin(), xs_.end());
      auto g = add_gradients(graph_.get(), std::vector<Output>{loss}, xs, {});
      ASSERT_TRUE(g.ok()) << label << ": " << g.status().to_string();
      Vals dxs;
      for (size_t i = 0; i < xs_.size(); ++i) {
        const Output dx = (*g)[i].valid() ? densify(b_, (*g)[i]) : Output{};
        const bool constant = std::find(options_.constant_inputs.begin(), options_.constant_inputs.end(),
                                        static_cast<int>(i)) != options_.constant_inputs.end();
        if (order == 1) {
          EXPECT_NE(constant, dx.valid()) << label << ": input " << i;
        }
        dxs.emplace_back(b_, dx);
      }
      ASSERT_TRUE(b_.status().ok()) << label << ": " << b_.status().to_string();
      compare(label, loss, dxs);
      if (::testing::Test::HasFatalFailure()) return;
      Vals present;
      for (const Val& dx : dxs) {
        if (dx) present.push_back(dx);
      }
      if (present.empty()) return;
      loss = weigh(b_, present, random_);
    }
  }

 private:
  std::vector<Tensor> fetch(const std::vector<Output>& outputs) {
    auto program = session_->prepare(feeds_, outputs, {});
    if (!program.ok()) {
      ADD_FAILURE() << program.status().to_string();
      return {};
    }
    std::vector<Tensor> results(outputs.size());
    const Status s = (*program)->run({}, values_, results);
    if (!s.ok()) {
      ADD_FAILURE() << s.to_string();
      return {};
    }
    return results;
  }

  void compare(const std::string& label, Val loss, const Vals& dxs) {
    feeds_.assign(xs_.begin(), xs_.end());
    auto session = Session::create(graph_, {});
    ASSERT_TRUE(session.ok()) << session.status().to_string();
    session_ = std::move(*session);
    std::vector<Output> fetched;
    for (const Val& dx : dxs) {
      if (dx) fetched.push_back(dx);
    }
    const std::vector<Tensor> exact = fetch(fetched);
    ASSERT_EQ(exact.size(), fetched.size()) << label;
    size_t next = 0;
    for (size_t i = 0; i < xs_.size(); ++i) {
      const Tensor* dx = dxs[i] ? &exact[next++] : nullptr;
      if (dx) {
        ASSERT_EQ(dx->shape(), values_[i].shape()) << label << ": derivative of input " << i;
      }
      const std::span<double> x = values_[i].flat<double>();
      double scale = 1;
      if (dx) {
        for (const double d : dx->flat<double>()) scale = std::max(scale, std::fabs(d));
      }
      for (size_t k = 0; k < x.size(); ++k) {
        const double here = x[k];
        const auto at = [&](double v) {
          x[k] = v;
          const std::vector<Tensor> r = fetch({loss});
          return r.empty() ? std::nan("") : r[0].flat<double>()[0];
        };
        const double slope = (at(here + options_.step) - at(here - options_.step)) / (2 * options_.step);
        x[k] = here;
        const double given = dx ? dx->flat<double>()[k] : 0;
        ASSERT_NEAR(given, slope, options_.tolerance * scale) << label << ": input " << i << ", element " << k;
      }
    }
  }

  std::string what_;
  CheckOptions options_;
  std::shared_ptr<Graph> graph_;
  Builder b_;
  std::mt19937 random_{7};
  std::vector<Tensor> values_;
  Vals xs_;
  std::vector<Output> feeds_;
  std::unique_ptr<Session> session_;
};

}  // namespace

void check_gradient(const std::string& what, const std::vector<In>& inputs, const Expression& f,
                    const CheckOptions& options) {
  Checker(what, inputs, options).run(f);
}

std::vector<Tensor> evaluate(const std::shared_ptr<Graph>& graph, const std::vector<Output>& fetches) {
  auto session = Session::create(graph, {});
  std::vector<Tensor> results;
  EXPECT_TRUE(session.ok()) << session.status().to_string();
  if (!session.ok()) return results;
  const Status s = (*session)->run({}, {}, fetches, {}, &results);
  EXPECT_TRUE(s.ok()) << s.to_string();
  if (!s.ok()) results.clear();
  return results;
}

std::vector<double> values(const Tensor& t) {
  std::vector<double> out;
  visit_real(t.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const T v : t.flat<T>()) out.push_back(static_cast<double>(v));
  });
  return out;
}

}  // namespace tw::testing
