// Gradients of branches, calls and loops, nested and of second order.
#include <gtest/gtest.h>

#include "core/autodiff/body_gradient.h"
#include "tests/autodiff/numeric.h"

namespace tw::testing {
namespace {

using grad::call;
using grad::call_n;
using grad::integer;
using grad::ints;
using grad::number;
using grad::Val;
using grad::Vals;

using Body = std::function<Vals(const Vals& args)>;

// Adds a function whose arguments look like `like` to the library of its graph.
FuncRef define(const Vals& like, const Body& body, const std::string& name) {
  Graph& outer = like[0].builder().graph();
  FunctionWriter w(outer.library(), &outer);
  Vals args;
  for (const Val& v : like) args.emplace_back(w.builder(), w.add_arg(v.dtype(), v));
  Status s;
  for (const Val& r : body(args)) {
    if (s.ok()) s = w.add_result(r);
  }
  EXPECT_TRUE(s.ok()) << s.to_string();
  auto f = w.finish(name);
  EXPECT_TRUE(f.ok()) << f.status().to_string();
  return {f.ok() ? *f : std::string(), {}};
}

std::vector<DType> dtypes(const Vals& v) {
  std::vector<DType> t;
  for (const Val& x : v) t.push_back(x.dtype());
  return t;
}
std::vector<Shape> shapes(const Vals& v) {
  std::vector<Shape> s;
  for (const Val& x : v) s.push_back(x.shape());
  return s;
}

// Results have the dtype and shape of the first argument.
Val cond(Val predicate, const Vals& args, const Body& then, const Body& otherwise) {
  Vals in{predicate};
  in.insert(in.end(), args.begin(), args.end());
  return call_n("If", 1, in,
                {{"Tin", dtypes(args)},
                 {"Tout", std::vector<DType>{args[0].dtype()}},
                 {"then_branch", define(args, then, "then")},
                 {"else_branch", define(args, otherwise, "else")},
                 {"output_shapes", std::vector<Shape>{args[0].shape()}}})[0];
}

// The same by a number.
Val choose(Val index, const Vals& args, const std::vector<Body>& bodies) {
  std::vector<FuncRef> branches;
  for (const Body& body : bodies) branches.push_back(define(args, body, "branch"));
  Vals in{index};
  in.insert(in.end(), args.begin(), args.end());
  return call_n("Case", 1, in,
                {{"Tin", dtypes(args)},
                 {"Tout", std::vector<DType>{args[0].dtype()}},
                 {"branches", branches},
                 {"output_shapes", std::vector<Shape>{args[0].shape()}}})[0];
}

Vals loop(const Vals& start, const Body& condition, const Body& body) {
  return call_n("While", start.size(), start,
                {{"T", dtypes(start)},
                 {"cond", define(start, condition, "condition")},
                 {"body", define(start, body, "body")},
                 {"output_shapes", shapes(start)}});
}

// Runs `body` n times on everything after the counter.
Vals repeat(int n, const Vals& start, const Body& body) {
  Builder& b = start[0].builder();
  Vals vars{integer(b, 0)};
  vars.insert(vars.end(), start.begin(), start.end());
  Vals out = loop(
      vars, [n](const Vals& v) { return Vals{call("Less", {v[0], integer(v[0].builder(), n)})}; },
      [&body](const Vals& v) {
        Vals next{v[0] + 1.0};
        for (const Val& r : body(Vals(v.begin() + 1, v.end()))) next.push_back(r);
        return next;
      });
  out.erase(out.begin());
  return out;
}

Val is_true(Builder& b, bool v) { return {b, b.constant(Tensor::scalar<bool>(v))}; }

TEST(BranchGradient, FollowsTheBranchTaken) {
  for (const bool taken : {true, false}) {
    check_gradient(taken ? "then" : "else", {{{2}, 0.5, 1.5}, {{2}}}, [taken](const Vals& x) {
      return cond(
          is_true(x[0].builder(), taken), {x[0], x[1]},
          [](const Vals& a) { return Vals{call("Exp", {call("Sin", {a[0]})}) * a[1]}; },
          [](const Vals& a) { return Vals{call("Log", {a[0]}) * call("Exp", {a[0]})}; });
    });
  }
}

TEST(BranchGradient, DependsOnTheData) {
  check_gradient("data", {{{}, 0.5, 1.5}}, [](const Vals& x) {
    const Val big = call("Greater", {x[0], number(x[0], 0.7)});
    return cond(
        big, {x[0]}, [](const Vals& a) { return Vals{a[0] * a[0] * a[0]}; },
        [](const Vals& a) { return Vals{call("Sin", {a[0]})}; });
  });
}

TEST(BranchGradient, OfNestedBranches) {
  check_gradient("nested", {{{2}}, {{2}}}, [](const Vals& x) {
    return cond(
        is_true(x[0].builder(), true), {x[0], x[1]},
        [](const Vals& a) {
          return Vals{call(
              "Sin", {cond(
                         is_true(a[0].builder(), false), a, [](const Vals& c) { return Vals{call("Exp", {c[0]})}; },
                         [](const Vals& c) { return Vals{call("Cos", {c[0] * c[1]}) * c[1]}; })})};
        },
        [](const Vals& a) { return Vals{a[0] - a[1]}; });
  });
}

// The inner branch that is not taken needs values that the forward step then has no use for.
TEST(BranchGradient, OfANestedBranchThatIsNotTaken) {
  check_gradient("nested, not taken", {{{2}}, {{2}}}, [](const Vals& x) {
    return cond(
        is_true(x[0].builder(), true), {x[0], x[1]},
        [](const Vals& a) {
          const Val inner = cond(
              is_true(a[0].builder(), false), a, [](const Vals& c) { return Vals{call("Sin", {c[0] * c[1]}) * c[1]}; },
              [](const Vals& c) { return Vals{c[0] - c[1]}; });
          return Vals{inner * inner};
        },
        [](const Vals& a) { return Vals{a[0]}; });
  });
}

TEST(CallGradient, IsThatOfTheBody) {
  check_gradient("call", {{{2}}, {{2}}}, [](const Vals& x) {
    const FuncRef f = define(x, [](const Vals& a) { return Vals{call("Tanh", {a[0] * a[1]}) * a[0]}; }, "f");
    return call_n("PartitionedCall", 1, x,
                  {{"Tin", dtypes(x)}, {"Tout", std::vector<DType>{x[0].dtype()}}, {"f", f}})[0];
  });
}

TEST(CaseGradient, FollowsTheBranchTaken) {
  for (int taken = 0; taken < 3; ++taken) {
    check_gradient("case", {{{2}, 0.5, 1.5}}, [taken](const Vals& x) {
      return choose(
          integer(x[0].builder(), taken), x,
          {[](const Vals& a) { return Vals{call("Sin", {a[0]})}; },
           [](const Vals& a) { return Vals{call("Exp", {a[0] * a[0]})}; }, [](const Vals& a) { return Vals{a[0]}; }});
    });
  }
}

TEST(LoopGradient, OfAPower) {
  check_gradient("power", {{{2}, 0.5, 1.5}, {{2}}}, [](const Vals& x) {
    return repeat(3, {x[0], x[1]}, [](const Vals& v) { return Vals{v[0] * v[1], v[1]}; })[0];
  });
}

TEST(LoopGradient, OfARecurrentNet) {
  check_gradient("recurrent", {{{2, 3}}, {{3, 3}}, {{3}}}, [](const Vals& x) {
    return repeat(4, {x[0], x[1], x[2]},
                  [](const Vals& v) { return Vals{call("Tanh", {grad::matmul(v[0], v[1]) + v[2]}), v[1], v[2]}; })[0];
  });
}

TEST(LoopGradient, ThatNeverRuns) {
  check_gradient("no iterations", {{{2}}, {{2}}}, [](const Vals& x) {
    return repeat(0, {x[0], x[1]}, [](const Vals& v) { return Vals{v[0] * v[1], v[1]}; })[0] + x[1] * x[1];
  });
}

TEST(LoopGradient, OfVariablesThatFeedOneAnother) {
  check_gradient("swap", {{{2}}, {{2}}}, [](const Vals& x) {
    return repeat(3, {x[0], x[1]}, [](const Vals& v) { return Vals{call("Sin", {v[1]}), v[0] * v[1]}; })[0];
  });
}

TEST(LoopGradient, OfNestedLoops) {
  check_gradient("nested", {{{2}, 0.5, 1}, {{2}, 0.5, 1}}, [](const Vals& x) {
    return repeat(2, {x[0], x[1]}, [](const Vals& v) {
      const Vals inner = repeat(3, {v[0], v[1]}, [](const Vals& w) { return Vals{call("Sin", {w[0] * w[1]}), w[1]}; });
      return Vals{inner[0] * v[1] + v[0], v[1]};
    })[0];
  });
}

TEST(LoopGradient, OfABranchInside) {
  check_gradient("branch inside", {{{}, 0.8, 1}, {{}, 0.5, 0.9}}, [](const Vals& x) {
    return repeat(4, {x[0], x[1]}, [](const Vals& v) {
      const Val big = call("Greater", {v[0], number(v[0], 0.6)});
      return Vals{cond(
                      big, {v[0], v[1]}, [](const Vals& a) { return Vals{a[0] * a[1]}; },
                      [](const Vals& a) { return Vals{call("Exp", {a[0]}) * a[1]}; }),
                  v[1]};
    })[0];
  });
}

// A branch that reads values of the iteration (a[0]) and one that all iterations share (a[1]).
Val sin_or_exp(const Vals& a, double threshold) {
  return cond(
      call("Greater", {a[0], number(a[0], threshold)}), a,
      [](const Vals& c) { return Vals{call("Sin", {c[0] * c[1]}) * c[1]}; },
      [](const Vals& c) { return Vals{call("Exp", {c[0] * c[1]}) + c[1] * c[1]}; });
}

TEST(LoopGradient, OfABranchThatReadsASharedValue) {
  check_gradient("shared value in branch", {{{}, 0.3, 0.5}, {{}, 0.4, 0.6}}, [](const Vals& x) {
    return repeat(4, {x[0], x[1]}, [](const Vals& v) { return Vals{sin_or_exp(v, 0.6), v[1]}; })[0];
  });
}

TEST(LoopGradient, OfABranchInALoopInALoop) {
  check_gradient("branch in loop in loop", {{{}, 0.3, 0.5}, {{}, 0.4, 0.6}}, [](const Vals& x) {
    return repeat(2, {x[0], x[1]}, [](const Vals& v) {
      const Vals inner = repeat(3, v, [](const Vals& w) { return Vals{sin_or_exp(w, 0.6), w[1]}; });
      return Vals{inner[0] * v[1] + v[0] * v[0], v[1]};
    })[0];
  });
}

TEST(LoopGradient, OfALoopInABranchInALoop) {
  check_gradient("loop in branch in loop", {{{}, 0.3, 0.5}, {{}, 0.7, 0.9}}, [](const Vals& x) {
    return repeat(3, {x[0], x[1]}, [](const Vals& v) {
      const Val next = cond(
          call("Greater", {v[0], number(v[0], 0.35)}), v,
          [](const Vals& a) {
            return Vals{repeat(2, a, [](const Vals& w) { return Vals{call("Sin", {w[0] * w[1]}), w[1]}; })[0]};
          },
          [](const Vals& a) { return Vals{call("Exp", {a[0] * a[1]})}; });
      return Vals{next, v[1]};
    })[0];
  });
}

TEST(LoopGradient, OfACaseInside) {
  check_gradient("case in loop", {{{}, 0.3, 0.5}, {{}, 0.4, 0.6}}, [](const Vals& x) {
    return loop(
        {integer(x[0].builder(), 0), x[0], x[1]},
        [](const Vals& v) { return Vals{call("Less", {v[0], integer(v[0].builder(), 4)})}; },
        [](const Vals& v) {
          const Vals args{v[1], v[2]};
          return Vals{v[0] + 1.0,
                      choose(v[0], args,
                             {[](const Vals& a) { return Vals{call("Sin", {a[0] * a[1]})}; },
                              [](const Vals& a) { return Vals{call("Exp", {a[0]}) * a[1]}; },
                              [](const Vals& a) { return Vals{a[0] * a[0] * a[1]}; }}),
                      v[2]};
        })[1];
  });
}

TEST(LoopGradient, OfThirdOrder) {
  const CheckOptions third{.order = 3, .tolerance = 1e-5};
  check_gradient(
      "power", {{{}, 0.5, 1.5}, {{}, 0.5, 1.5}},
      [](const Vals& x) {
        return repeat(3, {x[0], x[1]}, [](const Vals& v) { return Vals{v[0] * v[0] * v[1], v[1]}; })[0];
      },
      third);
  // Lists of lists are added here.
  check_gradient(
      "nested", {{{}, 0.5, 1}, {{}, 0.5, 1}},
      [](const Vals& x) {
        return repeat(2, {x[0], x[1]}, [](const Vals& v) {
          const Vals inner = repeat(2, v, [](const Vals& w) { return Vals{call("Sin", {w[0] * w[1]}), w[1]}; });
          return Vals{inner[0] * v[1] + v[0], v[1]};
        })[0];
      },
      third);
  check_gradient(
      "branch", {{{}, 0.3, 0.5}, {{}, 0.4, 0.6}},
      [](const Vals& x) {
        return repeat(2, {x[0], x[1]}, [](const Vals& v) { return Vals{sin_or_exp(v, 0.6), v[1]}; })[0];
      },
      third);
}

TEST(LoopGradient, OfALoopInABranch) {
  check_gradient("loop in branch", {{{2}}, {{2}}}, [](const Vals& x) {
    return cond(
        is_true(x[0].builder(), true), {x[0], x[1]},
        [](const Vals& a) {
          return Vals{repeat(3, a, [](const Vals& v) { return Vals{call("Sin", {v[0] * v[1]}), v[1]}; })[0]};
        },
        [](const Vals& a) { return Vals{a[0]}; });
  });
}

TEST(LoopGradient, StopsAfterAsManyIterationsAsTheDataSay) {
  check_gradient("data dependent", {{{}, 0.3, 0.4}, {{}, 1.4, 1.5}}, [](const Vals& x) {
    return loop(
        {x[0], x[1]}, [](const Vals& v) { return Vals{call("Less", {v[0], number(v[0], 2.05)})}; },
        [](const Vals& v) { return Vals{v[0] * v[1], v[1]}; })[0];
  });
}

TEST(LoopGradient, OfTensorListsInside) {
  // Reads rows of the input from a list, as a recurrent net with a TensorArray does, and stacks what it makes of them.
  check_gradient("lists", {{{3, 2}}, {{2}}}, [](const Vals& x) {
    Builder& b = x[0].builder();
    const Val rows = call("TensorListFromTensor", {x[0], ints(b, {2})}, {{"element_dtype", DType::kDouble}});
    const Val out = call("TensorListReserve", {ints(b, {2}), integer(b, 3)}, {{"element_dtype", DType::kDouble}});
    const Vals vars{integer(b, 0), x[1], rows, out};
    const Vals end = loop(
        vars, [](const Vals& v) { return Vals{call("Less", {v[0], integer(v[0].builder(), 3)})}; },
        [](const Vals& v) {
          Builder& inner = v[0].builder();
          const AttrMap element{{"element_dtype", DType::kDouble}};
          const Val row = call("TensorListGetItem", {v[2], v[0], ints(inner, {2})}, element);
          const Val state = call("Tanh", {row + v[1] * row});
          return Vals{v[0] + 1.0, state, v[2], call("TensorListSetItem", {v[3], v[0], state}, element)};
        });
    return call("TensorListStack", {end[3], ints(b, {2})}, {{"element_dtype", DType::kDouble}, {"num_elements", 3}});
  });
}

// Variables reach a body as handles; their derivatives come out of it as values.
TEST(LoopGradient, OfVariables) {
  const auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  const AttrMap of_variable{{"dtype", DType::kDouble}, {"shape", Shape{3}}, {"shared_name", "w"}};
  const Val w{b, Output{b.add("VarHandleOp", {}, of_variable), 0}};
  const AttrMap value{{"dtype", DType::kDouble}};
  const Val start{b, b.vector<double>({0.1, 0.2, 0.3})};
  const Val initial{b, b.vector<double>({0.5, 0.6, 0.7})};
  const NodeId init = b.add("AssignVariableOp", {w, initial}, value);
  const Body step = [&](const Vals& v) {
    Builder& inner = v[0].builder();
    const Val all = call("ReadVariableOp", {v[1]}, value);
    const Val some = call("ResourceGather", {v[1], ints(inner, {0, 2, 2})}, value);
    return Vals{call("Sin", {v[0] * all + some}), v[1]};
  };
  const Val y = repeat(3, {start, w}, step)[0];
  const Val taken = cond(
      is_true(b, true), {y, w}, [&](const Vals& a) { return Vals{a[0] * call("ReadVariableOp", {a[1]}, value)}; },
      [&](const Vals& a) { return Vals{a[0]}; });
  const auto g = add_gradients(graph.get(), std::vector<Output>{taken}, std::vector<Output>{w}, {});
  ASSERT_TRUE(g.ok()) << g.status().to_string();
  // The same by hand, without a loop.
  Val by_hand = start;
  for (int i = 0; i < 3; ++i) {
    by_hand = call("Sin", {by_hand * initial + grad::gather(initial, ints(b, {0, 2, 2}))});
  }
  by_hand = by_hand * initial;
  const auto h = add_gradients(graph.get(), std::vector<Output>{by_hand}, std::vector<Output>{initial}, {});
  ASSERT_TRUE(h.ok()) << h.status().to_string();
  ASSERT_TRUE(b.status().ok()) << b.status().to_string();

  auto session = Session::create(graph, {});
  ASSERT_TRUE(session.ok()) << session.status().to_string();
  std::vector<Tensor> r;
  Status s = (*session)->run({}, {}, {}, std::vector<NodeId>{init}, &r);
  ASSERT_TRUE(s.ok()) << s.to_string();
  s = (*session)->run({}, {}, std::vector<Output>{(*g)[0].dense, densify(b, (*h)[0])}, {}, &r);
  ASSERT_TRUE(s.ok()) << s.to_string();
  const std::vector<double> got = values(r[0]), wanted = values(r[1]);
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-12) << i;
}

TEST(LoopGradient, IsTheSameFromTwoCalls) {
  const auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  const Val x{b, b.vector<double>({0.5, 0.7})};
  const Val y = repeat(3, {x}, [](const Vals& v) { return Vals{call("Sin", {v[0]})}; })[0];
  std::vector<Output> fetches;
  for (int i = 0; i < 2; ++i) {
    const auto g = add_gradients(graph.get(), std::vector<Output>{y}, std::vector<Output>{x}, {});
    ASSERT_TRUE(g.ok()) << g.status().to_string();
    fetches.push_back((*g)[0].dense);
  }
  // The second call found the loop counting and saving already.
  EXPECT_EQ(graph->node(y.output().node).inputs.size(), 4u);
  const std::vector<Tensor> r = evaluate(graph, fetches);
  ASSERT_EQ(r.size(), 2u);
  EXPECT_EQ(values(r[0]), values(r[1]));
}

}  // namespace
}  // namespace tw::testing
